"""Failures that only this package tells apart; outside they are what `errors` calls them."""

from __future__ import annotations

from seatkeeper.errors import Garbled, NeverSent, NoAnswer, Unreachable


class CertificateTrouble(NeverSent):
    """The TLS handshake failed for a reason that asking again does not change."""


class CertificateRefused(NoAnswer):
    """The connection broke after the handshake, as it does when our certificate is refused.

    Not a NeverSent: the request had been handed over, so nobody can swear what became of it.
    """


class LoginPage(Garbled):
    """Something redirects to a login page: the address is a proxy's and not the repository's."""


class NothingThere(Garbled):
    """A clear answer without content: status 204, an empty body, or `null` for a list."""


class Ailing(Unreachable):
    """The site answers that it cannot at the moment: status 5xx, 429 or 408.

    `pause` are the seconds it asked us to stay away.
    """

    def __init__(self, message: str, *, status: int, pause: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.pause = pause
