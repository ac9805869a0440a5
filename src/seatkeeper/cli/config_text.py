"""A commented configuration file for one site, written by `init` and `sim`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatkeeper.cli.render import safe
from seatkeeper.core.deciding import KEYS
from seatkeeper.core.policy import ExemptionKind
from seatkeeper.core.proposals import Proposal
from seatkeeper.settings.written import as_yaml

_ORDER = (
    ExemptionKind.USER_DIRECTORY,
    ExemptionKind.USER,
    ExemptionKind.GROUP,
    ExemptionKind.PATTERN,
)


@dataclass(frozen=True, slots=True)
class Answers:
    """What is asked: everything a first configuration needs; paths as they are to be written."""

    site: str
    url: str
    ca_file: str
    cert_file: str
    key_file: str
    user: str
    timezone: str
    store: str
    shared_with: str = ""
    """As YAML, empty for not known."""


def config_text(answers: Answers, proposals: Sequence[Proposal] = (), *, head: str = "") -> str:
    """Write the file: 90 days, mode observe, and the exemptions."""
    return _FILE.format(
        head=head or _HEAD,
        site=as_yaml(answers.site),
        url=as_yaml(answers.url),
        ca_file=as_yaml(answers.ca_file),
        cert_file=as_yaml(answers.cert_file),
        key_file=as_yaml(answers.key_file),
        user=as_yaml(answers.user),
        shared=_shared(answers.shared_with),
        exemptions="\n".join(_exemptions(proposals)),
        timezone=as_yaml(answers.timezone),
        store=as_yaml(answers.store),
    )


def _shared(shared_with: str) -> str:
    if shared_with:
        return f"license_shared_with: {shared_with}"
    return (
        "# Other sites under the same license: their names, [] for none, or others for what is\n"
        "    # not in this file. Until this is set, nothing is released by itself.\n"
        "    # license_shared_with: []"
    )


def _exemptions(proposals: Sequence[Proposal]) -> Iterator[str]:
    if not proposals:
        yield "        user_directories: [INTERNAL]"
        return
    for kind in _ORDER:
        of_kind = [p for p in proposals if p.exemption.kind is kind]
        if of_kind:
            yield f"        {KEYS[kind]}:"
        for proposal in of_kind:
            exemption = proposal.exemption
            yield f"          # {_people(proposal)}"
            yield (
                f"          - {{match: {as_yaml(exemption.match)}, "
                f"reason: {as_yaml(exemption.reason)}}}"
            )


def _people(proposal: Proposal, most: int = 3) -> str:
    names = ", ".join(user.label for user in proposal.users[:most])
    more = ", …" if len(proposal.users) > most else ""
    count = "1 user" if len(proposal.users) == 1 else f"{len(proposal.users)} users"
    return safe(f"{count} now: {names}{more}")


_HEAD = """\
# Configuration of Seatkeeper, written by `seatkeeper init`.
# `seatkeeper config example` shows every key; `seatkeeper check` tells whether all is in order."""

_FILE = r"""{head}

sites:
  - name: {site}
    qrs:
      url: {url}
      # Exported in the QMC (Certificates, PEM format, include secret key).
      ca_file: {ca_file}
      cert_file: {cert_file}
      key_file: {key_file}
      user: {user}
    {shared}
    policy:
      # observe never releases, approve waits for a person, auto releases what no limit blocks.
      # approve and auto need somebody who looked at your Qlik agreement:
      # agreement_reviewed: {{by: YOUR NAME, on: THE DAY}}
      mode: observe
      professional: {{enabled: true, release_after: 90d}}
      analyzer: {{enabled: true, release_after: 90d}}
      new_seat_grace: 30d
      # Who never loses a seat, besides Seatkeeper's own user, users who cannot be deleted and
      # root administrators. An entry may also have owner: and expires: (a last day).
      never_release:
{exemptions}
    schedule: {{monitor: every 15 minutes, release: '0 3 * * *', timezone: {timezone}}}

store: {{url: {store}}}
"""
