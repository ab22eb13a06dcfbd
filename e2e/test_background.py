"""The dashboard in a tab that nobody sees, which browsers draw no frame of: it is heard all the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.conftest import FLAGS
from e2e.server import Board, fill, record
from e2e.tabs import Browser

WATCH = """
window.__told = [];
window.__frames = 0;
(function count() { __frames += 1; requestAnimationFrame(count); })();
window.Notification = class {
  constructor(title) { __told.push(title); }
  static permission = 'granted';
};
for (const choice of ['notices', 'sound']) localStorage.setItem(`grist-live:${choice}`, 'on');
"""


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "these tests need Chromium"
    browser = Browser(program, tmp_path / "profile", FLAGS)
    yield browser
    browser.close()


def test_a_hidden_tab_sounds_notifies_and_counts(chromium: Browser, board: Board) -> None:
    fill(board)
    witness = (Path(__file__).parent / "witness.js").read_text("utf-8")
    tab = chromium.open(before=f"if (location.protocol === 'http:') {{ {witness}; {WATCH} }}")
    tab("Page.navigate", url=board.url)
    tab.until("document.body?.dataset.link", "live")
    tab.click(60, 20)  # on the title: browsers allow sound after a click
    sound = "document.querySelector('[data-action=sound]').getAttribute('aria-label')"
    tab.until(f"!/clic|click/.test({sound})")
    tab.until("__seen.tones", 0)
    chromium.show(chromium.open())
    tab.until("document.hidden")
    tab.evaluate("window.__left = __frames")
    board.post(record(1, "En cours"))
    tab.until("__seen.tones", 2)
    tab.until("/^\\(1\\)/.test(document.title)")
    board.post(record(6, "En attente", "Urgente"), record(7, "En attente", "Urgente"))
    tab.until("__told.length", 2)
    tab.until("__seen.tones", 5)
    tab.until("/^\\(3\\)/.test(document.title)")
    board.post(record(8, "Bloqué", "Haute"))  # within the same second, or the next: by the timer, or at once
    tab.until("/^\\(4\\)/.test(document.title)")
    drawn = "document.querySelectorAll('[data-row=\"6\"]').length"
    assert tab.evaluate(f"[__frames - __left, {drawn}]") == [0, 0], "no frame has been drawn"
    chromium.show(tab)
    tab.until(drawn, 1)
    tab.until("document.querySelectorAll('.alert').length", 2)
    assert tab.evaluate("__told.length") == 2 and tab.evaluate("__seen.tones") < 9, "nothing is told twice"
