"""Find the configuration file, read it, fill in secrets, hold it against the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seatkeeper.config.document import LARGEST, Document, read_document
from seatkeeper.config.faults import Fault, config_error
from seatkeeper.config.permissions import open_to_others
from seatkeeper.config.secrets import Folder, Secrets
from seatkeeper.config.wording import faults_of, is_secret, wrong_at
from seatkeeper.errors import ConfigError
from seatkeeper.settings import Settings
from seatkeeper.settings.root import clashes

DEFAULT_NAME = "seatkeeper.yaml"
VARIABLE = "SEATKEEPER_CONFIG"
_PASSWORDS = frozenset({"key_password", "password", "secret"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sound configuration, what is worth a warning in it, and the file it came from."""

    settings: Settings
    warnings: tuple[str, ...]
    path: Path


def find(explicit: Path | None, env: Mapping[str, str]) -> Path:
    """Return the configuration file: the one given, else SEATKEEPER_CONFIG, else the default.

    Raises ConfigError when it is not there.
    """
    if explicit is not None:
        path, how = explicit, "given with -c"
    elif env.get(VARIABLE):
        path, how = Path(env[VARIABLE]), f"named by {VARIABLE}"
    else:
        path, how = Path(DEFAULT_NAME), "looked for in this folder"
    if path.exists() and not path.is_dir():
        return path
    what = "is a folder" if path.is_dir() else "does not exist"
    raise ConfigError(
        f"The configuration file {path} ({how}) {what}.\n"
        f"  cure: give it with -c FILE or {VARIABLE}, or begin a new one with"
        f" `seatkeeper config example > {DEFAULT_NAME}`"
    )


def content_of(path: Path) -> bytes:
    """Return the bytes of a configuration file, one more than allowed at most.

    Raises ConfigError when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(
            f"The configuration file {path} cannot be read ({error.strerror}).\n"
            "  cure: check the path, and that the account that runs Seatkeeper may read it"
        ) from None


def load(path: Path, env: Mapping[str, str]) -> Loaded:
    """Read the file at `path`; raises ConfigError that lists every fault at once."""
    document = read_document(path, content_of(path))
    secrets = Secrets(env)
    unset = secrets.fill_in(document)
    _remember_secrets(document, secrets)
    folder = Folder(path.absolute().parent, secrets)
    settings, found = _validate(document, folder)
    faults = document.faults + [fault for fault in found if fault.place not in unset]
    if settings is None or faults:
        raise config_error(path, [_without_secrets(fault, secrets) for fault in faults])
    return Loaded(settings, tuple(_warnings(settings, folder, path, document)), path.absolute())


def _validate(document: Document, folder: Folder) -> tuple[Settings | None, list[Fault]]:
    settings: Settings | None = None
    faults: list[Fault] = []
    try:
        settings = Settings.model_validate(document.data, context=folder)
    except ValidationError as error:
        faults = faults_of(error, document)
    faults += [wrong_at(wrong, (), document) for wrong in clashes(_sites(document.data))]
    return settings, faults


def _sites(data: dict[str, Any]) -> list[tuple[str, Sequence[str]]]:
    """Return name and license_shared_with of each site as far as they can be told."""
    sites = data.get("sites")
    found: list[tuple[str, Sequence[str]]] = []
    for index, site in enumerate(sites if isinstance(sites, list) else []):
        values = site if isinstance(site, dict) else {}
        name, shared = values.get("name"), values.get("license_shared_with")
        others = [s.strip() if isinstance(s, str) else "" for s in shared or ()]
        named = isinstance(name, str) and name.strip()
        found.append((named or f"\0{index}", others if isinstance(shared, list) else []))
    return found


def _remember_secrets(document: Document, secrets: Secrets) -> None:
    for place, text in document.written.items():
        if is_secret(place) and "${" not in text:
            secrets.remember(text, "(secret)")


def _without_secrets(fault: Fault, secrets: Secrets) -> Fault:
    return replace(
        fault,
        problem=secrets.hide(fault.problem),
        cure=secrets.hide(fault.cure),
        found=fault.found if "${" in fault.found else secrets.hide(fault.found),
    )


def _warnings(settings: Settings, folder: Folder, path: Path, document: Document) -> Iterator[str]:
    for index, site in enumerate(settings.sites):
        yield from open_to_others(site.qrs.key_file, f"sites[{index}].qrs.key_file")
    for file in folder.read:
        yield from open_to_others(file, "a file with a secret")
    passwords = [p for p in document.written if p[-1] in _PASSWORDS and is_secret(p)]
    if any("${" not in document.written[p] for p in passwords):
        yield from open_to_others(path, "this file holds a password and")
