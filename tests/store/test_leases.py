from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
from datetime import timedelta

import msgspec
import psutil
import pytest

from lease_process import Process, intend, leases_of
from seatkeeper.errors import LeaseLost, SiteBusy
from seatkeeper.store import Held, Leases, Owner, Store
from seatkeeper.store.recording import recording
from stored import NOW, later

PROD = ("prod", "release")
WATCH = ("prod", "monitor")
TEST = ("test", "release")


def taken(held: list[Held]) -> set[tuple[str, str]]:
    return {(h.site, h.kind) for h in held}


async def set_due(store: Store, *jobs: tuple[str, str]) -> None:
    await store.leases.set_jobs(dict.fromkeys(jobs, ("every 1 hours", NOW)))


async def expire(leases: Leases, held: Held) -> None:
    """Let a lease run out: its holder stops renewing, and time passes."""
    leases.ttl = 0.0
    await leases.renew([held])
    await asyncio.sleep(0.02)


async def test_a_site_is_held_by_one_at_a_time(store: Store) -> None:
    held = await store.leases.claim_site("prod", "apply", NOW)

    with pytest.raises(SiteBusy, match="prod is held by seatkeeper test"):
        await leases_of(store).claim_site("prod", "undo", NOW)
    await leases_of(store).claim_site("test", "undo", NOW)

    await store.leases.release(held)
    again = await leases_of(store).claim_site("prod", "undo", NOW)
    assert (again.interrupted, again.previous) == (False, None)


async def test_who_is_refused_reads_who_has_the_site_at_what_and_since_when(store: Store) -> None:
    await store.leases.claim_site("prod", "apply", NOW)
    me = store.owner

    with pytest.raises(SiteBusy) as refused:
        await leases_of(store).claim_site("prod", "undo", NOW)

    for fact in (me.host, f"pid {me.pid}", "seatkeeper test", "apply", "2026-11-02 03:00:00"):
        assert fact in str(refused.value)
    assert [h.site for h in await store.leases.holders()] == ["prod"]


async def test_every_holder_gets_a_higher_fence(store: Store) -> None:
    fences = []
    for _ in range(3):
        held = await store.leases.claim_site("prod", "apply", NOW)
        fences.append(held.fence)
        await store.leases.release(held)

    assert fences == sorted(set(fences))


async def test_the_fence_does_not_start_again_when_a_site_was_removed(store: Store) -> None:
    await set_due(store, PROD)
    (held,) = await store.leases.claim_due(1, NOW)
    await store.leases.release(held)
    await set_due(store)

    await set_due(store, PROD)
    (again,) = await store.leases.claim_due(1, NOW)

    assert again.fence > held.fence


async def test_of_many_who_want_a_site_exactly_one_gets_it(store: Store) -> None:
    async def attempt() -> bool:
        try:
            await leases_of(store).claim_site("prod", "apply", NOW)
        except SiteBusy:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(8)))) == 1


async def test_a_lease_that_ran_out_is_taken_over_and_the_interruption_told(store: Store) -> None:
    first = await store.leases.claim_site("prod", "apply", NOW)
    await expire(store.leases, first)

    second = await leases_of(store).claim_site("prod", "undo", NOW)

    assert second.fence > first.fence
    assert second.interrupted
    assert second.previous == store.owner
    assert second.previous_kind == "apply"


async def test_after_the_deadline_the_holder_stops_by_itself(store: Store) -> None:
    leases = leases_of(store, ttl=0.3, margin=0.25)
    held = await leases.claim_site("prod", "apply", NOW)
    held.check()

    await asyncio.sleep(0.1)

    assert held.is_over
    with pytest.raises(LeaseLost, match="prod"):
        held.check()
    with pytest.raises(SiteBusy):  # the others wait for the end of the lease itself
        await store.leases.claim_site("prod", "undo", NOW)


async def test_renewing_moves_the_deadline(store: Store) -> None:
    leases = leases_of(store, ttl=5.0, margin=4.9)
    held = await leases.claim_site("prod", "apply", NOW)
    await asyncio.sleep(0.12)
    assert held.is_over

    lost = await leases.renew([held])

    assert lost == []
    assert not held.is_over


