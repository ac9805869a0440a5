"""What stands in the way of people on a page: axe-core's judgement, and scrolling sideways."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from browser import DESKTOP, NARROW, PHONE

LOOKS = tuple((size, scheme) for size in ("desktop", "phone") for scheme in ("light", "dark"))
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What the scheme can change; everything else is the same in light and dark."""

_SIZES = {"desktop": DESKTOP, "phone": PHONE}


def barriers(page: Page) -> list[str]:
    """Look at the open page in light and dark, wide and narrow; say every fault, grave or not."""
    found: list[str] = []
    page.evaluate(AXE_SCRIPT)
    for size, scheme in LOOKS:
        page.set_viewport_size(_SIZES[size])  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        asked = COLOURS if scheme == "dark" else {}
        answer = page.evaluate("asked => axe.run({resultTypes: ['violations'], ...asked})", asked)
        found += [_words(one, size, scheme, page.url) for one in answer["violations"]]
    found += _sideways(page)
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    return found


def _words(violation: dict[str, Any], size: str, scheme: str, url: str) -> str:
    nodes = "; ".join(f"{one['target']}: {one['html'][:160]}" for one in violation["nodes"][:3])
    impact, rule = violation["impact"], violation["id"]
    return f"{url} ({size}, {scheme}): {impact} {rule}, {violation['help']}: {nodes}"


def _sideways(page: Page) -> list[str]:
    """Say by how much a page of 320 px, or of a phone, has to be scrolled sideways."""
    found = []
    for size in (NARROW, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            found.append(f"{page.url}: {over} px wider than {size['width']}")
    return found
