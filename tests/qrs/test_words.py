"""What people get to read of an error body."""

from __future__ import annotations

import pytest

from seatkeeper.qrs.words import LONGEST, WEB_PAGE, is_web_page, short_text

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ""),
        (b"  Missing\r\n\tparameter   value(s) ", "Missing parameter value(s)"),
        (b"XSRF prevention check failed.", "XSRF prevention check failed."),
        ("fünf".encode(), "fünf"),
        (b"\xff\xfe broken", "\ufffd\ufffd broken"),
        (b"red \x1b[31malert\x07", "red [31malert"),
        ("turned \u202earound".encode(), "turned around"),
    ],
)
def test_texts_are_one_plain_line(body: bytes, expected: str) -> None:
    assert short_text("text/plain", body) == expected


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJSUzUxMiJ9.eyJsaWNlbnNlIjoiMSJ9.c2lnbmF0dXJl",
        PEM,
        "password=hunter2",
        "Password: hunter2",
        '"password": "hunter2"',
        "pwd ok token=abc123abc123",
        "Authorization: Bearer abcdefgh12345678",
        "Cookie: X-Qlik-Session=8a1c",
        "A" * 60,
    ],
)
def test_secrets_are_hidden(secret: str) -> None:
    told = short_text("text/plain", f"it failed with {secret} there".encode())

    assert "(hidden)" in told
    for part in ("hunter2", "eyJ", "MIIE", "abc123", "abcdefgh", "8a1c", "AAAA"):
        assert part not in told


def test_long_texts_are_cut() -> None:
    assert len(short_text("text/plain", b"word " * 1000)) == LONGEST


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b""),
        ("application/xhtml+xml; charset=utf-8", b"x"),
        ("application/json", b"<!DOCTYPE html><html>"),
        ("text/plain", b"\xef\xbb\xbf \r\n<HTML><body>"),
    ],
)
def test_web_pages_are_recognised_and_not_shown(content_type: str, body: bytes) -> None:
    assert is_web_page(content_type, body)
    assert short_text(content_type, body) == WEB_PAGE


def test_json_is_no_web_page() -> None:
    assert not is_web_page("application/json;charset=utf-8", b'[{"name":"<html>"}]')
