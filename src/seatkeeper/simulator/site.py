"""The state machine of a simulated site: what releasing, granting, using and deleting do to seats.

Follows the lifecycle of the contract row by row; every open point is a switch. Each public method
that changes something leaves it durable before it returns.
"""

from __future__ import annotations

import enum
import heapq
import random
from collections.abc import Callable

from seatkeeper.simulator.answers import Rejection, bad_request, not_found
from seatkeeper.simulator.entitlement import entitled, overflowing
from seatkeeper.simulator.moments import DAY, HOUR, MINUTE, NEVER, SiteClock
from seatkeeper.simulator.records import Records
from seatkeeper.simulator.rows import (
    REPOSITORY,
    SCHEDULER,
    CapacityUse,
    Seat,
    SeatType,
    User,
    make_guid,
)
from seatkeeper.simulator.switches import Switches

QUARANTINE = 7 * DAY
SEATED = (SeatType.PROFESSIONAL, SeatType.ANALYZER)
CAPACITY_UNIT = 6 * MINUTE
LONGEST_STAY = 25 * MINUTE


class Login(enum.StrEnum):
    """What became of somebody who wanted in."""

    SEAT = "seat"
    NEW_SEAT = "new_seat"
    CAPACITY = "capacity"
    UNKNOWN_USER = "unknown_user"
    NO_LICENSE = "license_not_available"
    TURNED_AWAY = "no_available_access_type"
    EXCESS = "excess_assignment"


