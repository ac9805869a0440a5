"""Where the daemon listens, and what it says when it cannot."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from command_line import CONFIG, process
from seatkeeper.errors import UsageError
from seatkeeper.web.server import bind


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0", "127.8.8.8:0"])
def test_this_machine_alone_may_be_listened_to(listen: str) -> None:
    with bind(listen) as listener:
        assert listener.getsockname()[0].startswith("127.")


def test_a_port_that_is_taken_is_said_to_be_so() -> None:
    with bind("127.0.0.1:0") as first:
        port = first.getsockname()[1]

        with pytest.raises(UsageError, match=f"127.0.0.1:{port} cannot be used"):
            bind(f"127.0.0.1:{port}")


def a_config(folder: Path, listen: str) -> None:
    text = CONFIG.format(url="https://127.0.0.1:9/qrs", folder=folder, store=folder / "s.db")
    for name in ("root.pem", "client.pem", "client_key.pem"):
        (folder / name).write_text("")
    (folder / "seatkeeper.yaml").write_text(f"{text}console: {{listen: '{listen}'}}\n")


def test_the_command_ends_with_2_when_its_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        a_config(tmp_path, f"127.0.0.1:{port}")

        ran = process("serve", cwd=tmp_path)

    assert ran.code == 2
    assert f"127.0.0.1:{port} cannot be used" in ran.err
    assert "Traceback" not in ran.err


def test_the_command_ends_with_2_when_it_would_reach_beyond_this_machine(tmp_path: Path) -> None:
    a_config(tmp_path, "0.0.0.0:8484")

    ran = process("serve", cwd=tmp_path)

    assert ran.code == 2
    assert "0.0.0.0:8484 reaches beyond this machine without TLS" in ran.err
    assert "console.proxy.trusted" in ran.err
