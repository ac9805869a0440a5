"""What an answer said, fit for people: short, on one line, no web page, no secret."""

from __future__ import annotations

import re

LONGEST = 200
"""Characters of an error body that are kept."""

WEB_PAGE = "a web page instead of an answer of QRS"

_SECRETS = re.compile(
    r"-----BEGIN.*?(?:-----END[^-]*-----|\Z)"  # keys and certificates
    r"|eyJ[\w-]{5,}(?:\.[\w-]*)*"  # signed license keys and tokens (JWT)
    r"|(?i:bearer|basic)\s+[\w.~+/=-]{8,}"
    r"|(?i:pass(?:word|wd|phrase)?|secret|token|api[-_ ]?key|cookie|session(?:id)?)"
    r"[\"']?\s*[=:]\s*[\"']?[^\s\"',;&]+"
    r"|[A-Za-z0-9+/_-]{48,}={0,2}",  # anything long enough to be a key
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+")


def is_web_page(content_type: str, body: bytes) -> bool:
    """Tell a page for people, such as a login form, from an answer of QRS."""
    if "html" in content_type.lower():
        return True
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script"))


def short_text(content_type: str, body: bytes) -> str:
    """Return the start of an error body as one line of at most 200 characters."""
    if is_web_page(content_type, body):
        return WEB_PAGE
    text = _SECRETS.sub("(hidden)", body.decode("utf-8", errors="replace"))
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
