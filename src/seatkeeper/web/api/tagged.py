"""ETags: every answer says which version it shows; nothing new is sent twice (RFC 9110).

`If-Match` on a decision refuses it when the plan is no longer the one that somebody looked at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Coroutine, Iterator
from typing import Annotated, Any

from fastapi import Header, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from seatkeeper.web.refusals import Refusal

IfMatch = Annotated[
    str | None,
    Header(max_length=2000, description="Go on only if the thing still has one of these ETags."),
]


class Moved(Refusal):
    """The thing is not what `If-Match` says any more."""

    status = 412
    title = "It has changed meanwhile"

    def __init__(self) -> None:
        super().__init__("read it again, look at what is different, and send its new ETag")


class NotAsked(Refusal):
    """The address holds something that it does not know: a slip must not show more than meant."""

    status = 422
    title = "The request cannot be understood"

    def __init__(self, unknown: str, known: Collection[str]) -> None:
        there = f"there is {', '.join(sorted(known))}" if known else "it takes none"
        super().__init__(f"this address knows no parameter {unknown[:100]!r}; {there}")


class TaggedRoute(APIRoute):
    """A route that tags what it shows, and says when nothing is new."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handler = super().get_route_handler()
        known = frozenset(_parameters(self.dependant))

        async def tagged(request: Request) -> Response:
            for name in request.query_params:
                if name not in known:
                    raise NotAsked(name, known)
            answer = await handler(request)
            body = getattr(answer, "body", None)
            if request.method == "GET" and answer.status_code == 200 and isinstance(body, bytes):
                return _tagged(request, answer, body)
            return answer

        return tagged


def _parameters(dependant: Dependant) -> Iterator[str]:
    """Give what may stand behind the question mark of an address."""
    yield from (one.alias for one in dependant.query_params)
    for one in dependant.dependencies:
        yield from _parameters(one)


def tag_of(shown: BaseModel) -> str:
    """Return the ETag of what would be shown."""
    return _tag(shown.model_dump_json().encode("utf-8"))


def require_match(if_match: str | None, shown: BaseModel) -> None:
    """Raise Moved unless the thing still is what somebody looked at; nothing asked is fine."""
    if if_match is not None and not _matches(if_match, tag_of(shown)):
        raise Moved


def _tagged(request: Request, answer: Response, body: bytes) -> Response:
    tag = _tag(body)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


_TAGS = re.compile(r'(?:W/)?("[^"]*")')


def _matches(header: str, tag: str) -> bool:
    return header.strip() == "*" or tag in _TAGS.findall(header)
