"""Every error Seatkeeper raises; each class is a decision, not a place.

SeatkeeperError
├── ConfigError          the configuration is unsound: nothing runs (exit 2)
├── UsageError           the command cannot mean this (exit 2)
├── QrsError             reading or writing the site failed
│   ├── Unreachable      no answer: try again later
│   ├── NeverSent        the connection could not be made: nothing was carried out
│   ├── NoAnswer         sent, but no clear answer: it may have been carried out
│   ├── Refused          a clear answer that says no (status and a short text)
│   └── Garbled          an answer that is not what QRS says: HTML, cut off, not JSON
├── IncompleteRead       a snapshot that is not whole does not exist
├── OutletError          somebody outside could not be told
│   ├── NotTold          it did not arrive, or nobody knows: try again later
│   └── MessageRefused   the receiver will never take this message: set it aside
├── SignInError          the provider of sign-in does not vouch for this person
│   └── ProviderSilent   it does not answer, or not as OpenID Connect says: try again later
├── StoreError           the store cannot be used
├── SiteBusy             another process holds the site (exit 1)
├── LeaseLost            the lease is over: stop before the next side effect
├── PlanStale            the plan is over: expired, superseded, applied (exit 5)
├── PlanAltered          the stored plan is not the one that was made (exit 1)
├── NotAllowed           blocked by a limit, frozen, or against the mode (exit 3)
│   └── NotSimulated     a simulated clock, and a site that does not say it is the simulator
├── Interrupted          asked to end before anything was begun (exit 130)
└── LedgerBroken         the chain does not verify (exit 1)
"""

from __future__ import annotations

from datetime import timedelta


class SeatkeeperError(Exception):
    """Root of all errors; its text is for people and holds no secret."""


def said_of(error: BaseException) -> str:
    """Say what went wrong, without secrets: the text of a fault of ours may hold anything."""
    if isinstance(error, SeatkeeperError):
        return str(error)
    return f"a fault of Seatkeeper ({type(error).__name__}); its log tells more"


class ConfigError(SeatkeeperError):
    """The configuration is unsound; the text lists every fault."""


class UsageError(SeatkeeperError):
    """The command cannot mean what was typed."""


class QrsError(SeatkeeperError):
    """Reading or writing the site failed."""


class Unreachable(QrsError):
    """The site gave no answer; a later try may succeed."""


class NeverSent(Unreachable):
    """The connection could not be made: the request never left."""


class NoAnswer(Unreachable):
    """The request was sent and no clear answer came: it may have been carried out."""


class Refused(QrsError):
    """The site answered, and the answer is no.

    `status` is the HTTP status, `text` the start of the body without secrets.
    """

    def __init__(self, message: str, *, status: int, text: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.text = text


class Garbled(QrsError):
    """The answer is not what QRS says: HTML, cut off, not JSON, of the wrong shape."""


class IncompleteRead(SeatkeeperError):
    """The site could not be read whole; a partial snapshot does not exist."""


class OutletError(SeatkeeperError):
    """Somebody outside could not be told; the text holds no address with a secret in it."""


class SignInError(SeatkeeperError):
    """The provider of sign-in does not vouch for this person, or its word does not hold."""


class ProviderSilent(SignInError):
    """The provider of sign-in does not answer, or not as OpenID Connect says."""


class NotTold(OutletError):
    """The message did not arrive, or nobody knows: it is sent again later.

    `wait`: the receiver asks for no further try before so long. `busy`: it says that it takes
    nothing at all now, so the message is not the trouble.
    """

    def __init__(self, message: str, *, wait: timedelta = timedelta(0), busy: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.busy = busy or wait > timedelta(0)


class MessageRefused(OutletError):
    """The receiver understood, and will never take this message."""


class StoreError(SeatkeeperError):
    """The store cannot be used."""


class SiteBusy(SeatkeeperError):
    """Another process holds the site; the text says who and since when."""


class LeaseLost(SeatkeeperError):
    """The lease on the site is over: stop before the next side effect."""


class PlanStale(SeatkeeperError):
    """The plan can no longer be applied: expired, superseded, rejected or applied already."""


class PlanAltered(SeatkeeperError):
    """The stored plan is not the one that was made."""


class NotAllowed(SeatkeeperError):
    """Blocked by a limit, frozen, or against the site's mode."""


class NotSimulated(NotAllowed):
    """A simulated clock was to be used on a site that does not say that it is the simulator."""


class Interrupted(SeatkeeperError):
    """The run was asked to end; nothing was begun that would have to be recorded."""


class LedgerBroken(SeatkeeperError):
    """The ledger does not verify; the text names the first bad record, `seq` is its number."""

    def __init__(self, message: str, *, seq: int = 0) -> None:
        super().__init__(message)
        self.seq = seq
