"""The server dies, Redis dies, another server takes over: the dashboard tells it, keeps its rows, misses nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from e2e.conftest import Visit, Visitor
from e2e.dashboard import Dashboard
from e2e.server import Board, record
from tests.redis_server import RedisServer

Start = Callable[..., Board]
NETWORK = r"Failed to load resource|net::ERR_"


def watch(visitor: Visitor, board: Board) -> Dashboard:
    board.post(*(record(n) for n in range(1, 6)))
    visitor.guard.expect(NETWORK)
    seen = visitor.open(board.url)
    seen.has_ids(5, 4, 3, 2, 1)
    seen.link("live")
    return seen


def test_a_killed_server_is_told_and_nothing_is_lost(visit: Visit, own_server: Start) -> None:
    board = own_server()
    there = own_server(name=board.name)  # another server of the same board
    seen, other = watch(visit(), board), visit().open(there.url)
    other.link("live")
    there.post(record(2, "Bloqué", "Urgente"))
    for one in (seen, other):
        one.has_ids(2, 5, 4, 3, 1)
        expect(one.toast(2)).to_contain_text("→ Bloqué")
    board.server.kill()
    seen.link("offline")
    expect(seen.locator(".pill")).to_have_text(re.compile(r"^Hors ligne depuis \d\d:\d\d"))
    seen.has_ids(2, 5, 4, 3, 1)
    there.post(record(1, "En cours"))
    board.commit(record(9, "Bloqué", "Urgente"))
    board.remove(3)
    other.has_ids(9, 2, 5, 4, 1)
    board.server.start()
    seen.link("live", seconds=40)  # by itself
    seen.has_ids(9, 2, 5, 4, 1)
    expect(seen.row(1).locator(".status")).to_have_text("En cours")
    for one in (seen, other):
        one.counts(total=5, urgent=2, active=1, blocked=2, waiting=2)
    assert {1, 9} <= set(seen.seen("flashes"))
    caught_up = [toast for toast in seen.seen("toasts") if toast["kind"] == "caughtUp"]
    assert [toast["text"] for toast in caught_up] == ["3 changements rattrapés"]
    assert seen.seen("links")[:4] == ["connecting", "live", "connecting", "offline"]
    board.post(record(1, "Terminé"))
    for one in (seen, other):
        one.has_ids(9, 2, 5, 4)


def test_redis_away_is_told_and_it_resumes(visit: Visit, own_server: Start, own_redis: RedisServer) -> None:
    board = own_server(own_redis.url)
    seen = watch(visit(), board)
    own_redis.kill()
    seen.link("degraded")
    expect(seen.locator(".pill")).to_have_text(re.compile(r"^En pause depuis \d\d:\d\d"))
    seen.has_ids(5, 4, 3, 2, 1)
    own_redis.start()
    seen.link("live", seconds=40)
    seen.has_ids(5, 4, 3, 2, 1)
    board.post(record(3, "Bloqué", "Urgente"))
    seen.has_ids(3, 5, 4, 2, 1)
    expect(seen.toast(3)).to_contain_text("→ Bloqué")
    assert "offline" not in seen.seen("links"), "the stream stays open while Redis is away"


def test_redis_that_comes_back_empty_is_filled_anew(visit: Visit, own_server: Start, own_redis: RedisServer) -> None:
    board = own_server(own_redis.url)
    seen = watch(visit(), board)
    own_redis.restart(empty=True)
    seen.counts(total=0)
    expect(seen.locator(".empty")).to_contain_text("Rien pour l’instant")
    board.post(record(7, "En cours"))
    seen.has_ids(7)
    seen.link("live")


def test_a_page_opened_while_the_server_is_away_fills_by_itself(visit: Visit, own_server: Start) -> None:
    board = own_server()
    board.post(record(1))
    visitor = visit()
    visitor.guard.expect(NETWORK, "status of 503")
    visitor.context.route("**/snapshot", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}))
    seen = visitor.open(board.url)
    seen.link("offline")
    expect(seen.locator("main")).to_have_attribute("aria-busy", "true")
    notice = seen.locator(".notice[role=alert]")
    expect(notice).to_contain_text("Le serveur ne répond pas")
    seen.accessible()
    retry = notice.locator("[data-action=retry]")
    with seen.page.expect_request("**/snapshot"):
        retry.click()
    expect(retry).to_be_focused()  # it is still there: that attempt has failed, too
    expect(seen.locator(".pill")).to_have_attribute("data-link", "offline")
    visitor.context.unroute("**/snapshot")
    retry.click()
    seen.has_ids(1)
    seen.link("live")
    expect(notice).to_have_count(0)


def test_a_click_tries_again_while_a_server_hangs(visit: Visit, own_server: Start) -> None:
    board = own_server()
    visitor = visit()
    seen = watch(visitor, board)
    hanging: list[str] = []
    visitor.context.route("**/stream", lambda route: hanging.append(route.request.url))  # accepted, never answered
    board.server.kill()
    seen.link("offline")
    board.server.start()
    seen.until(lambda: len(hanging) > 0, seconds=40)
    visitor.context.unroute("**/stream")
    asked = len(hanging)
    seen.locator(".pill").click()
    seen.link("live", seconds=10)  # the limit of 15 s is for who doesn't click
    assert len(hanging) == asked