async def test_renewing_a_lease_that_another_has_says_that_it_is_lost(store: Store) -> None:
    first = await store.leases.claim_site("prod", "apply", NOW)
    await expire(store.leases, first)
    store.leases.ttl = 30.0
    await leases_of(store).claim_site("prod", "undo", NOW)

    assert await store.leases.renew([first]) == [first]

    with pytest.raises(LeaseLost):
        first.check()


async def test_a_lease_that_ran_out_is_not_renewed(store: Store) -> None:
    held = await store.leases.claim_site("prod", "apply", NOW)
    await expire(store.leases, held)
    store.leases.ttl = 30.0

    assert await store.leases.renew([held]) == [held]


async def test_giving_back_what_was_lost_changes_nothing(store: Store) -> None:
    first = await store.leases.claim_site("prod", "apply", NOW)
    await expire(store.leases, first)
    second = await leases_of(store).claim_site("prod", "undo", NOW)

    assert not await store.leases.release(first)

    intend(store, second, "prod")


async def test_the_old_owner_s_next_intent_is_refused(store: Store) -> None:
    first = await store.leases.claim_site("prod", "apply", NOW)
    intend(store, first, "prod")
    await expire(store.leases, first)

    second = await leases_of(store).claim_site("prod", "apply", NOW)
    intend(store, second, "prod")
    with pytest.raises(LeaseLost):
        intend(store, first, "prod")

    assert [r.run_id for r in await store.ledger.show()] == [str(first.fence), str(second.fence)]


async def test_an_intent_in_progress_holds_the_next_owner_off_until_its_commit(
    store: Store,
) -> None:
    ttl = 1.0
    first = await leases_of(store, ttl=ttl, margin=0.5).claim_site("prod", "apply", NOW)
    go_on, began = threading.Event(), threading.Event()
    order: list[str] = []

    def slow_intent() -> None:
        with recording(store.ledger._db, first):
            began.set()
            go_on.wait(20)
            order.append("committing")

    async def next_owner() -> None:
        await leases_of(store).claim_site("prod", "apply", NOW)
        order.append("taken over")

    intent = asyncio.create_task(asyncio.to_thread(slow_intent))
    await asyncio.to_thread(began.wait, 20)
    await asyncio.sleep(ttl + 0.2)
    claim = asyncio.create_task(next_owner())
    await asyncio.sleep(0.5)
    assert not claim.done()
    go_on.set()
    await asyncio.gather(intent, claim)

    assert order == ["committing", "taken over"]


async def test_holding_renews_in_the_background_and_gives_back_at_the_end(store: Store) -> None:
    leases = leases_of(store, ttl=0.9, margin=0.2)

    async with leases.holding("prod", "undo") as held:
        await asyncio.sleep(1.5)
        held.check()
        with pytest.raises(SiteBusy):
            await store.leases.claim_site("prod", "apply", NOW)

    again = await store.leases.claim_site("prod", "apply", NOW)
    assert not again.interrupted


async def test_holding_gives_back_when_the_body_fails_or_is_cancelled(store: Store) -> None:
    started = asyncio.Event()

    async def body() -> None:
        async with store.leases.holding("prod", "undo"):
            started.set()
            await asyncio.sleep(60)

    with pytest.raises(KeyError):
        async with store.leases.holding("prod", "undo"):
            raise KeyError
    task = asyncio.create_task(body())
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await leases_of(store).claim_site("prod", "apply", NOW)


async def test_due_jobs_are_taken_one_a_site_and_the_longest_due_first(store: Store) -> None:
    due = {PROD: NOW - timedelta(hours=1), WATCH: NOW, TEST: NOW - timedelta(hours=2)}
    await store.leases.set_jobs({job: ("spec", at) for job, at in due.items()})

    assert taken(await store.leases.claim_due(1, NOW)) == {TEST}
    assert taken(await store.leases.claim_due(9, NOW)) == {PROD}
    assert await store.leases.claim_due(9, NOW) == []


async def test_a_job_is_not_taken_before_it_is_due_or_when_it_never_is(store: Store) -> None:
    await store.leases.set_jobs({PROD: ("spec", later(1)), TEST: ("manual", None)})

    assert await store.leases.claim_due(9, NOW) == []
    assert taken(await store.leases.claim_due(9, later(1))) == {PROD}


