from __future__ import annotations

from pathlib import Path

import pytest

from config_files import URL, Said, faults, limits, never, policy, qrs, refusal, site, top

P = "sites[0].policy"
N = f"{P}.never_release"
L = f"{P}.limits"
Q = "sites[0].qrs"

Case = tuple[str, int, str, str, str]
"""The file; line, path, a part of what is said, a part of the cure."""

POLICY: dict[str, Case] = {
    "threshold under a week": (
        policy("analyzer: {release_after: 3d}"),
        5,
        f"{P}.analyzer.release_after",
        "release_after: 3d — at least 7d: Qlik blocks a used seat for seven days",
        "write 7d or longer",
    ),
    "threshold of zero": (
        policy("professional:\n  release_after: 0d"),
        6,
        f"{P}.professional.release_after",
        "0d — at least 7d",
        "write 7d",
    ),
    "negative threshold": (
        policy("professional: {release_after: -1d}"),
        5,
        f"{P}.professional.release_after",
        "-1d — a length of time is a whole number",
        "90d, 12h",
    ),
    "threshold without a unit": (
        policy("professional: {release_after: 30}"),
        5,
        f"{P}.professional.release_after",
        "30 — a length of time",
        "90d, 12h",
    ),
    "threshold beyond ten years": (
        policy("professional: {release_after: 99999d}"),
        5,
        f"{P}.professional.release_after",
        "at most 3650d",
        "3650d or shorter",
    ),
    "grace under a week": (
        policy("new_seat_grace: 167h"),
        5,
        f"{P}.new_seat_grace",
        "167h — at least 7d",
        "write 7d",
    ),
    "mode approve without a look at the agreement": (
        policy("mode: approve"),
        5,
        f"{P}.mode",
        "approve — agreement_reviewed is missing",
        "agreement_reviewed: {by:",
    ),
    "mode auto without a look at the agreement": (
        policy("new_seat_grace: 30d\nmode: auto"),
        6,
        f"{P}.mode",
        "auto — agreement_reviewed is missing",
        "mode: observe",
    ),
    "mode misspelled": (policy("mode: aut"), 5, f"{P}.mode", "aut — the mode is one", "auto?"),
    "mode unknown": (policy("mode: always"), 5, f"{P}.mode", "observe, approve", "write one of"),
    "agreement without a day": (
        policy("agreement_reviewed: {by: Jane}"),
        5,
        f"{P}.agreement_reviewed.on",
        "missing",
        "add on, as in on: 2026-11-01",
    ),
    "agreement by nobody": (
        policy("agreement_reviewed: {by: '', on: 2026-11-01}"),
        5,
        f"{P}.agreement_reviewed.by",
        "the text is empty",
        "write a text",
    ),
    "enabled is no yes or no": (
        policy("analyzer: {enabled: maybe}"),
        5,
        f"{P}.analyzer.enabled",
        "maybe — true or false",
        "write true or false",
    ),
    "license type as a list": (
        policy("analyzer: [30d]"),
        5,
        f"{P}.analyzer",
        "a block of keys is wanted, not a list",
        "each indented",
    ),
    "pause that ends before it begins": (
        policy("pause:\n  - {from: 2026-12-20, to: 2026-01-06}"),
        6,
        f"{P}.pause[0].to",
        "2026-01-06 — the pause ends before it begins (2026-12-20)",
        "correct the year",
    ),
    "pause without an end": (
        policy("pause: [{from: 2026-12-20}]"),
        5,
        f"{P}.pause[0].to",
        "missing",
        "add to, as in to: 2027-01-06",
    ),
    "pause that is no list": (
        policy("pause: {from: 2026-12-20, to: 2026-12-27}"),
        5,
        f"{P}.pause",
        "a list is wanted, not a block of keys",
        "brackets",
    ),
    "day that does not exist": (
        policy("pause: [{from: 2026-02-30, to: 2026-03-06}]"),
        5,
        f"{P}.pause[0].from",
        "2026-02-30 — there is no such day",
        "2026-11-30",
    ),
    "day in another order": (
        policy("pause: [{from: 20.12.2026, to: 2027-01-06}]"),
        5,
        f"{P}.pause[0].from",
        "a day is wanted",
        "2026-11-30",
    ),
    "share over a half": (
        limits("max_share: 60%"),
        6,
        f"{L}.max_share",
        "60% — at most 50%",
        "write 50% or less",
    ),
    "share of zero": (limits("max_share: 0"), 6, f"{L}.max_share", "would block", "above 0%"),
    "share that is ambiguous": (
        limits("max_share: 20"),
        6,
        f"{L}.max_share",
        "20 — a share without a percent sign",
        "20% or 0.2",
    ),
    "share that is no number": (
        limits("directory_jump: a tenth"),
        6,
        f"{L}.directory_jump",
        "a tenth — a share is written",
        "20% or 0.2",
    ),
    "negative count": (limits("max_per_run: -1"), 6, f"{L}.max_per_run", "-1 — a whole", "from 0"),
    "count with a fraction": (limits("max_per_day: 1.5"), 6, f"{L}.max_per_day", "1.5", "from 0"),
    "factor below one": (limits("grown: 0.5"), 6, f"{L}.grown", "between 1 and", "from 1"),
    "factor that is no number": (limits("grown: lots"), 6, f"{L}.grown", "lots — a number", "1"),
    "factor that is not a number": (limits("grown: nan"), 6, f"{L}.grown", "between", "from 1"),
    "no time at all": (limits("clock_skew: 0s"), 6, f"{L}.clock_skew", "at least 1s", "1s or"),
}

