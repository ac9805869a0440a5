"""Butler's MQTT topics on a real Mosquitto."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from qrs_pki import Authority
from receivers import Mosquitto, until
from seatkeeper.core.butler_event import ButlerEvent, ButlerEventName
from seatkeeper.errors import NotTold
from seatkeeper.outlets.butler_events import Broker, ButlerMqtt, Topics

STATUS, EXPIRE = "qliksense/qliksense_server_license", "qliksense/qliksense_server_license_expire"
TOPICS = Topics(STATUS, EXPIRE)
STATE = ButlerEvent(
    event=ButlerEventName.STATUS,
    license_expired=False,
    expiry_date_str="2027-06-30",
    days_until_expiry=20,
)


def broker_of(server: Mosquitto, **more: object) -> Broker:
    broker = Broker(host="127.0.0.1", port=server.port, timeout=timedelta(seconds=20))
    return replace(broker, **more)  # type: ignore[arg-type]


async def test_topics_and_payloads_are_butlers(tmp_path: Path) -> None:
    server = Mosquitto(tmp_path, user="seats", password="a word")
    async with server.up(), server.listener() as heard:
        channel = ButlerMqtt(broker_of(server, user="seats", password="a word"), TOPICS)
        for name in ButlerEventName:
            said = await channel.tell(msgspec.structs.replace(STATE, event=name), "k")
        await until(lambda: len(heard) == 3)

        wrong = ButlerMqtt(broker_of(server, user="seats", password="wrong"), TOPICS)
        with pytest.raises(NotTold, match=r"refuses the connection: .*; check user and password"):
            await wrong.tell(STATE, "k")

    assert said == f"127.0.0.1:{server.port} confirmed a message to {EXPIRE}"
    assert [topic for topic, _ in heard] == [STATUS, EXPIRE, EXPIRE]
    assert json.loads(heard[0][1]) == {
        "licenseExpired": False,
        "expiryDateStr": "2027-06-30",
        "daysUntilExpiry": 20,
    }
    assert heard[1][1] == "Qlik Sense server license expired on 2027-06-30"
    assert heard[2][1] == ("Qlik Sense server license is about to expire in 20 days, on 2027-06-30")


async def test_a_broker_with_tls_must_show_a_certificate_of_the_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "internal")
    pair = authority.issue("mqtt", hosts=("127.0.0.1",))
    server = Mosquitto(tmp_path, tls=(pair.cert, pair.key))
    async with server.up():
        good = broker_of(server, tls=True, ca_file=authority.root)
        assert "confirmed" in await ButlerMqtt(good, TOPICS).tell(STATE, "k")

        with pytest.raises(NotTold, match="certificate is not trusted"):
            await ButlerMqtt(replace(good, ca_file=None), TOPICS).tell(STATE, "k")


async def test_a_broker_that_is_not_there_is_named(tmp_path: Path) -> None:
    channel = ButlerMqtt(broker_of(Mosquitto(tmp_path)), TOPICS)

    with pytest.raises(NotTold, match=r"127\.0\.0\.1:[0-9]+ cannot be reached: Connection refused"):
        await channel.tell(STATE, "k")