async def test_a_job_that_is_done_is_due_again_when_told(store: Store) -> None:
    await set_due(store, PROD)
    (held,) = await store.leases.claim_due(9, NOW)

    assert await store.leases.done(held, "release", later(24), NOW)

    (job,) = await store.leases.jobs()
    assert (job.due, job.last_run, job.interruptions, job.runs) == (later(24), NOW, 0, None)
    assert await store.leases.claim_due(9, later(23)) == []


async def test_a_site_held_by_a_command_waits_with_all_its_jobs(store: Store) -> None:
    await set_due(store, PROD, WATCH, TEST)
    await leases_of(store).claim_site("prod", "apply", NOW)

    assert taken(await store.leases.claim_due(9, NOW)) == {TEST}


async def test_an_interrupted_job_runs_again_first_and_counts_its_interruptions(
    store: Store,
) -> None:
    await set_due(store, PROD, WATCH)
    counts = []
    for _ in range(3):
        leases = leases_of(store)
        (held,) = await leases.claim_due(1, NOW)
        counts.append((held.kind, held.interrupted, held.interruptions))
        await expire(leases, held)
    (last,) = await store.leases.claim_due(1, NOW)
    await store.leases.done(last, last.kind, later(1), NOW)

    kind = counts[0][0]
    assert counts == [(kind, False, 0), (kind, True, 1), (kind, True, 2)]
    assert (last.kind, last.interruptions) == (kind, 3)
    assert {j.interruptions for j in await store.leases.jobs()} == {0}


async def test_an_interrupted_job_runs_again_even_when_it_is_not_due(store: Store) -> None:
    await set_due(store, PROD)
    leases = leases_of(store)
    (held,) = await leases.claim_due(1, NOW)
    await store.leases.set_jobs({PROD: ("other spec", later(24)), WATCH: ("spec", NOW)})
    await expire(leases, held)

    assert taken(await store.leases.claim_due(9, NOW)) == {PROD}


async def test_what_an_interrupted_command_left_is_no_reason_to_wait(store: Store) -> None:
    await set_due(store, PROD)
    leases = leases_of(store)
    held = await leases.claim_site("prod", "apply", NOW)
    await expire(leases, held)

    (job,) = await store.leases.claim_due(9, NOW)

    assert (job.kind, job.interrupted, job.previous_kind) == ("release", True, "apply")


async def test_a_site_whose_old_task_has_not_ended_is_left_alone(store: Store) -> None:
    await set_due(store, PROD)
    (held,) = await store.leases.claim_due(9, NOW)
    await expire(store.leases, held)
    store.leases.ttl = 30.0

    assert await store.leases.claim_due(9, NOW) == []
    store.leases.drop(held)

    assert taken(await store.leases.claim_due(9, NOW)) == {PROD}


async def test_jobs_keep_their_last_run_and_due_time_across_a_restart(store: Store) -> None:
    await set_due(store, PROD, WATCH)
    (held,) = await store.leases.claim_due(1, NOW)
    await store.leases.done(held, held.kind, later(5), NOW)

    await store.leases.set_jobs({PROD: ("every 1 hours", later(99)), WATCH: ("new", later(99))})

    by_kind = {job.kind: job for job in await store.leases.jobs()}
    done = by_kind.pop(held.kind)
    assert (done.last_run, done.due) == (NOW, later(5 if held.kind == "release" else 99))
    assert by_kind.popitem()[1].due == (NOW if held.kind == "monitor" else later(99))


async def test_a_job_that_did_not_do_its_work_keeps_the_run_before_as_its_last(
    store: Store,
) -> None:
    await set_due(store, PROD)
    for ran_at in (NOW, None):
        (held,) = await store.leases.claim_due(1, NOW)
        await store.leases.done(held, "release", NOW, ran_at)

    assert [job.last_run for job in await store.leases.jobs()] == [NOW]


async def test_a_job_can_be_made_due_at_another_time(store: Store) -> None:
    await set_due(store, PROD, TEST)

    await store.leases.reschedule({PROD: later(5), TEST: None})

    assert [job.due for job in await store.leases.jobs()] == [later(5), None]