class Site:
    """One Qlik Sense site, alive between two requests."""

    def __init__(
        self,
        records: Records,
        switches: Switches,
        keep: Callable[[bytes], None] = lambda _notes: None,
    ) -> None:
        self.records = records
        self.switches = switches
        self.clock = SiteClock(records.facts.clock_offset)
        self.rng = random.Random()
        """Draws ids of new rows; the history of people has its own seeded generator."""
        self._keep = keep
        self._month_minutes: dict[int, int] = {}
        self._endings: list[tuple[int, str, SeatType]] = []
        self.look_again()

    def look_again(self) -> None:
        """Derive anew what is known of waiting rows and used minutes, after all dates moved."""
        self._month_minutes = {}
        self._endings = []
        for kind in SeatType:
            for key in self.records.quarantined[kind]:
                self._expect_end(self.records.seats[kind][key])

    def keep(self) -> None:
        """Make everything changed so far durable."""
        notes = self.records.take_notes()
        if notes:
            self._keep(notes)

    # Time

    def settle(self) -> None:
        """Let the rows disappear whose quarantine is over by now."""
        now = self.clock.now()
        if not self._endings or self._endings[0][0] > now:
            return
        while self._endings and self._endings[0][0] <= now:
            _, key, kind = heapq.heappop(self._endings)
            seat = self.records.seats[kind].get(key)
            if seat is not None and seat.quarantined and self._gone_at(seat) <= now:
                self.records.drop_seat(seat)
                self._balance(kind)
        self.keep()

    def _gone_at(self, seat: Seat) -> int:
        end = seat.quarantine_end
        policy = self.switches.quarantine_expiry
        step = {"hourly": HOUR, "nightly": DAY}.get(policy, 1)
        return -(-end // step) * step

    def _expect_end(self, seat: Seat) -> None:
        if self.switches.quarantine_expiry != "never":
            heapq.heappush(self._endings, (self._gone_at(seat), seat.id, seat.type))

    def set_switches(self, switches: Switches) -> None:
        """Change behaviour from now on."""
        self.switches = switches
        self.look_again()

    # Releasing

    def release(self, kind: SeatType, key: str) -> str:
        """Deallocate a seat; say `removed`, `quarantined`, or `unchanged` for one that was before.

        An unknown id, and a second release of the same row, end as the switches say.
        """
        self._need_backend()
        seat = self.records.seats[kind].get(key)
        if seat is None:
            if self.switches.delete_unknown == "404":
                raise not_found()
            return "unchanged"
        if seat.quarantined:
            if self.switches.delete_quarantined == "204":
                return "unchanged"
            raise Rejection(int(self.switches.delete_quarantined), "The access is quarantined")
        outcome = self._deallocate(seat, REPOSITORY)
        self.keep()
        return outcome

    def _deallocate(self, seat: Seat, by: str) -> str:
        now = self.clock.now()
        blocked_until = seat.last_used + QUARANTINE
        if self.switches.quarantine_policy == "signed_key_none" or blocked_until <= now:
            self.records.drop_seat(seat)
            self._balance(seat.type)
            return "removed"
        if self.switches.quarantine_end == "next_midnight":
            blocked_until = -(-blocked_until // DAY) * DAY
        seat.quarantined = True
        seat.excess = False
        seat.quarantine_end = blocked_until
        seat.modified, seat.modified_by = now, by
        self.records.save_seat(seat)
        self._expect_end(seat)
        self._balance(seat.type)
        return "quarantined"

    # Granting

    def free(self, kind: SeatType) -> int:
        """Count the seats that can be allocated now."""
        return max(0, self.records.totals[kind] - len(self.records.seats[kind]))

    def grant(self, kind: SeatType, users: list[User], by: str) -> list[Seat]:
        """Allocate a seat to each user, or reinstate the one in quarantine; refusals are switches.

        Several are durable together; whoever asks for several makes sure that all can be had.
        """
        self._need_backend()
        self.need_license()
        seats = [self._grant(kind, user, by) for user in users]
        self.keep()
        return seats

    def _grant(self, kind: SeatType, user: User, by: str) -> Seat:
        held = self.records.seats_held(kind, user.id)
        waiting = [seat for seat in held if seat.quarantined]
        if waiting and self.switches.reinstate in {"both", "post"}:
            return self._reinstate(waiting[0], by)
        if held and self.switches.post_duplicate in {"400", "409"}:
            raise Rejection(int(self.switches.post_duplicate), "The user has this access already")
        if held and self.switches.post_duplicate == "same":
            return held[0]
        if self.free(kind) == 0:
            raise Rejection(int(self.switches.post_no_seat), "No access left to allocate")
        return self._allocate(kind, user, by, self.clock.now())

    def _allocate(self, kind: SeatType, user: User, by: str, at: int) -> Seat:
        seat = Seat(make_guid(self.rng), kind, user.id, at, at, by)
        self.records.save_seat(seat)
        return seat

    def reinstate(self, seat: Seat, by: str) -> Seat:
        """End the quarantine of a seat for its own user."""
        self._reinstate(seat, by)
        self.keep()
        return seat

    def _reinstate(self, seat: Seat, by: str) -> Seat:
        seat.quarantined = False
        seat.quarantine_end = NEVER
        seat.modified, seat.modified_by = self.clock.now(), by
        self.records.save_seat(seat)
        self._balance(seat.type)
        return seat

    # Using

    def use(self, seat: Seat, at: int, *, usage_only: bool = False) -> None:
        """Let the holder use a seat at a moment; an earlier one than known changes nothing."""
        user = self.records.users.get(seat.user)
        seat.activity = max(seat.activity, at)
        usage_only = usage_only or self.switches.used_events == "usage_only"
        least = {"exact": 0, "hour": HOUR, "day": DAY}[self.switches.used_precision]
        if not usage_only and at > seat.last_used and at - seat.last_used >= least:
            seat.last_used = at
            seat.modified = max(seat.modified, at)
            seat.modified_by = user.label if user else REPOSITORY
        self.records.save_seat(seat)
        self.keep()

    def login(self, user: User, at: int | None = None) -> Login:
        """Let a user open the hub: with the own seat, one by rule, capacity, or not at all."""
        moment = self.clock.now() if at is None else at
        if user.inactive or user.blocked:
            return Login.UNKNOWN_USER
        if not self.licensed():
            return Login.NO_LICENSE
        held = [seat for kind in SeatType for seat in self.records.seats_held(kind, user.id)]
        live = [seat for seat in held if not seat.quarantined]
        usable = [seat for seat in live if not seat.excess]
        if usable:
            self.use(usable[0], moment)
            return Login.SEAT
        result = Login.EXCESS if live else self._login_by_rule(user, held, moment)
        if result is Login.TURNED_AWAY:
            self.records.facts.turned_away += 1
            self.records.note_facts()
        self.keep()
        return result

    def _login_by_rule(self, user: User, waiting: list[Seat], at: int) -> Login:
        for kind in SEATED:
            if not entitled(self.records, user, f"{kind}accessgroup"):
                continue
            own = [seat for seat in waiting if seat.type is kind]
            if own:
                if self.switches.rule_quarantine == "deny":
                    continue
                self.use(self.reinstate(own[0], REPOSITORY), at)
                return Login.SEAT
            if self.free(kind):
                self.use(self._allocate(kind, user, REPOSITORY, at), at)
                return Login.NEW_SEAT
        return self._login_by_capacity(user, at)

    def _login_by_capacity(self, user: User, at: int) -> Login:
        if not self.capacity_left(at) or not entitled(self.records, user, "analyzertimeaccesstype"):
            return Login.TURNED_AWAY
        stay = self.rng.randrange(MINUTE, LONGEST_STAY)
        use = CapacityUse(make_guid(self.rng), user.id, at, min(at + stay, self.clock.now()))
        self.capacity_used(at)  # counts the month before the stay is added to it
        self.records.save_capacity_use(use)
        self._month_minutes[self.clock.month_start(at)] += _charged(use)
        return Login.CAPACITY

    def capacity_used(self, at: int) -> int:
        """Count the minutes of analyzer capacity used in the calendar month of a moment."""
        month = self.clock.month_start(at)
        if month not in self._month_minutes:
            self._month_minutes[month] = sum(
                _charged(use)
                for use in self.records.capacity_uses.values()
                if self.clock.month_start(use.start) == month
            )
        return self._month_minutes[month]

    def capacity_left(self, at: int) -> bool:
        """Say whether minutes of analyzer capacity are left in the month of a moment."""
        minutes = self.records.facts.capacity_minutes
        return minutes > 0 and self.capacity_used(at) < minutes

    # Users

    def delete_user(self, user: User) -> None:
        """Delete a user; seats used lately stay in quarantine without a holder."""
        if user.delete_prohibited:
            raise bad_request("The user cannot be deleted")
        for kind in SeatType:
            for seat in self.records.seats_held(kind, user.id):
                self._orphan(seat, user)
        self.records.drop_user(user)
        self.keep()

    def _orphan(self, seat: Seat, user: User) -> None:
        idle = seat.last_used + QUARANTINE <= self.clock.now()
        kept = idle and self.switches.deleted_idle_seat == "keep"
        if not seat.quarantined and not kept and self._deallocate(seat, REPOSITORY) == "removed":
            return
        self.records.leave_ownerless(seat)
        seat.deleted_user, seat.deleted_directory = user.user_id, user.directory
        self.records.save_seat(seat)

    def sync_accident(self, share: float) -> int:
        """Mark a share of the users as removed, as a failed directory sync does; 0 heals it.

        Gives the number of users marked by the accident. Always the same users for a share.
        """
        now = self.clock.now()
        marked = 0
        for user in self.records.users.values():
            lost = not user.delete_prohibited and int(user.id[:8], 16) < share * 2**32
            marked += lost
            if lost == user.lost or (lost and user.removed):
                continue
            user.lost = user.removed = user.inactive = lost
            user.modified, user.modified_by = now, SCHEDULER
            self.records.save_user(user)
        self.keep()
        return marked

    # License

    def licensed(self) -> bool:
        """Say whether the license lets anybody in."""
        return self.switches.license_kind in {"signed", "serial"} and not self.expired()

    def expired(self) -> bool:
        """Say whether the license is over: as the switch says, or because its last day passed."""
        kind = self.switches.license_kind
        if kind != "signed" or self.switches.key_details == "perpetual":
            return kind == "expired"
        return self.clock.now() >= self.records.facts.valid_to + DAY

    def renew_license(self, valid_to: int) -> None:
        """Let the license end with the day of a moment."""
        self.records.facts.valid_to = valid_to // DAY * DAY
        self.records.note_facts()
        self.keep()

    def need_license(self) -> None:
        """Refuse with 400 when the license is absent, expired or denylisted."""
        if not self.licensed():
            raise bad_request("The license is not valid")

    def _need_backend(self) -> None:
        if self.switches.license_backend == "unreachable":
            raise Rejection(500, "Internal Server Error")

    def set_total(self, kind: SeatType, number: int) -> None:
        """Let a new license grant so many seats; too few lock out some of the holders."""
        self.records.set_total(kind, number)
        self._balance(kind)
        self.keep()

    def _balance(self, kind: SeatType) -> None:
        """Lock out as many holders as the license is short of, and let back in the others."""
        over = max(0, self.records.live(kind) - self.records.totals[kind])
        if not over and not self.records.locked_out[kind]:
            return
        locked = overflowing(self.records.seats[kind].values(), over, self.switches.excess_rows)
        for seat in list(self.records.seats[kind].values()):
            if seat.excess != (seat.id in locked):
                seat.excess = seat.id in locked
                self.records.save_seat(seat)


def _charged(use: CapacityUse) -> int:
    """Count the minutes a stay costs: every started unit of six counts in full."""
    units = max(1, -(-(use.stop - use.start) // CAPACITY_UNIT))
    return units * (CAPACITY_UNIT // MINUTE)
