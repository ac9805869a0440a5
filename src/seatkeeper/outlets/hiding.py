"""What others say of an address, without what may be secret in it: every part but the host."""

from __future__ import annotations

import html
import re
from urllib.parse import quote, unquote, urlsplit

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+|localhost", re.IGNORECASE)
_PLACE = "\0"
_SHORTEST_HIDDEN = 4
"""Shorter parts of an address are words such as `in` or `v2`; a password is hidden always."""


def without_secrets(text: str, url: str, *words: str) -> str:
    """Return a text without any part of the URL but the name of a host, and without these words."""
    host, login = _host_and_login(url)
    parts = re.split(r"[/?&=@:,;#]+", url.partition("://")[2])
    hidden = {part for part in parts if len(unquote(part)) >= _SHORTEST_HIDDEN}
    text = text.replace(host, _PLACE) if host else text
    forms = {form for part in {*hidden, *login, *words} for form in _forms(part)}
    for form in sorted(forms, key=len, reverse=True):
        text = _without(text, form)
    return text.replace(_PLACE, host)


def _forms(part: str) -> set[str]:
    """Return how a service may write a part of an address."""
    plain = unquote(part)
    return {part, plain, quote(plain, safe=""), html.escape(plain)} - {""}


def _without(text: str, form: str) -> str:
    if len(form) >= _SHORTEST_HIDDEN:
        return text.replace(form, "…")
    return re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "…", text)


def _host_and_login(url: str) -> tuple[str, tuple[str, ...]]:
    try:
        split = urlsplit(url)
        host = split.hostname or ""
    except ValueError:
        return "", ()
    login = tuple(part for part in (split.username, split.password) if part)
    return (host if _HOST.fullmatch(host) else ""), login
