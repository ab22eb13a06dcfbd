"""Cells are written by anyone who may edit the table: whatever stands in them is text, and stays in its place."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from e2e import document
from e2e.conftest import Visit, Visitor
from e2e.dashboard import Dashboard
from e2e.server import Board, record
from e2e.site import Site

HOSTILE: dict[str, Any] = {
    "script": "<script>window.pwned = 1; alert(1)</script>",
    "end of script": "</script><script>window.pwned = 1</script>",
    "image": '"><img src=x onerror="window.pwned = 1; alert(1)">',
    "svg": "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s>",
    "frame": "<iframe srcdoc='<script>parent.pwned = 1</script>'></iframe>",
    "address": "javascript:alert(1)",
    "style": "</style><style>* { display: none !important; background: url(//evil.example/x) }</style>",
    "attribute": "x' style='position:fixed;inset:0;z-index:99' onmouseover='alert(1)",
    "templates": "{{ 7 * 7 }} ${alert(1)} <%= 1 %> {% raw %} #{1} {n} {who} $& $1 \\u003c",
    "marker": "<!--?lit$000000000$--> ?lit$1$ <!-- --> <![CDATA[ &lt;b&gt; &#x3c;",
    "right to left": "\u202e\u2067txt.exe\u200f\u202d עברית العربية",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🇫🇷 " + "Z\u0351\u036b\u0343\u0363\u0315\u0322" * 20,
    "line ends": "one\r\ntwo\u2028three\u2029four\tfive\x0bsix\x0c\x85",
    "events": "x\n\nevent: reset\ndata: {}\n\nid: 1-1",
    "long word": "W" * 2000,
    "100 kB": "long " * 20_000,
    "not text": ["L", "<b>a</b>", 1, None],
    "object": {"toString": "x", "__proto__": {"polluted": 1}},
    "error": ["E", "<script>alert(1)</script>"],
    "number": 1e308,
    "truth": True,
}
TEXT_COLUMNS = ("ID2", "Agent", "Localisation", "Type", "Statut", "Priorite", "Commentaire")
FOUND = """() => ({
  elements: [...document.querySelectorAll('#app :is(script, img, iframe, style, animate, a, link, meta, base)')]
    .map(e => e.outerHTML),
  scripts: document.scripts.length,
  pwned: window.pwned ?? null,
  polluted: ({}).polluted ?? null,
  handlers: [...document.querySelectorAll('#app *')].flatMap(e => [...e.attributes].map(a => a.name))
    .filter(name => name.startsWith('on')),
})"""


def hostile_record(id: int | str, value: Any, **fields: Any) -> dict[str, Any]:
    return record(id) | dict.fromkeys(TEXT_COLUMNS, value) | fields


def harmless(seen: Dashboard, scripts: int = 2) -> None:
    """No cell became an element, ran, or pushed anything out of its place. Dialogs are the guard's."""
    found = seen.frame.evaluate(FOUND)
    assert found == {"elements": [], "scripts": scripts, "pwned": None, "polluted": None, "handlers": []}
    seen.fits()


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_hostile_cells_stay_text(visit: Visit, board: Board, phone: bool) -> None:
    board.post(*(hostile_record(id, value) for id, value in enumerate(HOSTILE.values(), start=1)))
    seen = visit(phone=phone, height=2000).open(board.url)
    seen.filter("all")
    seen.shown(len(HOSTILE))
    seen.link("live")
    for id, value in [] if phone else enumerate(HOSTILE.values(), start=1):
        if isinstance(value, str):
            shown = " ".join((seen.row(id).locator(".place").text_content() or "").removesuffix("…").split())
            assert shown == " ".join(value[:400].split()), "the text is there as it was written"
    harmless(seen)


