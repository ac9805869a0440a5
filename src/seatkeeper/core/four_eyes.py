"""Four eyes: whoever asked for a plan, or left seats out of it, is not the one who approves it."""

from __future__ import annotations

import unicodedata

from seatkeeper.core.plan import Plan


def why_not_by(plan: Plan, name: str) -> str:
    """Say why this person may not approve the plan, empty when they may; letter case aside.

    `name` and the names in the plan are people who answer, never tokens: what somebody did through
    a token of theirs they did themselves. A plan made on schedule was asked for by nobody.
    """
    key = _key(name)
    if plan.asked_by and _key(plan.asked_by) == key:
        did = "asked for it"
    elif any(_key(left.by) == key for left in plan.left_out):
        did = "left seats out of it"
    else:
        return ""
    return (
        f"plan {plan.plan_id} needs four eyes: {name} {did}, so somebody else has to approve it "
        "(approval.four_eyes in the configuration)"
    )


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()