EXEMPTIONS: dict[str, Case] = {
    "user without a directory": (
        never("users: [bob]"),
        6,
        f"{N}.users[0]",
        "bob — a user without a backslash matches nobody",
        r"'DIRECTORY\id'",
    ),
    "user with half a name": (
        never(r"users: ['CORP\']"),
        6,
        f"{N}.users[0]",
        "one side of the backslash is empty",
        r"DIRECTORY\id",
    ),
    "user with two backslashes": (
        never("users:\n  - 'CORP\\\\bob'"),
        7,
        f"{N}.users[0]",
        "two backslashes",
        "one backslash",
    ),
    "user with a star": (never(r"users: ['CORP\*']"), 6, f"{N}.users[0]", "* and ?", "patterns"),
    "user with an escape gone wrong": (
        never('users: ["CORP\\norbert"]'),
        6,
        f"{N}.users[0]",
        "a line break",
        "single quotes",
    ),
    "empty entry": (never("tags: ['']"), 6, f"{N}.tags[0]", "the text is empty", "write a text"),
    "entry without anything": (
        never("tags:\n  - sales\n  -"),
        8,
        f"{N}.tags[1]",
        "not nothing",
        "one text",
    ),
    "entry that is a list": (never("groups: [[a]]"), 6, f"{N}.groups[0]", "not a list", "{match"),
    "directory with a backslash": (
        never(r"user_directories: ['CORP\bob']"),
        6,
        f"{N}.user_directories[0]",
        "a directory with a backslash matches nobody",
        "move the entry to users",
    ),
    "directory with a star": (
        never("user_directories: ['CORP*']"),
        6,
        f"{N}.user_directories[0]",
        "* and ? mean nothing",
        "patterns",
    ),
    "pattern that can match nobody": (
        never("patterns: [svc]"),
        6,
        f"{N}.patterns[0]",
        "this one can match none",
        r"'DIRECTORY\name*'",
    ),
    "custom property as a text": (
        never("custom_properties: [LicenseManage]"),
        6,
        f"{N}.custom_properties[0]",
        "a name and a value",
        "{name: LicenseManage",
    ),
    "custom property without a value": (
        never("custom_properties:\n  - {name: LicenseManage}"),
        7,
        f"{N}.custom_properties[0].value",
        "missing",
        "add value",
    ),
    "list of one text without brackets": (
        never("tags: sales"),
        6,
        f"{N}.tags",
        "a list is wanted, not a single value",
        "brackets",
    ),
    "exemption with an unreadable end": (
        never("tags: [{match: sales, expires: next year}]"),
        6,
        f"{N}.tags[0].expires",
        "next year — a day is wanted",
        "2026-11-30",
    ),
    "exemption block without a match": (
        never("tags: [{owner: HR}]"),
        6,
        f"{N}.tags[0].match",
        "missing",
        "add match",
    ),
    "mark that is none of three": (
        never("inactive: sometimes"),
        6,
        f"{N}.inactive",
        "sometimes — yes, no or ignore",
        "yes, no or ignore",
    ),
}

