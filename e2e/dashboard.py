"""The dashboard as a test sees it, whether it fills a page or stands in a frame of Grist's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Locator, Page, expect

AXE = Path(__file__).parent.parent / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Dashboard:
    """Finds things by the widget's test hooks (widget_src/README.md)."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    @property
    def page(self) -> Page:
        return self.frame.page

    def locator(self, selector: str, has_text: str | None = None) -> Locator:
        return self.frame.locator(selector, has_text=has_text)

    def row(self, id: int) -> Locator:
        return self.locator(f'[data-row="{id}"]')

    def toast(self, row: int) -> Locator:
        return self.locator(f'.toast[data-toast-row="{row}"] .toast-text')

    def ids(self) -> list[int]:
        """The rows in sight, in the order in which they stand."""
        script = "rows => rows.sort((a, b) => a.ariaPosInSet - b.ariaPosInSet).map(row => Number(row.dataset.row))"
        found: list[int] = self.locator("[data-row]").evaluate_all(script)
        return found

    def has_ids(self, *ids: int) -> None:
        self.until(lambda: self.ids(), list(ids))

    def counts(self, **counts: int) -> None:
        """Wait until each count is as said."""
        for name, n in counts.items():
            expect(self.locator(f'[data-count="{name}"] .count-n')).to_have_text(str(n))

    def shown(self, n: int) -> None:
        expect(self.locator(".shown")).to_have_attribute("data-shown", str(n))

    def filter(self, name: str) -> None:
        self.locator(f'[data-filter="{name}"]').click()

    def view(self, name: str) -> None:
        self.locator(f'[data-view="{name}"]').first.click()
        expect(self.locator("main")).to_have_attribute("data-view", name)

    def open(self, row: int) -> Locator:
        """Open a row; return its panel."""
        self.locator(f'[data-open="{row}"]').click()
        panel = self.locator(f'.detail[data-detail="{row}"]')
        expect(panel).to_be_visible()
        return panel

    def changes(self) -> list[str]:
        """The timeline's entries, newest first, as text."""
        texts = self.locator(".timeline .change").all_inner_texts()
        return [" ".join(text.split()) for text in texts]

    def do(self, action: str) -> Locator:
        """Click what does this."""
        button = self.locator(f'[data-action="{action}"]')
        button.click()
        return button

    def query(self) -> str:
        """What the page's address says of views and filters."""
        return self.page.url.partition("?")[2]

    def link(self, kind: str, seconds: float = 20) -> None:
        expect(self.locator("body")).to_have_attribute("data-link", kind, timeout=seconds * 1000)
        expect(self.locator(".pill")).to_have_attribute("data-link", kind)

    def seen(self, what: str) -> Any:
        """What the witness saw since the page was loaded: flashes (row ids), toasts, links; the number of tones."""
        return self.frame.evaluate(f"__seen.{what}")

    def until(self, get: Callable[[], Any], wanted: Any = True, seconds: float = 10) -> None:
        """Ask again until the answer is the wanted one: the page's CSP forbids wait_for_function."""
        deadline = time.monotonic() + seconds
        while (found := get()) != wanted:
            assert time.monotonic() < deadline, f"after {seconds} s it is {found!r}, not {wanted!r}"
            self.page.wait_for_timeout(50)

    def after_two_frames(self) -> None:
        """Return when all that came until now has been drawn: for tests that something does *not* happen."""
        self.frame.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def fits(self) -> None:
        """Nothing sticks out to the right, and no text is drawn over the edge of its card, or of its row."""
        # Not innerWidth: a phone zooms out until all is in sight, and innerWidth grows with it.
        wide, inner = self.frame.evaluate(
            "[document.scrollingElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= inner, f"the page is {wide} px wide in a window of {inner} px"
        # What is out of sight (content-visibility) has no layout to speak of.
        out = """cards => cards.filter(card => card.checkVisibility({contentVisibilityAuto: true}))
          .flatMap(card => [...card.querySelectorAll('p, .card span, time')].filter(part => {
          const inner = part.getBoundingClientRect();
          const spills = getComputedStyle(part).overflowX === 'visible' && part.scrollWidth > part.clientWidth + 1;
          const over = [card, card.closest('.row')].map(one => one.getBoundingClientRect()).some(outer =>
            inner.right > outer.right + 1 || inner.left < outer.left - 1
            || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1);
          return spills && part.clientWidth || over && inner.width;
        }).map(part => part.className + ': ' + part.textContent.slice(0, 60)))"""
        spilt = self.locator(".card").evaluate_all(out)
        assert not spilt, spilt

    def background(self) -> int:
        """How light the page is: the sum of red, green and blue, 0 to 765."""
        color = "getComputedStyle(document.querySelector('.head')).backgroundColor"
        canvas = f"""(() => {{ const pen = new OffscreenCanvas(1, 1).getContext('2d'); pen.fillStyle = {color};
          pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); }})()"""
        return sum(self.frame.evaluate(canvas))

    def accessible(self) -> None:
        """axe-core finds nothing, once all that fades or slides has come to rest."""
        moving = "document.getAnimations().filter(a => a.effect.getComputedTiming().endTime < 1e6).length"
        self.until(lambda: self.frame.evaluate(moving), 0)
        if not self.frame.evaluate("'axe' in window"):
            self.frame.evaluate(AXE.read_text("utf-8"))
        found = self.frame.evaluate(f"axe.run(document, {{runOnly: {json.dumps(RULES)}}})")
        assert found["passes"], "axe looked at nothing"
        faults = [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found["violations"]]
        assert not faults, json.dumps(faults, ensure_ascii=False, indent=1)
