"""Opening a store: one call gives every door to it, or an error that says what to do."""

from __future__ import annotations

from dataclasses import dataclass

from seatkeeper.store.accounts import Accounts
from seatkeeper.store.activity import Activity
from seatkeeper.store.alerts import Alerts
from seatkeeper.store.answers import Answers
from seatkeeper.store.connections import Connections
from seatkeeper.store.control import Control
from seatkeeper.store.costs import Costs
from seatkeeper.store.counters import Counters
from seatkeeper.store.cycles import Cycles
from seatkeeper.store.engine import Database
from seatkeeper.store.events import Events
from seatkeeper.store.history import History
from seatkeeper.store.hooks import Hooks
from seatkeeper.store.leases import Leases
from seatkeeper.store.ledger import Ledger
from seatkeeper.store.losses import Losses
from seatkeeper.store.outbox import Outbox
from seatkeeper.store.owner import Owner
from seatkeeper.store.past import Past
from seatkeeper.store.plans import Plans
from seatkeeper.store.pruning import Pruning
from seatkeeper.store.pseudonyms import Pseudonyms
from seatkeeper.store.releases import Releases
from seatkeeper.store.requests import Requests
from seatkeeper.store.roster import Roster
from seatkeeper.store.schema import migrate
from seatkeeper.store.sessions import Sessions
from seatkeeper.store.summaries import Summaries
from seatkeeper.store.tables import SCHEMA
from seatkeeper.store.tokens import Tokens
from seatkeeper.store.told import Told


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a store is, for people: nothing in it is secret."""

    dialect: str
    place: str
    schema: str


class Store:
    """The doors to one database; made by `open_store`."""

    def __init__(self, db: Database, owner: Owner) -> None:
        self._db = db
        self.owner = owner
        self.ledger = Ledger(db)
        self.plans = Plans(db)
        self.history = History(db)
        self.activity = Activity(db)
        self.past = Past(db)
        self.pruning = Pruning(db)
        self.control = Control(db)
        self.requests = Requests(db, owner)
        self.connections = Connections(db)
        self.leases = Leases(db, owner)
        self.outbox = Outbox(db, owner)
        self.losses = Losses(db)
        self.releases = Releases(db)
        self.pseudonyms = Pseudonyms(db)
        self.alerts = Alerts(db)
        self.summaries = Summaries(db)
        self.cycles = Cycles(db)
        self.counters = Counters(db)
        self.costs = Costs(db)
        self.accounts = Accounts(db)
        self.sessions = Sessions(db)
        self.tokens = Tokens(db)
        self.told = Told(db)
        self.roster = Roster(db)
        self.answers = Answers(db, owner)
        self.events = Events(db)
        self.hooks = Hooks(db)

    def describe(self) -> StoreFacts:
        """Say which database this is."""
        return StoreFacts(self._db.dialect, self._db.place, SCHEMA)

    def close(self) -> None:
        """Close every connection."""
        self._db.close()


def open_store(url: str, *, command: str = "", owner: Owner | None = None) -> Store:
    """Open a store, build or upgrade its schema, and hand out its doors.

    `url` is `sqlite:////absolute/path` or `postgresql://user:password@host/database`; `command`
    is what others read when this process holds a site. `owner`: a child process works on the
    leases of the process that started it. Raises StoreError without secrets.
    """
    db = Database(url)
    try:
        migrate(db)
    except BaseException:
        db.close()
        raise
    return Store(db, owner or Owner.this_process(command))
