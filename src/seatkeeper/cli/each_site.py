"""Act on one named site (one JSON object) or on all (an array), one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from seatkeeper.cli import render
from seatkeeper.cli.exits import Exit, exit_of_error
from seatkeeper.cli.options import Output
from seatkeeper.cli.session import Session
from seatkeeper.errors import SeatkeeperError
from seatkeeper.wiring.readers import OpenSite

OnSite = Callable[[Session, OpenSite], Awaitable[tuple[render.View, Exit]]]


async def each_site(session: Session, name: str | None, output: Output, act: OnSite) -> Exit:
    """Let every chosen site have its turn: one that fails does not keep the others from theirs.

    Returns the gravest exit code: a failure before anything else.
    """
    views: list[render.View] = []
    codes: list[Exit] = []
    for opened in session.chosen(name):
        try:
            view, code = await act(session, opened)
        except SeatkeeperError as error:
            if name is not None:
                raise
            render.say(f"error: site {opened.site.name}: {error}")
            view, code = render.Failed(opened.site.name, str(error)), exit_of_error(error)
        views.append(view)
        codes.append(code)
    render.show_all(views, output, single=name is not None)
    return max(codes, key=_GRAVITY.index, default=Exit.DONE)


_GRAVITY = (
    Exit.DONE,
    Exit.CHANGES,
    Exit.STALE,
    Exit.BLOCKED,
    Exit.PARTLY,
    Exit.USAGE,
    Exit.FAILED,
    Exit.INTERRUPTED,
)
