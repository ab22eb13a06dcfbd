"""The link as it is told, and five tabs that share one."""

from __future__ import annotations

import re
from collections.abc import Callable

import requests
from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.server import Board, record

Start = Callable[..., Board]


def streams(board: Board) -> int:
    """How many streams the server has open."""
    text = requests.get(f"{board.server.url}/metrics", timeout=10).text
    found = re.findall(r"^grist_live_viewers(?:\{[^}]*\})? ([\d.]+)", text, re.MULTILINE)
    return int(sum(map(float, found)))


def test_the_latency_is_measured(visit: Visit, own_server: Start) -> None:
    board = own_server(heartbeat=0.5)
    board.post(record(1))
    seen = visit().open(board.url)
    expect(seen.locator(".pill .latency")).to_have_text(re.compile(r"^\d+ ms$"))
    shown = int((seen.locator(".latency").inner_text()).split()[0])
    assert 1 <= shown < 500
    expect(seen.locator(".pill")).to_have_attribute("title", re.compile("95 changements sur 100"))


def test_five_tabs_share_one_stream(visit: Visit, own_server: Start) -> None:
    board = own_server(heartbeat=0.5)
    board.post(*(record(n) for n in range(1, 6)))
    visitor = visit()
    tabs = [visitor.open(board.url) for _ in range(5)]
    for tab in tabs:
        tab.link("live")
        tab.has_ids(5, 4, 3, 2, 1)
    assert streams(board) == 1
    board.post(record(2, "Bloqué", "Haute"))
    for tab in tabs:
        tab.has_ids(2, 5, 4, 3, 1)
        tab.until(lambda tab=tab: tab.seen("flashes"), [2])
    tabs[0].page.close()  # the one that reads
    for n in (3, 4):
        board.post(record(n, "Bloqué", "Urgente"))
    for tab in tabs[1:]:
        tab.has_ids(4, 3, 2, 5, 1)
        tab.link("live")
    tabs[1].until(lambda: streams(board), 1)
    late = visitor.open(board.url)
    late.has_ids(4, 3, 2, 5, 1)
    late.link("live")
    board.remove(4)
    for tab in [*tabs[1:], late]:
        tab.has_ids(3, 2, 5, 1)
    assert streams(board) == 1


def test_tabs_share_a_reset_and_an_outage(visit: Visit, own_server: Start) -> None:
    board = own_server()
    board.post(record(1), record(2))
    visitor = visit()
    visitor.guard.expect(r"Failed to load resource|net::ERR_")
    tabs = [visitor.open(board.url) for _ in range(2)]
    for tab in tabs:
        tab.link("live")
    board.commit(*(record(n, "En cours") for n in range(10, 611)))  # more than 500: one reset
    for tab in tabs:
        tab.counts(total=603)
        tab.link("live")
    board.server.kill()
    for tab in tabs:
        tab.link("offline")
    board.commit(record(1, "Bloqué", "Urgente"))
    board.server.start()
    for tab in tabs:
        tab.link("live", seconds=40)
        expect(tab.row(1).locator(".status")).to_have_text("Bloqué")


def test_without_locks_each_tab_has_its_own(visit: Visit, own_server: Start) -> None:
    board = own_server()
    board.post(record(1))
    visitor = visit()
    refuse = "navigator.locks.request = () => Promise.reject(new DOMException('no', 'SecurityError'))"
    visitor.context.add_init_script(refuse)
    tabs = [visitor.open(board.url) for _ in range(2)]
    for tab in tabs:
        tab.link("live")
    tabs[0].until(lambda: streams(board), 2)
    board.post(record(1, "Bloqué"))
    for tab in tabs:
        expect(tab.row(1).locator(".status")).to_have_text("Bloqué")


def test_a_link_without_pings_is_dead_within_45_seconds(visit: Visit, own_server: Start) -> None:
    board = own_server(heartbeat=3600)
    board.post(record(1))
    visitor = visit()
    page = visitor.page()
    page.clock.install()
    page.goto(board.url)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    page.clock.run_for(37_000)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    visitor.context.route("**/stream", lambda route: route.abort())
    visitor.guard.expect("net::ERR_FAILED")
    page.clock.run_for(8000)
    expect(page.locator("body")).to_have_attribute("data-link", "offline")
