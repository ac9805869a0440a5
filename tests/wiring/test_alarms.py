"""What the settings make of alerts: certificates by the files that the configuration names."""

from __future__ import annotations

from pathlib import Path

from config_files import URL, load_text
from qrs_pki import Authority
from seatkeeper.core.alerts import AlertState
from seatkeeper.store import open_store
from seatkeeper.wiring.alarms import alarm_of
from seatkeeper.wiring.clock import SystemClock


async def test_two_certificate_files_of_one_name_are_watched_each(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "internal")
    pair = authority.issue("client", days=5)
    for folder, file in (("client", pair.cert), ("ca", authority.root)):
        (tmp_path / folder).mkdir()
        file.rename(tmp_path / folder / "cert.pem")
    text = (
        f"sites:\n  - name: prod\n    qrs:\n      url: {URL}\n      cert_file: client/cert.pem\n"
        f"      key_file: {pair.key.name}\n      ca_file: ca/cert.pem\n"
    )
    store = open_store(f"sqlite:///{tmp_path}/store.db", command="test")

    await alarm_of(load_text(tmp_path, text).settings, store).watch(["prod"], SystemClock().now())

    on = [alert for alert in await store.alerts.all() if alert.state is AlertState.FIRING]
    store.close()
    assert [(a.key.rule, a.key.subject) for a in on] == [
        ("certificate_expiring", "client certificate cert.pem")
    ]
    assert on[0].says.startswith("the client certificate cert.pem ends at ")
