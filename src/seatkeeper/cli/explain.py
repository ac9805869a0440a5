r"""Command `explain 'DIR\id'`: why a person's seats stay or go, by which rule, and what if."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.errors import UsageError

if TYPE_CHECKING:
    from seatkeeper.cli.explain_view import PersonOnSite
    from seatkeeper.cli.session import Session
    from seatkeeper.core.explain import Asked
    from seatkeeper.wiring.readers import OpenSite


def explain(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(help="The person, as 'DIRECTORY\\id', in any case.")],
    *,
    config: options.Config = None,
    site: options.Site = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Explain why a person's seats stay or go: the rule that decided, its facts, what if.

    Without --site every site is looked at. Exit 1 when no site knows the person.
    """
    from seatkeeper.cli import session as sessions

    if "\\" not in user.strip().strip("\\"):
        raise UsageError(f"{user!r} has no directory; write 'DIRECTORY\\id' in single quotes")
    loaded = sessions.read_config(ctx, config)
    sessions.settings_of(loaded, site)

    async def command(_stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            return await _explain(session, session.chosen(site), user.strip(), output)

    raise typer.Exit(carry_out(command))


async def _explain(
    session: Session, sites: Sequence[OpenSite], user: str, output: options.Output
) -> Exit:
    from seatkeeper.cli import render
    from seatkeeper.cli.explain_view import PersonView
    from seatkeeper.core.explain import near_names
    from seatkeeper.errors import IncompleteRead, QrsError

    looks, failed = [], 0
    for opened in sites:
        try:
            looks.append(await _look(session, opened, user))
        except (QrsError, IncompleteRead) as error:
            if len(sites) == 1:
                raise
            failed += 1
            render.say(f"error: site {opened.site.name}: {error}")
    near = [name for _, asked in looks for name in near_names(asked.snapshot, user)]
    people = [person for person, _ in looks]
    found = any(person.found for person in people)
    view = PersonView(user, people, () if found else tuple(dict.fromkeys(near)))
    render.show(view, output)
    if view.found:
        return Exit.FAILED if failed else Exit.DONE
    if failed:
        return Exit.FAILED
    names = ", ".join(opened.site.name for opened in sites)
    hint = f"; did you mean {' or '.join(view.near)}?" if view.near else ""
    render.say(f"error: nobody on {names} is called {user}{hint}")
    return Exit.FAILED


async def _look(session: Session, opened: OpenSite, user: str) -> tuple[PersonOnSite, Asked]:
    from seatkeeper.cli.explain_view import PersonOnSite
    from seatkeeper.cli.running import progress_on_stderr
    from seatkeeper.core.explain import Asked, explain
    from seatkeeper.core.facts import activity_of
    from seatkeeper.errors import IncompleteRead, QrsError
    from seatkeeper.flow.collect import collect
    from seatkeeper.flow.propose import sharing

    now, site = session.clock.now(), opened.site
    progress_on_stderr()(f"reading site {site.name}", 0, 0)
    snapshot = await collect(site.name, site.reader, now)
    partners, notes = {}, []
    try:
        for partner in await sharing(site, session.sites, session.records):
            read = await collect(partner.name, partner.reader, now)
            partners[partner.name] = activity_of(read)
    except (QrsError, IncompleteRead) as error:
        notes.append(
            "a site that shares the license could not be read, so nothing would be planned: "
            f"{error}"
        )
    asked = Asked(snapshot, site.policy, now, partners)
    newest = await session.records.plans.newest(site.name, now)
    explanation = explain(user, asked)
    plan = newest.plan if newest else None
    return PersonOnSite(site.name, now, explanation, plan, tuple(notes)), asked
