from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from builders import NOW, days_ago
from seatkeeper.core.policy import Mode, SharedKind
from seatkeeper.core.progress import Reached, next_step, steps_to_auto

NEW = Reached(mode=Mode.OBSERVE, agreement_by=None, shared=SharedKind.UNKNOWN, now=NOW)
ARRIVED = Reached(
    mode=Mode.AUTO,
    agreement_by="Jane Doe",
    shared=SharedKind.NOBODY,
    now=NOW,
    first_read=days_ago(30),
    first_plan=days_ago(30),
    approved=days_ago(9),
    applied=days_ago(8),
)


def done(reached: Reached) -> set[str]:
    return {step.key for step in steps_to_auto(reached) if step.done}


def test_a_new_site_has_only_its_configuration() -> None:
    assert done(NEW) == {"configured"}
    step = next_step(steps_to_auto(NEW))
    assert step is not None
    assert (step.key, step.how) == ("read", "seatkeeper plan")


def test_everything_done_leaves_no_next_step() -> None:
    assert next_step(steps_to_auto(ARRIVED)) is None


def test_a_site_was_watched_after_fourteen_whole_days() -> None:
    almost = replace(NEW, first_read=days_ago(14) + timedelta(seconds=1))

    assert "watched" not in done(almost)
    assert "watched" in done(replace(NEW, first_read=days_ago(14)))


def test_mode_auto_counts_as_letting_people_approve_too() -> None:
    assert {"mode_approve", "mode_auto"} <= done(replace(NEW, mode=Mode.AUTO))
    assert done(replace(NEW, mode=Mode.APPROVE)) == {"configured", "mode_approve"}


def test_a_license_shared_with_unseen_deployments_is_no_answer_to_who_shares_it() -> None:
    assert "sharing_known" not in done(replace(ARRIVED, shared=SharedKind.OTHERS))


def test_every_step_says_what_to_do() -> None:
    assert all(step.how and step.title for step in steps_to_auto(NEW))