SITE: dict[str, Case] = {
    "no port": (
        top("").replace(":4242", ""),
        3,
        f"{Q}.url",
        "the port is missing (with certificates it is 4242)",
        "https://sense.example.com:4242/qrs",
    ),
    "no TLS": (top("").replace("https", "http"), 3, f"{Q}.url", "https only", "https://"),
    "no path": (top("").replace("/qrs", ""), 3, f"{Q}.url", "does not end in /qrs", "4242/qrs"),
    "no address": (
        top("").replace(URL, "<the address>"),
        3,
        f"{Q}.url",
        "<the address> — this is no address",
        "https://sense",
    ),
    "port out of range": (
        top("").replace("4242", "99999"),
        3,
        f"{Q}.url",
        "no address",
        "https://",
    ),
    "service user without a directory": (
        qrs("user: sa_api"),
        5,
        f"{Q}.user",
        "without a backslash",
        r"'DIRECTORY\id'",
    ),
    "no requests at once": (qrs("concurrency: 0"), 5, f"{Q}.concurrency", "1 and 32", "1 to 32"),
    "too many at once": (qrs("concurrency: 33"), 5, f"{Q}.concurrency", "33 — between", "1 to 32"),
    "concurrency in words": (qrs("concurrency: four"), 5, f"{Q}.concurrency", "whole", "1 to 32"),
    "no time to answer": (qrs("timeout: 0s"), 5, f"{Q}.timeout", "0s — at least 1s", "1s or long"),
    "hours to answer": (qrs("timeout: 5h"), 5, f"{Q}.timeout", "5h — at most 1h", "1h or shorter"),
    "password file that is missing": (
        qrs("key_password_file: nowhere.txt"),
        5,
        f"{Q}.key_password_file",
        "nowhere.txt — the file cannot be read",
        "create it",
    ),
    "path with an escape gone wrong": (
        qrs('ca_file: "certs\\new.pem"'),
        5,
        f"{Q}.ca_file",
        "a line break",
        "single quotes",
    ),
    "no qrs": ("sites:\n  - name: prod\n", 2, Q, "missing", f"add qrs, as in qrs: {{url: {URL}}}"),
    "no url": ("sites:\n  - name: prod\n    qrs: {}\n", 3, f"{Q}.url", "missing", f"url: {URL}"),
    "no name": (
        f"sites:\n  - qrs: {{url: {URL}}}\n",
        2,
        "sites[0].name",
        "missing",
        "add name, as in name: prod",
    ),
    "reserved name": (
        top("").replace("prod", "Others"),
        2,
        "sites[0].name",
        "a meaning of its own",
        "another name",
    ),
    "name with a slash": (top("").replace("prod", "a/b"), 2, "sites[0].name", "a/b", "short name"),
    "shared with a site that is not there": (
        site("license_shared_with: [prd]"),
        4,
        "sites[0].license_shared_with[0]",
        "prd — no site of this file",
        "write others",
    ),
    "shared with itself": (
        site("license_shared_with: [PROD]"),
        4,
        "sites[0].license_shared_with[0]",
        "PROD — a site shares its license with other",
        "its own name",
    ),
    "shared with a text": (
        site("license_shared_with: test"),
        4,
        "sites[0].license_shared_with",
        "test — a list of sites, or others",
        "brackets",
    ),
    "schedule that cannot be understood": (
        site("schedule: {release: every day at noonish}"),
        4,
        "sites[0].schedule.release",
        "every day at noonish — the time of day",
        "'every 14 days'",
    ),
    "cron with a bad field": (
        site("schedule:\n  monitor: '61 * * * *'"),
        5,
        "sites[0].schedule.monitor",
        "61 * * * * — this cron text has a bad minute",
        "'0 3 * * *'",
    ),
    "time zone misspelled": (
        site("schedule: {timezone: Europe/Stokholm}"),
        4,
        "sites[0].schedule.timezone",
        "no time zone has this name",
        "Europe/Stockholm?",
    ),
    "time zone of Windows": (
        site("schedule: {timezone: W. Europe Standard Time}"),
        4,
        "sites[0].schedule.timezone",
        "no time zone has this name",
        "Europe/Stockholm or UTC",
    ),
    "time zone outside the database": (
        site("schedule: {timezone: ../../etc/passwd}"),
        4,
        "sites[0].schedule.timezone",
        "no time zone",
        "Europe/",
    ),
}

