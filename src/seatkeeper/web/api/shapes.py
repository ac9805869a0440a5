"""What answers of the API are made of: shapes, pages of lists, faults as problem+json."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Item = TypeVar("Item")

MOST = 200
"""Items of a page."""

BIGGEST = 2**63 - 1
"""The largest number that both databases hold."""


class Shape(BaseModel):
    """Something the API sends or takes; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class Problem(BaseModel):
    """A fault (RFC 9457): what happened, and what to do about it."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["You may not do this"])
    status: int = Field(examples=[403])
    detail: str = Field(examples=["your role does not permit “decide” on site prod"])


class Page(Shape, Generic[Item]):
    """A part of a list; `next` is the cursor of the part after it, null at the end."""

    items: list[Item]
    next: str | None = None


def _sensible(at: datetime) -> datetime:
    if not 1970 <= at.year <= 9000:
        raise ValueError("a time lies between 1970 and 9000")
    return at.astimezone(UTC)


When = Annotated[AwareDatetime, AfterValidator(_sensible)]
"""A time that somebody asks with; it says in which zone it is."""

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items of a page.")]

Cursor = Annotated[
    str, Query(max_length=4000, description="Where the list goes on: `next` of the page before.")
]

SiteInPath = Annotated[str, Path(description="The name of a site.", examples=["prod"])]

OfSite = Annotated[
    str | None, Query(description="One site; without it, all that the role reaches.")
]

Name = Annotated[str, Path(min_length=1, max_length=200)]

Number = Annotated[int, Path(ge=1, le=BIGGEST)]

Reason = Annotated[str, Field(max_length=500, description="Kept, and shown beside the name.")]


def problem(description: str) -> dict[str, Any]:
    """Describe one answer that is a fault."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {"description": description, "content": content}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: problem("The request is none."),
    401: problem("Nobody is signed in, or the token is not good."),
    403: problem("The role does not permit it."),
    404: problem("There is no such thing, or the role does not reach it."),
    413: problem("The request is too large."),
    422: problem("The request cannot be understood."),
    429: problem("More requests than the limit allows; see Retry-After."),
    500: problem("A fault of Seatkeeper's; its log tells more."),
    503: problem("The store cannot be used."),
}
"""What every route may answer."""

UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "It is still what If-None-Match says."}
}
"""What routes that show something may answer as well."""

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: problem("It is not possible now: a limit, the mode, or somebody was first."),
    412: problem("It is not what If-Match says any more."),
}
"""What routes that change something may answer as well."""
