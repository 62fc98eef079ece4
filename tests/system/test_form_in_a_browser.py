"""The form as a real browser shows it, looked at by axe: labels, contrast, focus, no way to scroll
sideways. Without Chromium, or without axe-core, which is nobody's to ship here, it says so.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import chromium
from tests.support.chromium import Page
from tests.system.desk import embedded

AXE = os.environ.get("TEST_DESK_AXE", "")
LOOKS = ((375, "de", False), (375, "en", True), (1280, "de", True), (1280, "en", False))
RUN = "axe.run().then(found => found.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"

pytestmark = [
    pytest.mark.skipif(
        chromium.program() is None,
        reason="there is no Chromium here (Debian: chromium), so nobody has seen the form",
    ),
    pytest.mark.skipif(
        not AXE, reason="TEST_DESK_AXE does not name axe-core's axe.min.js (npm: axe-core)"
    ),
]


async def test_axe_finds_nothing(tmp_path: Path) -> None:
    async with embedded(tmp_path, DESK_INTAKE_FORM_ADDRESS_RATE="0") as desk:
        await asyncio.to_thread(desk.start)
        (url,) = desk.addresses("intake")
        with chromium.browser(_made(tmp_path / "profile")) as page:
            await asyncio.to_thread(_look_at_all, page, url)


def _look_at_all(page: Page, url: str) -> None:
    axe = Path(AXE).read_text()
    for width, language, dark in LOOKS:
        page.looks(width=width, dark=dark)
        page.open(f"{url}/form?lang={language}")
        opened = time.monotonic()
        _look(page, axe, width)
        page.submit({"email": "erika@example", "text": ""})
        _look(page, axe, width)
        assert page.evaluate("document.activeElement.className") == "summary"
        assert page.evaluate("document.querySelectorAll('.error').length") == 2
        # Who is too quick is taken for a program.
        time.sleep(max(0.0, opened + 2.5 - time.monotonic()))
        page.submit({"email": "erika@example.org", "text": "Wann öffnen Sie?"})
        assert "/form/sent/" in page.evaluate("location.href")
        _look(page, axe, width)
        page.open(f"{url}/form/sent/nowhere?lang={language}")
        _look(page, axe, width)


def _look(page: Page, axe: str, width: int) -> None:
    page.evaluate(axe)
    found: Any = page.evaluate(RUN)
    where = page.evaluate("location.pathname + ' ' + document.title")
    assert found == [], f"{where} at {width} px: {found}"
    assert page.evaluate("document.documentElement.scrollWidth") <= width, where


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