TOP: dict[str, Case] = {
    "two slashes for SQLite": (
        top("store: {url: sqlite://seatkeeper.db}"),
        4,
        "store.url",
        "three slashes",
        "sqlite:///seatkeeper.db",
    ),
    "store in memory": (
        top("store: {url: 'sqlite:///:memory:'}"),
        4,
        "store.url",
        "would forget every release",
        "name a file",
    ),
    "store of another kind": (
        top("store: {url: mysql://db/x}"),
        4,
        "store.url",
        "SQLite or PostgreSQL",
        "postgresql://",
    ),
    "postgres for postgresql": (
        top("store: {url: postgres://db/x}"),
        4,
        "store.url",
        "is postgresql",
        "begin it with postgresql://",
    ),
    "address and file at once": (
        top("store: {url: 'sqlite:///a.db', url_file: url.txt}"),
        4,
        "store.url_file",
        "cannot be read",
        "create it",
    ),
    "no port to listen on": (
        top("console: {listen: localhost}"),
        4,
        "console.listen",
        "localhost — a host and a port",
        "127.0.0.1:8484",
    ),
    "port beyond the last": (top("console: {listen: 'a:70000'}"), 4, "console.listen", "a", "127"),
    "log level unknown": (top("log: {level: loud}"), 4, "log.level", "loud — the level", "one of"),
    "log format misspelled": (top("log: {format: jsn}"), 4, "log.format", "jsn", "mean json?"),
    "block as a text": (top("log: json"), 4, "log", "not a single value", "each indented"),
    "no sites": ("sites: []\n", 1, "sites", "there is no site", "at least one"),
    "sites left empty": ("sites:\n", 1, "sites", "missing", "add sites"),
    "sites as a block": (
        f"sites:\n  prod: {{qrs: {{url: {URL}}}}}\n",
        1,
        "sites",
        "a list is wanted, not a block",
        "brackets",
    ),
}

