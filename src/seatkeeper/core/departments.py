"""The department of a user, and the names under which stands what no department has."""

from __future__ import annotations

from seatkeeper.core.model import User

NO_DEPARTMENT = "(none)"
NOT_KNOWN = "(not known)"
"""What cannot be told of any department: whose a released seat was, or a day in the past."""
OTHERS = "(other)"
CAPACITY = "(capacity)"
SHARED_IDLE = "(shared idle)"
TOTAL = "(total)"
EVERY_SITE = "(all)"
_OURS = {NO_DEPARTMENT, NOT_KNOWN, OTHERS, CAPACITY, SHARED_IDLE, TOTAL, EVERY_SITE}


def department_of(user: User | None, attribute: str) -> str:
    """Return the value of a custom property (name casefolded), the first of several.

    Who has no such property counts with the attribute of that name. A value that is one of our
    own names is told with the attribute before it: `department: (none)`.
    """
    if user is None or not attribute:
        return NO_DEPARTMENT
    for pairs in (user.properties, user.attributes):
        values = (value.strip() for name, value in pairs or () if name.casefold() == attribute)
        if first := min((value for value in values if value), default=""):
            return f"{attribute}: {first}" if first.casefold() in _OURS else first
    return NO_DEPARTMENT
