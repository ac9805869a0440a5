"""The real process: where the configuration comes from, exit codes, streams, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import process


def test_the_configuration_is_given_before_the_command_after_it_or_by_the_environment(
    config: Path,
) -> None:
    folder = config.parent / "elsewhere"
    folder.mkdir()
    words = ("status", "--site", "prod", "-o", "json")

    ways = [
        process("-c", str(config), *words, cwd=folder),
        process(*words, "-c", str(config), cwd=folder),
        process(*words, cwd=folder, env={"SEATKEEPER_CONFIG": str(config)}),
        process(*words, cwd=config.parent),
    ]

    assert [way.code for way in ways] == [0, 0, 0, 0]
    assert [way.json["site"] for way in ways] == ["prod"] * 4
    assert [way.err for way in ways] == [""] * 4


def test_what_stands_after_the_command_wins(config: Path) -> None:
    ended = process("-c", "nowhere.yaml", "status", "-c", str(config), cwd=config.parent)

    assert ended.code == 0


def test_a_configuration_that_is_not_there_is_exit_2_with_the_cure(tmp_path: Path) -> None:
    ended = process("check", cwd=tmp_path)

    assert (ended.code, ended.out) == (2, "")
    assert "seatkeeper.yaml" in ended.err
    assert "cure:" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--output", "xml"),
        ("ledger", "show", "--kind", "nonsense"),
        ("ledger", "export"),
        ("explain",),
        ("sim",),
        ("init", "--no-such-option"),
    ],
)
def test_a_command_that_makes_no_sense_is_exit_2_without_a_traceback(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    ended = process(*words, cwd=tmp_path)

    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    assert "Usage:" in ended.err


def test_a_store_that_cannot_be_opened_is_an_error_in_words(config: Path) -> None:
    (config.parent / "store.db").mkdir()

    for words in (("ledger", "show"), ("status",), ("explain", "A\\b")):
        ended = process(*words, "-c", str(config), cwd=config.parent)
        assert (ended.code, ended.out) == (1, ""), words
        assert ended.err.startswith("error: ")
        assert "Traceback" not in ended.err


def test_a_fault_of_our_own_is_one_sentence_and_a_traceback_only_when_asked(
    config: Path, tmp_path: Path
) -> None:
    # What Python imports first makes a part of Seatkeeper fail in a way nobody foresaw.
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(
        "import seatkeeper.config\n"
        "def load(*_):\n    raise ZeroDivisionError('by accident')\n"
        "seatkeeper.config.load = load\n"
    )
    env = {"PYTHONPATH": str(tmp_path / "broken")}

    plain = process("check", "-c", str(config), cwd=tmp_path, env=env)
    asked = process(
        "check", "-c", str(config), cwd=tmp_path, env=env | {"SEATKEEPER_TRACEBACK": "1"}
    )

    assert plain.code == asked.code == 1
    assert "a fault of Seatkeeper: ZeroDivisionError: by accident" in plain.err
    assert "Traceback" not in plain.err
    assert "Traceback" in asked.err