KEYS: dict[str, Case] = {
    "key misspelled": (
        policy("analyzer: {relase_after: 30d}"),
        5,
        f"{P}.analyzer.relase_after",
        "no such key",
        "did you mean release_after?",
    ),
    "key with hyphens": (
        policy("never-release: {}"),
        5,
        f"{P}.never-release",
        "no such key",
        "never_release?",
    ),
    "key without a value, misspelled": (
        policy("new_seat_grase:"),
        5,
        f"{P}.new_seat_grase",
        "no such key",
        "new_seat_grace?",
    ),
    "key gone astray": (
        site("mode: observe"),
        4,
        "sites[0].mode",
        "no such key",
        "its place at sites[].policy.mode",
    ),
    "key from nowhere": (
        top("telemetry: true"),
        4,
        "telemetry",
        "no such key",
        "known here are sites, ",
    ),
    "key twice": (
        policy("new_seat_grace: 30d\nmode: observe\nnew_seat_grace: 60d"),
        7,
        f"{P}.new_seat_grace",
        "stands twice, first in line 5",
        "keep one",
    ),
    "key that is a list": (top("? [a, b]\n: c"), 4, "", "a key is no text", "in quotes"),
    "tag of YAML": (
        policy("mode: !secret mode"),
        5,
        f"{P}.mode",
        "a YAML tag means nothing here",
        "single quotes",
    ),
    "merge of something else": (policy("<<: text"), 5, P, "<< takes in a block", "<<: *name"),
    "variable that is not set": (
        qrs("key_password: ${NOT_THERE}"),
        5,
        f"{Q}.key_password",
        "the environment variable NOT_THERE is not set",
        "set NOT_THERE",
    ),
    "variable without an end": (
        qrs("user: 'CORP\\${NAME'"),
        5,
        f"{Q}.user",
        "this is none",
        "write ${NAME}",
    ),
    "a configuration of Butler": (
        top("Butler: {logLevel: info}"),
        4,
        "Butler",
        "a configuration of Butler",
        "config import-butler FILE",
    ),
}

CASES = POLICY | EXEMPTIONS | SITE | TOP | KEYS


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_broken_file_is_refused_with_line_path_and_cure(case: Case, tmp_path: Path) -> None:
    text, line, path, what, cure = case

    [said] = faults(tmp_path, text)

    assert (said.line, said.path) == (line, path)
    assert what in said.what
    assert cure in said.cure


def test_there_are_at_least_sixty_of_them() -> None:
    assert len(CASES) >= 60


SYNTAX: dict[str, tuple[str | bytes, int, str]] = {
    "a tab": ("sites:\n\t- name: prod\n", 2, "replace the tab with blanks"),
    "a backslash in double quotes": (qrs('user: "INTERNAL\\sa_api"'), 5, "single quotes"),
    "a star without quotes": (site("schedule: {release: */5 * * * *}"), 4, "'*/15 * * * *'"),
    "a percent sign without quotes": (policy("mode: %x"), 5, "single quotes"),
    "an at sign without quotes": (policy("mode: @x"), 5, "single quotes"),
    "a colon too many": (policy("mode: observe: auto"), 5, "single quotes"),
    "a line indented wrongly": (top("store:\n  url: x\n console: y"), 6, "same indentation"),
    "a bracket not closed": (never("tags: [sales"), 6, "add ]"),
    "a brace not closed": (site("schedule: {timezone: UTC"), 4, "add }"),
    "a quote not closed": (policy("mode: 'observe"), 5, "close the quote"),
    "a line without a colon": (top("store"), 4, "add the colon"),
    "a second document": (top("---\nstore: {}"), 4, "delete the line ---"),
    "a list entry among keys": (top("- name: test"), 4, "same indentation"),
    "a control character": (policy("mode: ob\x01serve"), 5, "delete it"),
    "an empty file": ("", 1, "seatkeeper config example"),
    "a file of comments": ("# nothing\n\n", 1, "seatkeeper config example"),
    "a list at the top": ("- name: prod\n", 1, "begin the file with `sites:`"),
    "a text at the top": ("hello\n", 1, "begin the file with `sites:`"),
    "UTF-16": (top("").encode("utf-16"), 1, "save it as UTF-8"),
    "UTF-16 without a mark": (top("").encode("utf-16-le"), 1, "save it as UTF-8"),
    "UTF-32": (top("").encode("utf-32"), 1, "save it as UTF-8"),
    "Latin-1": (never("tags: [Käse]").encode("latin-1"), 6, "save it as UTF-8"),
    "a database": (b"SQLite format 3" + b"\xff" * 300 + b"\0" * 9, 1, "a YAML file"),
    "a thousand brackets": ("[" * 5000, 1, "seatkeeper config example"),
}


