from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from config_files import load_text, top
from seatkeeper.config.document import read_document
from seatkeeper.settings import Settings
from seatkeeper.settings.example import example_text
from seatkeeper.settings.keys import walk
from seatkeeper.settings.written import as_lines, as_yaml

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    texts,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), below, max_size=3)
    ),
    max_leaves=8,
)


def test_the_example_loads_and_is_what_holds_without_it(tmp_path: Path) -> None:
    assert load_text(tmp_path, example_text()).settings == load_text(tmp_path, top("")).settings


def test_the_example_still_loads_with_every_key_switched_on(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/key_password").write_text("x")
    (tmp_path / "secrets/tickets").write_text("correct-horse-battery-staple")
    keys = {key.name for key in walk(Settings)} - {"url_file", "key_password"}
    switched_on = re.sub(
        r"^( *)# (\w+): ",
        lambda found: f"{found[1]}{found[2]}: " if found[2] in keys else found[0],
        example_text(),
        flags=re.MULTILINE,
    )

    found = load_text(tmp_path, switched_on).settings.sites[0]

    assert len(found.to_policy().exemptions) == 6
    assert found.policy.agreement_reviewed is not None


def test_every_key_is_in_the_example_with_what_it_means() -> None:
    text = example_text()
    prose = " ".join(re.sub(r"^\s*#?\s*(- )?", "", line) for line in text.splitlines())

    for key in walk(Settings):
        if "never_release." in key.path and "[]" in key.path.partition("never_release")[2]:
            continue  # the keys of an entry stand in the comment of the block
        if key.path.partition("pause[]")[1] or key.path.partition("agreement_reviewed.")[1]:
            continue  # these stand on the line of their block
        if key.path.startswith(("metrics.prometheus.", "console.tls.", "console.oidc.")):
            continue  # as above
        if key.path.startswith(("console.proxy.", "console.roles[]", "console.webhooks[]")):
            continue  # as above
        if "channels[]" in key.path or "influxdb[]" in key.path or "alerts.rules." in key.path:
            continue  # as above: the keys of an entry are in the reference
        assert re.search(rf"^\s*(# |- )?{key.name}:", text, re.MULTILINE), key.path
        assert (key.field.description or "?") in prose, key.path


def test_no_line_of_the_example_is_too_long_for_a_screen() -> None:
    assert max(map(len, example_text().splitlines())) <= 100


@pytest.mark.parametrize("key", list(walk(Settings)), ids=lambda key: key.path)
def test_every_key_says_in_a_sentence_what_it_means(key: object) -> None:
    description = getattr(key, "field").description or ""  # noqa: B009 - keeps the parameter plain

    assert re.fullmatch(r"[A-Z`].{5,}\.", description), description


@settings(deadline=None)
@given(values)
def test_whatever_is_written_as_yaml_is_read_back_the_same(value: object) -> None:
    text = f"top: {as_yaml(value)}\n"

    assert read_document(Path("x"), text.encode()).data == {"top": value}


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), values, max_size=4))
def test_whatever_is_written_as_lines_is_read_back_the_same(value: dict[str, object]) -> None:
    text = "\n".join(["first: x", *as_lines({"top": value})]) + "\n"

    assert read_document(Path("x"), text.encode()).data == {"first": "x", "top": value}


def test_another_reader_of_yaml_sees_the_same_texts() -> None:
    value = [r"CORP\svc_*", "it's", "yes", "1", "a: b", "# no", "- dash", "*star", "", "null", "ä"]

    [found] = YAML(typ="safe", pure=True).load(f"[{as_yaml(value)}]")

    assert [str(v) for v in found] == value
