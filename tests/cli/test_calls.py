"""The page that says which QRS calls are made says all of them."""

from __future__ import annotations

import re
from pathlib import Path

from command_line import CONFIG, Command
from served_site import ServedSite

PAGE = Path(__file__).resolve().parents[2] / "docs" / "qrs-calls.md"
POLICY = """\
    policy:
      mode: approve
      agreement_reviewed: {by: Jane Doe, on: 2026-11-01}
      limits: {max_per_run: 2, max_share: 50%}
"""


def _documented() -> list[re.Pattern[str]]:
    """Turn the calls of the page into patterns: `…` stands for anything."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| `"):
            continue
        method = ""
        for call in re.findall(r"`([^`]+)`", line.split("|")[1]):
            named, _, path = call.partition(" ") if call[0].isupper() else ("", "", call)
            method = named or method
            text = re.escape(path.split("?")[0].removeprefix("/"))
            text = text.replace("…", ".*").replace(r"\{id\}", "[^/]+")
            found.append(re.compile(f"{method} {text}", re.IGNORECASE))
    return found


def test_every_call_that_a_plan_its_application_and_an_undo_make_is_documented(
    own_site: ServedSite, seatkeeper: Command, tmp_path: Path
) -> None:
    text = CONFIG.format(url=own_site.url, folder=own_site.folder, store=tmp_path / "s.db")
    head, _, tail = text.partition("    policy:\n")
    config = tmp_path / "seatkeeper.yaml"
    config.write_text(head + POLICY + tail[tail.index("store:") :], encoding="utf-8")
    own_site.do(lambda simulator: simulator.requests.clear())

    plan = seatkeeper("-c", config, "plan", "--site", "prod", "-o", "json").json
    assert seatkeeper("-c", config, "apply", plan["plan_id"], "--yes").code == 0
    assert seatkeeper("-c", config, "undo", "--plan", plan["plan_id"], "--yes").code == 0
    made = own_site.do(lambda simulator: {(r.method, r.path) for r in simulator.requests.select()})

    patterns = _documented()
    calls = {f"{method} {path.removeprefix('/qrs/')}" for method, path in made}
    assert {c for c in calls if c.startswith(("DELETE", "POST"))}
    assert [c for c in sorted(calls) if not any(p.fullmatch(c) for p in patterns)] == []