@pytest.mark.parametrize("case", SYNTAX.values(), ids=SYNTAX.keys())
def test_a_file_that_cannot_be_read_as_yaml_is_one_fault_with_its_line(
    case: tuple[str | bytes, int, str], tmp_path: Path
) -> None:
    text, line, cure = case

    [said] = faults(tmp_path, text)

    assert said.line == line
    assert cure in said.cure


def test_a_file_too_large_is_no_configuration(tmp_path: Path) -> None:
    [said] = faults(tmp_path, b"#" * 10_000_001)

    assert said.what == "this is no configuration"


def test_references_that_fill_the_memory_are_refused(tmp_path: Path) -> None:
    levels = [f"  l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 9)]
    text = top("bomb:\n  l0: &l0 [x]\n" + "\n".join(levels))

    assert "references lead in a circle or to too many values" in refusal(tmp_path, text)


def test_blocks_nested_too_deep_are_refused(tmp_path: Path) -> None:
    assert "nested too deep" in refusal(tmp_path, top("x: " + "[" * 200 + "]" * 200))


def test_references_in_a_circle_are_refused(tmp_path: Path) -> None:
    assert "in a circle" in refusal(tmp_path, top("store: &a\n  url: *a"))


def test_every_fault_comes_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = f"""\
sites:
  - name: prod
    qrs: {{url: 'http://sense', concurrency: 0, passwrd: hunter2}}
    policy:
      mode: auto
      mode: observe
      analyzer: {{release_after: 3d}}
      never_release: {{users: [bob, anna], tags: ['']}}
      limits: {{max_share: 60%}}
  - name: Prod
    qrs: {{url: {URL}, user: '${{NOBODY}}'}}
store: {{url: oracle://db}}
"""

    said = faults(tmp_path, text)

    assert [(s.line, s.path) for s in said] == [
        (3, f"{Q}.concurrency"),
        (3, f"{Q}.passwrd"),
        (3, f"{Q}.url"),
        (5, f"{P}.mode"),
        (6, f"{P}.mode"),
        (7, f"{P}.analyzer.release_after"),
        (8, f"{N}.tags[0]"),
        (8, f"{N}.users[0]"),
        (8, f"{N}.users[1]"),
        (9, f"{L}.max_share"),
        (10, "sites[1].name"),
        (11, "sites[1].qrs.user"),
        (12, "store.url"),
    ]


def test_every_fault_of_the_policy_can_stand_in_one_file(tmp_path: Path) -> None:
    sections = [f"  - name: s{i}\n    qrs: {{url: {URL}}}\n" for i in range(len(POLICY))]
    bodies = [case[0].split("\n", 3)[3] for case in POLICY.values()]
    text = "sites:\n" + "".join(a + b for a, b in zip(sections, bodies, strict=True))

    assert len(faults(tmp_path, text)) == len(POLICY)


def test_a_site_name_used_twice_is_found_whatever_its_case(tmp_path: Path) -> None:
    sites = [f"  - {{name: {name}, qrs: {{url: {URL}}}}}\n" for name in ("prod", "PROD")]
    text = "sites:\n" + "".join(sites)

    assert faults(tmp_path, text) == [
        Said(
            3,
            "sites[1].name",
            "name: PROD — sites[0] has this name already (letter case does not matter)",
            "give every site a name of its own",
        )
    ]


def test_no_fault_shows_the_words_of_the_model_library(tmp_path: Path) -> None:
    for text, *_ in CASES.values():
        said = refusal(tmp_path, text).lower()

        assert "pydantic" not in said
        assert "value error" not in said
        assert "input should" not in said
        assert "traceback" not in said