def test_hostile_edits_stay_text_in_toasts_and_for_who_listens(visit: Visit, board: Board) -> None:
    board.post(*(record(id) for id in range(1, len(HOSTILE) + 1)))
    seen = visit(height=2000).open(board.url)
    seen.link("live")
    board.post({"id": "<img src=x onerror=alert(1)>", "fields": hostile_record("x", HOSTILE["image"])})
    expect(seen.locator('.toast[data-toast="test"] .toast-text')).to_contain_text("<img src=x onerror=")
    for id, name in enumerate(["script", "templates", "long word"], start=1):  # more would be told as one number
        board.post(hostile_record(id, HOSTILE[name]))
        expect(seen.toast(id)).to_contain_text(HOSTILE[name][:40])
        harmless(seen)
    for id, value in enumerate(HOSTILE.values(), start=1):
        board.post(hostile_record(id, value))
    seen.until(lambda: len(set(seen.seen("flashes"))), len(HOSTILE))
    harmless(seen)
    board.remove(1)
    expect(seen.row(1)).to_have_count(0)
    harmless(seen)


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_hostile_cells_stay_text_in_every_view(visit: Visit, board: Board, phone: bool) -> None:
    ids = range(1, len(HOSTILE) + 1)
    board.post(*(hostile_record(id, value) for id, value in zip(ids, HOSTILE.values(), strict=True)))
    board.post(*(hostile_record(id, value) for id, value in zip([*ids[1:], 1], HOSTILE.values(), strict=True)))
    seen = visit(phone=phone, height=1200).open(f"{board.url}?view=kanban&show=all")
    seen.link("live")
    end = "document.querySelector('[data-action=more-cards], [data-action=older]')?.scrollIntoView()"
    seen.until(lambda: seen.frame.evaluate(end) or seen.locator("[data-row]").count(), len(HOSTILE))
    harmless(seen)
    seen.view("timeline")
    seen.until(lambda: seen.frame.evaluate(end) or seen.locator(".timeline .change").count(), 2 * len(HOSTILE))
    harmless(seen)
    for id in ids:
        seen.page.goto(f"{board.url}?show=all&row={id}")
        expect(seen.locator(".detail .change")).to_have_count(2)
        harmless(seen)
    seen.page.goto(f"{board.url}?show=all")
    seen.do("filters")
    expect(seen.locator(".facet").first).to_be_visible()
    harmless(seen)
    for chips in (1, 2, 3):
        seen.locator('[data-facet="kind"] input[type=checkbox]:not(:checked)').first.click()
        expect(seen.locator(".chip")).to_have_count(chips)
    harmless(seen)


def test_a_hostile_alert_stays_text(visit: Visit, board: Board) -> None:
    board.post(record(1))
    seen = visit().open(board.url)
    seen.link("live")
    for id, name in enumerate(["image", "right to left", "100 kB"], start=2):
        board.post(hostile_record(id, HOSTILE[name], Statut="En attente", Priorite="Urgente"))
        expect(seen.locator(f'.alert[data-toast-row="{id}"]')).to_be_visible()
        harmless(seen)
    board.post({"id": 2, "fields": {"Statut": "En cours", "Agent": HOSTILE["script"]}})
    expect(seen.toast(2)).to_contain_text(HOSTILE["script"])
    harmless(seen)


def test_one_hostile_cell_leaves_the_others_alone(visit: Visit, board: Board) -> None:
    """A right-to-left override in one cell turns no other cell of the row or toast around."""
    board.post(record(1, "En cours", Agent="Zoé"))
    seen = visit().open(board.url)
    seen.link("live")
    board.post(record(1, "Bloqué", Agent="\u202eZoé", Localisation="Gap"))
    expect(seen.toast(1)).to_have_text("\u202eZoé : Gap → Bloqué")
    order = """toast => { const boxes = [...toast.querySelectorAll('bdi')].map(b => b.getBoundingClientRect().left);
      return boxes.length === 3 && boxes[0] < boxes[1] && boxes[1] < boxes[2]; }"""
    assert seen.toast(1).evaluate(order), "who, place and status stand in this order"


@pytest.mark.parametrize(
    "query",
    [
        "kind=<img src=x onerror=alert(1)>&q=</script>&view=%3Cb%3E&row=1",
        "token=</script><script>alert(1)</script>",
        "language=<img src=x>",
        "token=%22%5D%7D%3C!--%00%0A",
    ],
)
def test_a_hostile_address_stays_text(visit: Visit, board: Board, query: str) -> None:
    board.post(record(1))
    seen = visit().open(f"{board.url}?{query}")
    seen.link("live")
    seen.shown(0 if "kind" in query else 1)
    harmless(seen)


def test_hostile_cells_stay_text_inside_grist(colleague: Visitor, board: Board, grist: Site, tmp_path: Any) -> None:
    texts = [value for value in HOSTILE.values() if isinstance(value, str)]
    cells = {id: dict.fromkeys(TEXT_COLUMNS, value) for id, value in enumerate(texts, start=1)}
    widget = f"{board.server.url}/widgets/dashboard.html"
    grist.documents["hostile.grist"] = document.prepare(tmp_path, widget, {"stream": board.stream}, cells=cells)
    seen = colleague.open_in_grist(f"{grist.url}/open/hostile.grist", height=2400)
    seen.filter("all")
    seen.shown(40)
    seen.link("live")
    harmless(seen, scripts=3)  # the third is Grist's plugin API
    board.post(hostile_record(1, "x", Statut="En cours"))
    expect(seen.row(1).locator(".status")).to_have_text("In progress")
    harmless(seen, scripts=3)
