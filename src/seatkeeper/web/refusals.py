"""Why a request is refused, in words for a page or an answer of the API."""

from __future__ import annotations

from seatkeeper.core.roles import Permission


class Refusal(Exception):
    """A request that is refused: status, title, and what to do."""

    status = 400
    title = "This cannot be done"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotSignedIn(Refusal):
    """Nobody is signed in."""

    status = 401
    title = "Sign in to go on"


class NotAllowedHere(Refusal):
    """Somebody may not do this; `site` None: or it does not exist, which they need not know."""

    status = 403
    title = "You may not do this"

    def __init__(self, permission: Permission, site: str | None) -> None:
        where = "" if site is None else f" on site {site}"
        super().__init__(
            f"your role does not permit “{permission.value}”{where}; an administrator can give you"
            " one that does"
        )
        self.permission, self.site = permission, site


class NoRoleHere(Refusal):
    """Somebody whom a proxy vouches for, and who has no role."""

    status = 403
    title = "You have no role here"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the proxy says that you are {name}, but none of your groups has a role here; an"
            " administrator can give one in console.roles"
        )


class NotOurForm(Refusal):
    """A form that no page of ours made, or one from a session that has ended.

    `expected`: the address of the console, where the browser names another.
    """

    status = 403
    title = "The page was too old"

    def __init__(self, *, expected: str = "") -> None:
        if expected:
            self.title = "The form came from another address"
            super().__init__(
                f"nothing was done: this console takes forms from {expected}. Open it there; if"
                " that is not its address, an administrator sets console.public_url"
            )
            return
        super().__init__(
            "what was sent does not belong to your present session; nothing was done. Open the page"
            " again and repeat it there"
        )


class NotFound(Refusal):
    """There is no such thing, or not for this visitor."""

    status = 404
    title = "There is nothing here"


class TooOften(Refusal):
    """More requests than the limit allows."""

    status = 429
    title = "Too many requests"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} seconds and try again")
        self.seconds = seconds
