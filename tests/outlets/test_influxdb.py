"""Points on real servers: what arrives, what is set aside, and what is said when none does."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import NOW, a_summary
from influx import Influx, Victoria, an_influx, free_port
from influx_three import Receiver, a_receiver
from qrs_pki import Authority
from seatkeeper.core.measures import USER_ACTIVITY
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outbox import Delivery, OutboxEntry, OutboxRow
from seatkeeper.core.points import (
    Beside,
    Field,
    Point,
    ReleasedSeat,
    nanoseconds,
    points_of,
    release_points,
)
from seatkeeper.outlets.influxdb import InfluxSink, Place, version_1, version_2, version_3
from seatkeeper.outlets.lines import encoder

AT = nanoseconds(NOW)

NAMES = [
    r"EXAMPLE\anna.berg",
    r"EXAMPLE\o'neil",
    r'EXAMPLE\the "boss"',
    r"EXAMPLE\berg, anna",
    r"EXAMPLE\a = b",
    r"EXAMPLE\åsa.öberg",
    "EXAMPLE\\山田",
    r"EXAMPLE\ends\\"[:-1],
    r"EXAMPLE\,",
    r"EXAMPLE\=,= x",
    r"EX AMPLE\ x",
    r"EXAMPLE\#1",
    "EXAMPLE\\tab\tand\nline",
    r"EXAMPLE\🙂",
    r"EXAMPLE\a\nb",
]
"""Every sort of name that line protocol could trip over."""


def rows_of(entries: list[OutboxEntry]) -> list[OutboxRow]:
    return [OutboxRow(n, "main", entry) for n, entry in enumerate(entries)]


def rows(*points: Point, tags: Mapping[str, str] | None = None) -> list[OutboxRow]:
    return rows_of(encoder(tags or {})(points))


def raw(*lines: str) -> list[OutboxRow]:
    """Rows as only another version could have put them."""
    return rows_of([OutboxEntry("point", line.encode(), line, NOW) for line in lines])


def a_point(number: int = 0, **fields: Field) -> Point:
    tags = (("site", "prod"), ("license_type", "analyzer"))
    return Point("qlik_sense_license", tags, fields or {"total": 5.0}, AT + number)


def a_batch_with_one_bad(at: int, of: int = 5000) -> list[OutboxRow]:
    """Rows of which one, total=-1, is refused by a receiver that is told so."""
    return raw(*(f"m total={-1 if n == at else n} {AT + n}" for n in range(of)))


async def sent(place: Place, some: list[OutboxRow]) -> Delivery:
    async with InfluxSink(place) as sink:
        return await sink.send(some)


async def test_every_point_of_a_reading_arrives_with_its_time_and_tags(influx: Influx) -> None:
    points = points_of(a_summary())
    some = rows(*points, tags={"env": "prod", "b l": "a b,c=d"})

    delivery = await sent(version_1(influx.url, "butler"), some)

    assert delivery == Delivery.of_all(some)
    (row,) = influx.rows("SELECT * FROM qlik_sense_license WHERE license_type = 'professional'")
    assert (row["time"], row["total"], row["available"], row["env"], row["b l"]) == (
        AT,
        50,
        10,
        "prod",
        "a b,c=d",
    )
    names = {row["name"] for row in influx.rows("SHOW MEASUREMENTS")}
    assert names == {p.measurement for p in points}
    types = {row["fieldType"] for row in influx.rows("SHOW FIELD KEYS")}
    assert types == {"float", "boolean", "string"}


async def test_points_lie_beside_those_that_butler_wrote(influx: Influx) -> None:
    """Butler writes every number as a float; a minute before, so in the same shard as ours."""
    before = AT - 60_000_000_000
    influx.write(
        "qlik_sense_license,license_type=professional,butler_instance=prod allocated=39,"
        f"available=11,excess=0,quarantined=0,total=50,used=30 {before}\n"
        "qlik_sense_license,license_type=analyzer_capacity allocated_minutes=20000,"
        f"unavailable_minutes=0,used_minutes=100.5 {before}\n"
        "qlik_sense_license_release,license_type=professional,user=EXAMPLE\\anna "
        f"days_since_last_use=45 {before}\n"
        'qlik_sense_server_license license_expired=false,expiry_date="2027-06-30",'
        f"days_until_expiry=240 {before}"
    )
    released = ReleasedSeat("s", LicenseType.PROFESSIONAL, NAMES[0], 120, NOW)
    some = rows(*points_of(a_summary(), Beside(releases=(released,)), user_tag=True))

    assert await sent(version_1(influx.url, "butler"), some) == Delivery.of_all(some)

    both = influx.rows("SELECT total FROM qlik_sense_license WHERE license_type = 'professional'")
    assert [row["total"] for row in both] == [50, 50]
    assert len(influx.rows("SELECT * FROM qlik_sense_license_release")) == 2
    assert len(influx.rows("SELECT days_until_expiry FROM qlik_sense_server_license")) == 2


@pytest.mark.parametrize("name", NAMES)
async def test_every_name_arrives_as_a_field_as_it_is(influx: Influx, name: str) -> None:
    tags = (("site", "prod"), ("license_type", "analyzer"))
    point = Point(USER_ACTIVITY.name, tags, {"days_idle": 3.0, "user": name}, AT)

    some = rows(point)
    assert await sent(version_1(influx.url, "butler"), some) == Delivery.of_all(some)

    (row,) = influx.rows("SELECT * FROM qlik_license_user")
    assert (row["user"], row["days_idle"]) == (name, 3)


@pytest.mark.parametrize("name", NAMES)
async def test_every_name_arrives_as_butlers_tag(influx: Influx, name: str) -> None:
    released = ReleasedSeat("s", LicenseType.ANALYZER, name, 120, NOW)
    some = rows(*release_points("prod", [released], user_tag=True))

    assert await sent(version_1(influx.url, "butler"), some) == Delivery.of_all(some)

    (row,) = influx.rows("SELECT * FROM qlik_sense_license_release GROUP BY *")
    # A line break has no place in a tag: it arrives as the two characters that people write.
    on_one_line = name.replace("\n", r"\n").replace("\t", r"\t")
    assert row["user"].removesuffix("\N{ZERO WIDTH SPACE}") == on_one_line
    assert (row["license_type"], row["days_since_last_use"]) == ("analyzer", 120)


def some_names(number: int) -> list[str]:
    """Names out of every sign that line protocol, InfluxQL or JSON could trip over."""
    rng = random.Random(7)  # noqa: S311 - a seeded test
    signs = "\\\\\\,,== \"'#{}[]%$&;:/?*<>|`~^äß山🙂\u2028\u00a0aZ9._-"
    made = {"".join(rng.choices(signs, k=rng.randint(1, 12))) for _ in range(number)}
    # QRS gives names without blanks around them.
    return sorted({f"EXAMPLE\\{name.strip()}" for name in made if name.strip()})


async def test_hundreds_of_strange_names_arrive_as_field_and_as_tag(influx: Influx) -> None:
    names = some_names(600)
    tags = (("site", "prod"), ("license_type", "analyzer"))
    fields = [
        Point(USER_ACTIVITY.name, tags, {"user": name}, AT + n) for n, name in enumerate(names)
    ]
    released = [ReleasedSeat(str(n), LicenseType.ANALYZER, u, 90, NOW) for n, u in enumerate(names)]
    some = rows(*fields, *release_points("prod", released, user_tag=True))

    assert await sent(version_1(influx.url, "butler"), some) == Delivery.of_all(some)

    as_field = influx.rows('SELECT "user" FROM qlik_license_user')
    assert [row["user"] for row in as_field] == names
    as_tag = influx.rows("SELECT * FROM qlik_sense_license_release GROUP BY *")
    unseen = "\N{ZERO WIDTH SPACE}"
    assert {row["user"].removesuffix(unseen) for row in as_tag} == set(names)


async def test_poisoned_points_are_found_and_all_others_arrive(influx: Influx) -> None:
    influx.write("qlik_sense_license,license_type=analyzer,site=prod total=1 1")
    good = [r.entry.body.decode() for r in rows(*(a_point(n) for n in range(500)))]
    typed = f"qlik_sense_license,license_type=analyzer,site=prod total=5i {AT + 900}"
    broken = r"qlik_sense_license,user=EXAMPLE\anna total= 5"
    some = raw(*good[:100], typed, *good[100:437], broken, *good[437:])

    delivery = await sent(version_1(influx.url, "butler"), some)

    assert sorted(delivery.poisoned) == [100, 438]
    assert "field type conflict" in delivery.poisoned[100]
    assert "unable to parse the point: missing field value" in delivery.poisoned[438]
    assert "anna" not in str(delivery)
    assert delivery.error == ""
    assert len(delivery.delivered) == 500
    (count,) = influx.rows("SELECT count(total) FROM qlik_sense_license")
    assert count["count"] == 501


async def test_sending_twice_changes_nothing(influx: Influx) -> None:
    place, some = version_1(influx.url, "butler"), rows(a_point(0), a_point(1))

    await sent(place, some)
    await sent(place, some)

    assert len(influx.rows("SELECT * FROM qlik_sense_license")) == 2


async def test_a_missing_database_is_created(influx: Influx) -> None:
    place = version_1(influx.url, 'new "one"')
    some = rows(a_point())

    assert await sent(place, some) == Delivery.of_all(some)
    assert len(influx.rows("SELECT * FROM qlik_sense_license", 'new "one"')) == 1
    influx.ask(r'DROP DATABASE "new \"one\""')


async def test_who_may_not_write_is_told_so_and_nothing_is_set_aside() -> None:
    some = rows(a_point())
    with an_influx(auth=True) as influx:
        influx.add_admin()
        nobody = await sent(version_1(influx.url, "butler"), some)
        wrong = await sent(version_1(influx.url, "butler", ("admin", "wrong-pass")), some)
        right = await sent(version_1(influx.url, "butler", ("admin", "s3cret")), some)

    assert "does not accept the token or password" in nobody.error
    assert "does not accept the token or password" in wrong.error
    assert "wrong-pass" not in wrong.error
    assert (nobody.poisoned, wrong.poisoned) == ({}, {})
    assert right == Delivery.of_all(some)


async def test_a_server_that_is_not_there_is_told_so() -> None:
    delivery = await sent(version_1(f"http://127.0.0.1:{free_port()}", "d"), rows(a_point()))

    assert "gives no answer" in delivery.error
    assert "; check url, ca_file and the way to the server" in delivery.error
    assert delivery.delivered == ()


async def test_tls_is_verified_against_the_authority_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "metrics")
    pair = authority.issue("influx", hosts=("127.0.0.1",))
    some = rows(a_point())
    with an_influx(certificate=pair.cert, key=pair.key) as influx:
        place = version_1(influx.url, "butler")
        trusted = await sent(replace(place, ca_file=authority.root), some)
        unknown = await sent(place, some)
        missing = await sent(replace(place, ca_file=tmp_path / "none.pem"), some)

    assert trusted == Delivery.of_all(some)
    assert "certificate" in unknown.error
    assert "none.pem cannot be used (No such file or directory)" in missing.error


async def test_the_write_api_of_version_2_takes_everything(victoria: Victoria) -> None:
    released = [ReleasedSeat(str(n), LicenseType.ANALYZER, u, 90, NOW) for n, u in enumerate(NAMES)]
    # Unlike InfluxDB it takes a backslash before an escaped sign for an escaped backslash.
    plain = [r for r in released if not re.search(r"\\[,= ]", r.user)]
    some = rows(
        *points_of(a_summary(site="two"), Beside(releases=plain), user_tag=True),
        tags={"env": "x"},
    )

    place = version_2(victoria.url, "example", "butler", "token")
    assert await sent(place, some) == Delivery.of_all(some)

    selector = '{__name__="qlik_sense_license_total",site="two",license_type="professional"}'
    (total,) = victoria.exported(selector)
    assert (total["values"], total["timestamps"]) == ([50], [AT // 1_000_000])
    assert total["metric"]["env"] == "x"
    users = victoria.exported('{__name__="qlik_sense_license_release_days_since_last_use"}')
    names = {one["metric"]["user"].removesuffix("\N{ZERO WIDTH SPACE}") for one in users}
    assert len(names) == len(plain)
    assert {r.user for r in plain if r.user.isprintable()} <= names


@pytest.fixture
def three() -> Receiver:
    return Receiver()


async def test_version_3_is_written_as_it_documents(three: Receiver) -> None:
    some = rows(*points_of(a_summary()))
    async with a_receiver(three) as url:
        assert await sent(version_3(url, "butler", "t0ken"), some) == Delivery.of_all(some)

    (request,) = three.requests
    assert request.path == "/api/v3/write_lp"
    assert request.query == {"db": "butler", "precision": "nanosecond"}
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert request.headers["Content-Encoding"] == "gzip"
    assert request.lines == [row.entry.body.decode() for row in some]


async def test_version_3_tells_the_poisoned_line_and_the_rest_arrives(three: Receiver) -> None:
    three.refuses = "total=7"
    some = rows(*(a_point(n, total=float(n)) for n in range(20)))
    async with a_receiver(three) as url:
        delivery = await sent(version_3(url, "butler"), some)

    assert list(delivery.poisoned) == [7]
    assert "invalid column type" in delivery.poisoned[7]
    assert len(delivery.delivered) == 19


@pytest.mark.parametrize("at", [0, 1, 20, 49])
async def test_a_slow_server_gets_further_with_every_batch(three: Receiver, at: int) -> None:
    """With time for next to nothing, each batch leaves fewer rows, until all are through."""
    three.refuses = "total=-1"
    left, poisoned = a_batch_with_one_bad(at, of=50), list[int]()
    async with a_receiver(three) as url, InfluxSink(version_3(url, "b"), budget=0) as sink:
        while left:
            delivery = await sink.send(left)
            assert delivery.error == ""
            gone = {*delivery.delivered, *delivery.poisoned}
            assert gone
            poisoned += delivery.poisoned
            left = [row for row in left if row.id not in gone]

    assert poisoned == [at]


async def test_a_point_at_fault_is_found_with_few_requests(three: Receiver) -> None:
    three.refuses = "total=-1"
    async with a_receiver(three) as url:
        delivery = await sent(version_3(url, "b"), a_batch_with_one_bad(4094))

    assert list(delivery.poisoned) == [4094]
    assert len(delivery.delivered) == 4999
    assert len(three.requests) <= 100


async def test_a_server_too_slow_to_find_the_point_is_told_with_what_it_says(
    three: Receiver,
) -> None:
    three.refuses = "total=-1"
    async with (
        a_receiver(three) as url,
        InfluxSink(version_3(url, "b"), budget=0, longest=0) as sink,
    ):
        delivery = await sink.send(a_batch_with_one_bad(0))

    assert "answers too slowly to find out which (partial write" in delivery.error
    assert (delivery.delivered, delivery.poisoned) == ((), {})


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, '{"code":"unauthorized","message":"unauthorized access"}', "does not accept"),
        (401, "", "; correct user and password_file, or token_file"),
        (403, "", "does not allow to write to the bucket b of o"),
        (403, "", "; give this user or token the right to write"),
        (404, "", "; create the bucket"),
        (404, '{"code":"not found","message":"bucket \\"b\\" not found"}', "knows no bucket b"),
        (429, "", "is busy (429)"),
        (503, "", "is busy (503); it is tried again"),
        (500, "oops", "fails (500): oops; look into the log of the server"),
        (400, "<html>Bad Request", "answers 400, and not about points"),
        (302, "", "answers 302, and not about points"),
    ],
)
async def test_trouble_of_the_target_sets_nothing_aside(
    three: Receiver, status: int, body: str, said: str
) -> None:
    three.answer = (status, body, {"Retry-After": "120"})
    async with a_receiver(three) as url:
        delivery = await sent(version_2(url, "o", "b", "t"), rows(a_point(), a_point(1)))

    assert said in delivery.error
    assert (delivery.delivered, delivery.poisoned) == ((), {})
    assert delivery.wait == timedelta(seconds=120)


async def test_a_point_too_large_for_the_server_is_set_aside(three: Receiver) -> None:
    three.largest = 300
    some = rows(a_point(0), a_point(1, user="x" * 500), a_point(2))
    async with a_receiver(three) as url:
        delivery = await sent(version_3(url, "d"), some)

    assert list(delivery.poisoned) == [1]
    assert delivery.delivered == (0, 2)


async def test_nothing_secret_is_shown() -> None:
    for place in (
        version_1("http://a", "d", ("u", "s3cret")),
        version_2("http://a", "o", "b", "s3cret"),
        version_3("http://a", "d", "s3cret"),
    ):
        hidden = ("s3cret", base64.b64encode(b"u:s3cret").decode())
        assert not any(secret in repr(place) for secret in hidden)
        sent_along = str(place.headers)  # what is looked for is what would be shown
        assert any(secret in sent_along for secret in hidden)
