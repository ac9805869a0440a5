"""The sorts of value that point somewhere: files, URLs, addresses, secrets.

Relative paths count from the folder of the configuration file; a secret is never shown again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from seatkeeper.settings.kinds import Kind, Surroundings, Wrong, plain_text, simple

_SQLITE = re.compile(r"sqlite(\+pysqlite)?:(?P<rest>.*)", re.IGNORECASE)
_POSTGRES = re.compile(r"postgresql(\+psycopg)?://[^\s<>]+", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=//)\S*@")
_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(?P<port>[0-9]{1,5})")


def _path(value: Any, surroundings: Surroundings | None) -> Path:
    path = value if isinstance(value, Path) else Path(plain_text(value))
    return path if surroundings is None else surroundings.resolve(path)


def _secret(value: Any) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not value:
        raise Wrong("a text is wanted", "write ${NAME} and set that environment variable")
    return SecretStr(value)


def _secret_file(value: Any, surroundings: Surroundings | None) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    path = _path(value, surroundings)
    if surroundings is None:
        raise Wrong("a secret file is read only from a configuration file", "give the secret")
    try:
        return SecretStr(surroundings.read_secret(path))
    except OSError as error:
        raise Wrong(
            f"the file cannot be read ({error.strerror})",
            "create it, or let the account that runs Seatkeeper read it",
        ) from None
    except ValueError as error:
        raise Wrong(str(error), "put the secret alone on the first line, as UTF-8") from None


def _qrs_url(text: str) -> str:
    cure = "write it as in https://sense.example.com:4242/qrs"
    url = split_url(text, cure)
    if url.scheme.lower() != "https":
        raise Wrong("the Repository Service is reached by https only", cure)
    if url.username or url.password or url.query or url.fragment:
        raise Wrong("an address without user, password, ? and # is wanted", cure)
    if url.port is None:
        raise Wrong("the port is missing (with certificates it is 4242)", cure)
    if url.path.rstrip("/").rpartition("/")[2].lower() != "qrs":
        raise Wrong("the path does not end in /qrs", cure)
    return text.rstrip("/")


def split_url(text: str, cure: str) -> SplitResult:
    """Take an address apart; raises Wrong when it has no host or a port out of range."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        raise Wrong("this is no address", cure) from None
    if not host or re.search(r"[\s<>\"'{}|\\^`]", text):
        raise Wrong("this is no address", cure)
    return url


def _store_url(value: Any, surroundings: Surroundings | None) -> SecretStr:
    text = plain_text(value.get_secret_value() if isinstance(value, SecretStr) else value)
    cure = "write sqlite:///seatkeeper.db or postgresql://user@host/database"
    if sqlite := _SQLITE.fullmatch(text):
        return SecretStr(_sqlite_url(sqlite["rest"], surroundings))
    if _POSTGRES.fullmatch(text):
        return SecretStr(text)
    if text.lower().startswith("postgres:"):
        raise Wrong("the name of this database is postgresql", "begin it with postgresql://")
    raise Wrong("the store is SQLite or PostgreSQL", cure)


def _sqlite_url(rest: str, surroundings: Surroundings | None) -> str:
    if not rest.startswith("///"):
        raise Wrong(
            "a SQLite address has three slashes before the file",
            "write sqlite:///seatkeeper.db, or sqlite:////var/lib/seatkeeper/seatkeeper.db",
        )
    name, mark, options = rest[3:].partition("?")
    if name in ("", ":memory:"):
        raise Wrong(
            "a store in memory would forget every release",
            "name a file, as in sqlite:///seatkeeper.db",
        )
    path = Path(name) if surroundings is None else surroundings.resolve(Path(name))
    return f"sqlite:///{path}{mark}{options}"


def _store_url_file(value: Any, surroundings: Surroundings | None) -> SecretStr:
    secret = _secret_file(value, surroundings)
    return secret if isinstance(value, SecretStr) else _store_url(secret, surroundings)


def hide_login(url: str) -> str:
    """Return an address without the user and password in it."""
    return _PASSWORD.sub("…@", url)


def _listen(text: str) -> str:
    found = _LISTEN.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise Wrong("a host and a port are wanted", "write it as in 127.0.0.1:8484")
    return text


FilePath = Annotated[Path, Kind("path", _path, lambda p: p.as_posix())]
Secret = Annotated[SecretStr, Kind("secret", simple(_secret), lambda _: "…", secret=True)]
SecretFile = Annotated[
    SecretStr, Kind("path of a file with the secret", _secret_file, lambda _: "…")
]
StoreUrlFile = Annotated[
    SecretStr, Kind("path of a file with the address", _store_url_file, lambda _: "…")
]
QrsUrl = Annotated[str, Kind("address", simple(lambda v: _qrs_url(plain_text(v))))]
StoreUrl = Annotated[
    SecretStr,
    Kind("database address", _store_url, lambda s: hide_login(s.get_secret_value()), secret=True),
]
Listen = Annotated[str, Kind("host:port", simple(lambda v: _listen(plain_text(v))))]
