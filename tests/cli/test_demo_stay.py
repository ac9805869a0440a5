from __future__ import annotations

import pytest

from seatkeeper.cli.demo_stay import show_in_browser

LINK = "http://127.0.0.1:8484/welcome?key=k"


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)


def test_no_browser_is_opened_where_there_is_no_screen() -> None:
    assert not show_in_browser(LINK)


def test_none_is_opened_on_the_screen_of_a_machine_that_somebody_is_not_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.9 50000 10.0.0.5 22")

    assert not show_in_browser(LINK)


def test_a_browser_that_is_not_there_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "/nowhere/browser %s")

    show_in_browser(LINK)