async def test_a_child_process_works_on_the_lease_of_its_parent(store: Store) -> None:
    leases = leases_of(store, ttl=0.9, margin=0.2)
    held = await leases.claim_site("prod", "release", NOW)
    child = Leases(store.leases._db, leases.owner, ttl=0.9, margin=0.2)
    copied = Held(held.site, held.kind, held.fence, leases.owner, deadline=float("-inf"))

    async with child.borrowing(copied) as borrowed:
        await asyncio.sleep(1.2)
        borrowed.check()
        intend(store, borrowed, "prod")

    assert await leases.release(held)
    with pytest.raises(LeaseLost):
        async with child.borrowing(copied):
            pass


async def test_a_job_that_is_not_wanted_any_more_goes(store: Store) -> None:
    await set_due(store, PROD, TEST)
    leases = leases_of(store)
    held = await leases.claim_site("test", "release", NOW)
    await expire(leases, held)

    await set_due(store, PROD)

    assert [(j.site, j.kind) for j in await store.leases.jobs()] == [PROD]
    assert not (await store.leases.claim_site("test", "apply", NOW)).interrupted


async def test_jobs_say_where_they_run(store: Store) -> None:
    await set_due(store, PROD, WATCH)
    (held,) = await store.leases.claim_due(1, NOW)

    running = {job.kind: job.runs for job in await store.leases.jobs() if job.runs}

    assert set(running) == {held.kind}
    assert f"pid {store.owner.pid}" in running[held.kind].words


async def test_another_machine_s_lease_is_not_taken_before_it_ran_out(store: Store) -> None:
    me = store.owner
    elsewhere = Owner(
        host="other", pid=1, started=1.0, boot=me.boot, command="seatkeeper serve", instance="o"
    )
    await Leases(store.leases._db, elsewhere).claim_site("prod", "release", NOW)
    await set_due(store, PROD)

    with pytest.raises(SiteBusy, match="pid 1 on other"):
        await store.leases.claim_site("prod", "apply", NOW)
    assert await store.leases.claim_due(9, NOW) == []


@pytest.mark.parametrize(
    ("changes", "dead"),
    [
        ({}, False),
        ({"started": 1.0}, True),
        ({"pid": 2**22 + 1}, True),
        ({"pid": 2**22 + 1, "host": "other"}, False),
        ({"pid": 2**22 + 1, "boot": "another boot"}, False),
    ],
)
def test_only_a_process_of_this_very_boot_can_be_called_dead(
    changes: dict[str, object], dead: bool
) -> None:
    me = Owner.this_process()
    facts = {f: getattr(me, f) for f in me.__struct_fields__}

    assert Owner(**{**facts, **changes}).is_dead(me) is dead


def test_a_process_that_a_hardened_proc_hides_is_not_called_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hidden(pid: int) -> psutil.Process:
        raise psutil.NoSuchProcess(pid)

    me = Owner.this_process()
    with subprocess.Popen(["sleep", "30"]) as other:
        theirs = msgspec.structs.replace(me, pid=other.pid, started=1.0, instance="o")
        monkeypatch.setattr(psutil, "Process", hidden)
        assert not theirs.is_dead(me)
        other.kill()

    assert theirs.is_dead(me)


async def test_the_lease_of_a_killed_process_is_taken_over_at_once(store: Store, url: str) -> None:
    await set_due(store, PROD, TEST)
    with Process("hold", url, "prod", "600") as command:
        assert command.heard().startswith("held")
        assert taken(await store.leases.claim_due(9, NOW)) == {TEST}
        with pytest.raises(SiteBusy, match=rf"seatkeeper test \(pid {command.pid} on "):
            await store.leases.claim_site("prod", "apply", NOW)

        command.send(signal.SIGKILL)  # not waited for: a zombie is dead too

        found: set[tuple[str, str]] = set()
        for _ in range(200):
            found |= taken(await store.leases.claim_due(1, NOW))
            await asyncio.sleep(0 if found else 0.05)
    assert found == {PROD}


async def test_a_command_takes_over_from_a_killed_one_and_hears_of_it(
    store: Store, url: str
) -> None:
    with Process("hold", url, "prod", "600") as command:
        assert command.heard().startswith("held")

    held = await store.leases.claim_site("prod", "apply", NOW)

    assert held.interrupted
    assert held.previous is not None
    assert held.previous.pid == command.pid
