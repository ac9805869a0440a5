"""`accounts add`, `change`, `remove`, `list` and `tokens make`, `revoke`, `list`."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from command_line import CONFIG, Command, Ran, process

PASSWORD = "correct horse battery staple"
ADD = ("accounts", "add", "Ingrid Berg", "--role", "approver")
MAKE = ("tokens", "make", "nightly", "--role", "viewer", "--for", "90d")
BY = ("--by", "Jane Doe")


class Desk:
    """Commands on a store of their own, with a file that holds a password; no site answers."""

    def __init__(self, run: Command, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "seatkeeper.yaml"
        store = folder / "store.db"
        text = CONFIG.format(url="https://127.0.0.1:1/qrs", folder=folder, store=store)
        self.config.write_text(text)
        self._run = run

    def __call__(self, *words: object) -> Ran:
        return self._run(*words, "-c", self.config)

    def password(self, text: str = PASSWORD) -> tuple[object, ...]:
        file = self.folder / "password"
        file.write_text(f"{text}\nsecond line\n")
        return "--password-file", file

    def account(self, *more: object) -> Ran:
        return self(*ADD, *self.password(), *BY, *more)

    def ledger(self, kind: str) -> list[dict[str, object]]:
        exported = self("ledger", "export", "--format", "json").json
        return [record for record in exported if record["kind"] == kind]


@pytest.fixture
def desk(seatkeeper: Command, tmp_path: Path) -> Desk:
    return Desk(seatkeeper, tmp_path)


def test_an_account_is_added_listed_and_recorded(desk: Desk) -> None:
    added = desk.account("--site", "PROD", "-o", "json").json

    assert added["name"] == "Ingrid Berg"
    assert added["roles"] == [{"role": "approver", "sites": ["prod"]}]
    assert desk("accounts", "list", "-o", "json").json == [added]
    (record,) = desk.ledger("account_added")
    assert record["by"] == "Jane Doe"
    assert record["evidence"] == {"account": "Ingrid Berg", "roles": ["approver on prod"]}


def test_no_command_shows_a_password_or_its_hash(desk: Desk) -> None:
    said = [desk.account(), desk("accounts", "list"), desk("accounts", "list", "-o", "json")]
    said.append(desk("ledger", "export", "--format", "json"))

    for one in said:
        assert PASSWORD not in one.out + one.err
        assert "argon2" not in one.out + one.err


def test_people_see_a_table_of_accounts(desk: Desk) -> None:
    empty = desk("accounts", "list").out
    desk.account()
    table = desk("accounts", "list").out

    assert "no account; add one with" in empty
    line = next(line for line in table.splitlines() if "Ingrid Berg" in line)
    assert re.search(r"approver +\d{4}-\d\d-\d\d \d\d:\d\d, Jane Doe", line)
    assert "never" in line


def test_a_list_is_a_table_of_a_spreadsheet_in_which_no_name_is_a_formula(desk: Desk) -> None:
    desk("accounts", "add", "=1+1", "--role", "viewer", *desk.password())
    rows = list(csv.DictReader(io.StringIO(desk("accounts", "list", "-o", "csv").out)))

    assert [(r["name"], r["roles"]) for r in rows] == [("'=1+1", "viewer")]


def test_an_account_is_given_another_role_and_password_on_the_record(desk: Desk) -> None:
    desk.account()
    changed = desk(
        "accounts",
        "change",
        "ingrid berg",
        "--role",
        "admin",
        *desk.password("another good one of these"),
        *BY,
    )

    assert changed.out.strip() == "account Ingrid Berg changed: admin"
    (record,) = desk.ledger("account_changed")
    assert record["evidence"] == {
        "account": "Ingrid Berg",
        "roles": ["admin"],
        "password": "new",
    }


def test_an_account_is_removed_on_the_record(desk: Desk) -> None:
    desk.account()
    removed = desk("accounts", "remove", "INGRID BERG", *BY)
    again = desk("accounts", "remove", "Ingrid Berg")

    assert "none left" in removed.err
    assert (again.code, "accounts list" in again.err) == (2, True)
    assert [r["by"] for r in desk.ledger("account_removed")] == ["Jane Doe"]


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("--site", "elsewhere"), "there is no site 'elsewhere'; the configuration has prod"),
        (("--password-file", "missing.txt"), "missing.txt cannot be read"),
        ((), "--password-file - to read it from stdin"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused_with_a_cure(
    desk: Desk, words: tuple[str, ...], cure: str
) -> None:
    ended = desk(*ADD, *words)

    assert (ended.code, desk("accounts", "list", "-o", "json").json) == (2, [])
    assert cure in ended.err


@pytest.mark.parametrize(
    ("password", "cure"),
    [
        ("short", "12 to 128 characters"),
        ("", "the first line is empty"),
        ("my name is ingrid berg", "guessed at once"),
        ("password123456", "among those that are tried first"),
    ],
)
def test_a_password_that_is_no_good_is_refused(desk: Desk, password: str, cure: str) -> None:
    ended = desk(*ADD, *desk.password(password))

    assert ended.code == 2
    assert cure in ended.err


def test_a_name_is_taken_whatever_its_letter_case(desk: Desk) -> None:
    desk.account()
    ended = desk("accounts", "add", "INGRID BERG", "--role", "admin", *desk.password())

    assert ended.code == 2
    assert "there is an account" in ended.err


@pytest.mark.parametrize("words", [(), ("--site", "prod")])
def test_a_change_of_nothing_is_refused(desk: Desk, words: tuple[str, ...]) -> None:
    desk.account()
    ended = desk("accounts", "change", "Ingrid Berg", *words)

    assert ended.code == 2
    assert "say what changes" in ended.err


def test_a_password_is_read_from_stdin(desk: Desk) -> None:
    words = (*ADD, "--password-file", "-", "-c", str(desk.config))
    added = process(*words, cwd=desk.folder, stdin=f"{PASSWORD}\n")

    assert (added.code, added.out) == (0, "account Ingrid Berg added: approver\n")


def test_a_token_is_shown_once_and_recorded(desk: Desk) -> None:
    made = desk(*MAKE, "--site", "prod", *BY)
    secret = made.out.strip()
    listed = desk("tokens", "list", "-o", "json")

    assert re.fullmatch(r"skt_[\w-]{43}", secret)
    assert "shown once" in made.err
    (token,) = listed.json
    assert (token["name"], token["owner"], token["used_at"]) == ("nightly", "Jane Doe", None)
    assert token["roles"] == [{"role": "viewer", "sites": ["prod"]}]
    (record,) = desk.ledger("token_made")
    assert record["by"] == "Jane Doe"
    assert secret not in listed.out + desk("ledger", "export", "--format", "json").out


def test_a_token_for_a_program_is_json_with_its_end(desk: Desk) -> None:
    made = desk(*MAKE, "-o", "json").json

    assert made["token"].startswith("skt_")
    length = datetime.fromisoformat(made["ends_at"]) - datetime.fromisoformat(made["made_at"])
    assert length == timedelta(days=90)


def test_a_token_is_revoked_on_the_record(desk: Desk) -> None:
    desk(*MAKE)
    assert desk("tokens", "revoke", "nightly", *BY).code == 0
    again = desk("tokens", "revoke", "nightly")

    assert desk("tokens", "list", "-o", "json").json == []
    assert (again.code, "tokens list" in again.err) == (2, True)
    assert [r["by"] for r in desk.ledger("token_revoked")] == ["Jane Doe"]


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("--for", "soon"), "30d or 12h"),
        (("--for", "367d"), "at most 366d"),
        (("--site", "elsewhere"), "the configuration has prod"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused_with_a_cure(
    desk: Desk, words: tuple[str, str], cure: str
) -> None:
    ended = desk(*MAKE, *words)

    assert ended.code == 2
    assert cure in ended.err


def test_people_and_spreadsheets_see_tokens(desk: Desk) -> None:
    empty = desk("tokens", "list").out
    desk(*MAKE, *BY)
    (row,) = csv.DictReader(io.StringIO(desk("tokens", "list", "-o", "csv").out))

    assert "no token; make one with" in empty
    assert re.search(r"nightly +Jane Doe +viewer", desk("tokens", "list").out)
    assert (row["name"], row["ended"]) == ("nightly", "false")


def test_the_page_on_json_names_what_is_printed(desk: Desk) -> None:
    account = desk.account("-o", "json").json
    made = desk(*MAKE, "-o", "json").json

    assert set(account) == _named("accounts list") - {"role", "sites"}
    assert set(made) == _named("tokens list") - {"role", "sites"}


def _named(section: str) -> set[str]:
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
    rows = page.split(f"\n## {section}\n")[1].split("\n## ")[0].splitlines()
    found = {word for r in rows if r.startswith("| `") for word in re.findall(r"`(\w+)`", r)}
    return found | ({"token"} if section.startswith("tokens") else set())
