from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from command_line import CONFIG, Command, Ran
from seatkeeper.cli.main import main
from served_site import ServedSite, serving


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSite]:
    """One site for every test that only looks."""
    with serving(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def site(shared_site: ServedSite) -> Iterator[ServedSite]:
    """The site, well again after the test."""
    yield shared_site
    shared_site.faults()
    shared_site.switches()


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[ServedSite]:
    """A site for one test alone, which may change it."""
    with serving(tmp_path / "own", users=60) as site:
        yield site


@pytest.fixture
def config(site: ServedSite, tmp_path: Path) -> Path:
    """A configuration of the site `prod`, with a store of its own."""
    path = tmp_path / "seatkeeper.yaml"
    store = tmp_path / "store.db"
    path.write_text(CONFIG.format(url=site.url, folder=site.folder, store=store))
    return path


@pytest.fixture
def seatkeeper(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Run a command in this process, with every error turned into words and an exit code."""
    monkeypatch.delenv("SEATKEEPER_CONFIG", raising=False)
    hook = sys.excepthook

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["seatkeeper", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    yield run
    sys.excepthook = hook
    structlog.reset_defaults()  # logs went to this test's stderr, which is gone now
