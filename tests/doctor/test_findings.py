"""The doctor finds what is wrong, each thing by its id, and nothing in a world that is right."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from grist_live.doctor import CHECKS, KINDS, Finding
from grist_live.doctor import store as store_checks
from grist_live.doctor.address import check_address
from tests.doctor.world import HEARTBEAT, HELLO, World
from tests.redis_server import free_port
from tests.standin_grist import EDITOR, VIEWER

Break = Callable[[World], object]


class Stub:
    """A Redis that says what it is told."""

    def __init__(self, **info: Any) -> None:
        self.told = {"redis_version": "7.2.0", "aof_enabled": 1} | info

    def info(self) -> dict[str, Any]:
        return self.told

    def close(self) -> None: ...


def redis_says(monkeypatch: pytest.MonkeyPatch, **info: Any) -> None:
    monkeypatch.setattr(store_checks, "connect", lambda url: Stub(**info))


def evict(world: World) -> None:
    world.journal.redis.config_set("maxmemory-policy", "allkeys-lru")
    world.journal.redis.config_set("maxmemory", "100mb")


def fill(world: World) -> None:
    used = world.journal.redis.info("memory")["used_memory"]
    world.journal.redis.config_set("maxmemory", int(used * 1.05))


def set_column(world: World, name: str, **fields: Any) -> None:
    for key, value in fields.items():
        setattr(world.column(name), key, value)


def hang(out: Any, over: Any) -> None:
    over.wait(5)


def greet_and_hang(out: Any, over: Any) -> None:
    out.write(HELLO)
    over.wait(5)


def greet_and_end(out: Any, over: Any) -> None:
    out.write(HELLO)


def failing(world: World, **fields: Any) -> None:
    other = world.other_webhook("https://other.example/hook", **fields)
    world.doc.queue.usage[other] = {"status": "retrying", "lastHttpStatus": 500}


def waiting(world: World, count: int) -> None:
    world.doc.queue.waiting = lambda id: count  # type: ignore[method-assign]


BROKEN: dict[str, Break] = {
    "configuration-problem": lambda w: w.problem("weak-secret"),
    "redis-away": lambda w: w.change(redis_url=f"redis://127.0.0.1:{free_port()}"),
    "redis-evicts": evict,
    "redis-full": fill,
    "redis-forgets": lambda w: w.journal.redis.config_set("save", ""),
    "redis-replica": lambda w: w.journal.redis.replicaof("127.0.0.1", str(free_port())),
    "web-missing": lambda w: w.journal.redis.delete("grist-live:web"),
    "work-missing": lambda w: w.journal.redis.delete("grist-live:work"),
    "document-unset": lambda w: w.change_board(doc=""),
    "document-not-found": lambda w: w.change_board(doc="noSuchDocument0000000"),
    "grist-away": lambda w: w.change(grist_url=f"http://127.0.0.1:{free_port()}"),
    "grist-fails": lambda w: w.grist.fail(502, times=99, body=b"<html>", content_type="text/html"),
    "key-missing": lambda w: w.change(grist_api_key=""),
    "key-refused": lambda w: w.change(grist_api_key="replaced"),
    "key-no-access": lambda w: w.change(grist_api_key="outsider-key"),
    "role-limited": lambda w: w.change(grist_api_key=EDITOR),
    "reads-partly": lambda w: w.grist.partial_readers.add("owner-key"),
    "table-missing": lambda w: w.doc.apply([["RenameTable", "Interventions", "Travaux"]]),
    "column-missing": lambda w: w.doc.apply([["RemoveColumn", "Interventions", "Statut"]]),
    "column-renamed": lambda w: w.doc.apply([["RenameColumn", "Interventions", "Localisation", "Adresse"]]),
    "column-type": lambda w: set_column(w, "Agent", type="Ref:Agents"),
    "now-formula": lambda w: w.doc.apply(
        [["AddColumn", "Interventions", "Heure", {"type": "Any", "formula": "NOW ( )"}]]
    ),
    "updated-at": lambda w: set_column(w, "Derniere_MAJ", recalc_when=0),
    "webhook-missing": lambda w: w.doc.webhooks.all.clear(),
    "webhook-disabled": lambda w: w.webhook().update(enabled=False),
    "webhook-duplicate": lambda w: w.other_webhook(w.webhook()["url"]),
    "webhook-secret": lambda w: w.webhook().update(authorization="Bearer something else"),
    "webhook-table": lambda w: w.webhook().update(table=w.doc.tables["Table1"].ref, watched=[], ready=0),
    "webhook-events": lambda w: w.webhook().update(eventTypes=["add"]),
    "webhook-condition": lambda w: w.webhook().update(ready=w.column("Statut").ref),
    "webhook-columns": lambda w: w.webhook().update(watched=[]),
    "webhook-failing": lambda w: w.usage(status="retrying", lastHttpStatus=404),
    "webhook-waiting": lambda w: waiting(w, 150),
    "webhook-blocked": failing,
    "webhook-domain": lambda w: setattr(w.doc.webhooks, "allowed_domains", "other.example"),
    "address-unresolved": lambda w: w.change(public_url="http://no-such-name.invalid"),
    "address-plain": lambda w: w.change(public_url="http://10.255.255.1:9"),
    "address-silent": lambda w: w.change(public_url=f"http://127.0.0.1:{free_port()}"),
    "address-other": lambda w: setattr(w.server, "health", None),
    "stream-refused": lambda w: setattr(w.server, "status", 401),
    "stream-held": lambda w: setattr(w.server, "stream", hang),
    "stream-cut": lambda w: setattr(w.server, "stream", greet_and_end),
    "stream-quiet": lambda w: setattr(w.server, "stream", greet_and_hang),
    "websocket-missing": lambda w: setattr(w.grist.live, "refuse", 400),
    "source-deaf": lambda w: w.work_says(source="webhook only", why="no websocket"),
    "source-failing": lambda w: w.work_says(source="watch", error="Grist at … can't be reached"),
    "page-missing": lambda w: w.change_widget(url="https://elsewhere.example/other.html"),
    "page-elsewhere": lambda w: w.change_widget(url="https://old.example/widgets/dashboard.html"),
    "page-token": lambda w: w.change_widget(widgetOptions={"token": "expired"}),
    "page-limited": lambda w: w.change_board(access="grist"),
    "page-full": lambda w: w.change_widget(access="full"),
    "check-failed": lambda w: w.grist.fail(500, times=99, path="/columns"),
}
"""What is done to a healthy world so that the finding comes. Those that need more have a test of their own."""
ELSEWHERE = {"clock-skew", "redis-old", "redis-save-failing", "address-local", "address-private"}


def test_each_kind_of_finding_has_a_test() -> None:
    ok = {id for id, kind in KINDS.items() if kind.severity == "ok"}
    assert BROKEN.keys() | ELSEWHERE | ok == KINDS.keys()


def test_a_healthy_world_is_found_healthy(world: World) -> None:
    findings = world.examine()
    assert [f for f in findings if f.severity != "ok"] == []
    assert {f.id for f in findings} == {id for id, kind in KINDS.items() if kind.severity == "ok"}


@pytest.mark.parametrize("id", BROKEN)
def test_what_is_broken_is_found(id: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    BROKEN[id](world)
    quick = id != "stream-cut" and id != "stream-quiet"
    monkeypatch.setattr("grist_live.doctor.stream.GRACE", 0.3)
    findings = [f for f in world.examine(quick=quick) if f.id == id]
    assert findings
    for finding in findings:
        assert finding.hint and finding.message
        assert finding.severity == KINDS[id].severity or id in ("configuration-problem", "webhook-missing")


def one(findings: list[Finding], id: str) -> Finding:
    return next(f for f in findings if f.id == id)


# What depends on more


def test_an_old_redis_and_one_that_can_not_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    redis_says(monkeypatch, redis_version="6.0.16")
    assert "6.0.16" in one(list(store_checks.check_redis(world.patient())), "redis-old").message
    redis_says(monkeypatch, redis_version="6.2.0")
    assert [f.id for f in store_checks.check_redis(world.patient())] == ["redis"]
    redis_says(monkeypatch, aof_last_write_status="err")
    assert "append-only" in one(list(store_checks.check_redis(world.patient())), "redis-save-failing").message
    redis_says(monkeypatch, aof_enabled=0, rdb_last_bgsave_status="err")
    assert "snapshot" in one(list(store_checks.check_redis(world.patient())), "redis-save-failing").message


def test_eviction_without_a_limit_is_a_warning(world: World) -> None:
    world.journal.redis.config_set("maxmemory-policy", "allkeys-lru")
    assert one(world.examine(quick=True), "redis-evicts").severity == "warning"


@pytest.mark.parametrize(
    ("ours", "grist", "expected"),
    [
        ("http://localhost:8484", "https://93.184.215.14", {"address-local"}),
        ("http://0.0.0.0:8484", "https://93.184.215.14", {"address-local"}),
        ("http://localhost:8484", "http://127.0.0.1:8080", set()),
        ("https://10.255.255.1", "https://93.184.215.14", {"address-private"}),
        ("https://10.255.255.1", "https://10.255.255.2", set()),
        ("http://10.255.255.1", "http://10.255.255.2", {"address-plain"}),
    ],
)
def test_addresses_that_lead_nowhere_from_outside(ours: str, grist: str, expected: set[str], world: World) -> None:
    world.change(public_url=ours, grist_url=grist)
    ids = {f.id for f in check_address(world.patient(timeout=0.2))}
    assert ids - {"address-silent", "address-other", "address"} == expected


@pytest.mark.parametrize(("count", "severity"), [(99, None), (100, "warning"), (499, "warning"), (500, "error")])
def test_many_waiting_events_come_near_the_block(count: int, severity: str | None, world: World) -> None:
    waiting(world, count)
    found = [f.severity for f in world.examine(quick=True) if f.id == "webhook-waiting"]
    assert found == ([severity] if severity else [])


def test_a_webhook_that_misses_columns_is_an_error(world: World) -> None:
    world.webhook()["watched"] = [world.column("Statut").ref]
    finding = one(world.examine(quick=True), "webhook-columns")
    assert finding.severity == "error" and "Priorite" in finding.message


def test_no_webhook_is_an_error_only_where_one_can_not_watch(world: World) -> None:
    world.doc.webhooks.all.clear()
    assert one(world.examine(quick=True), "webhook-missing").severity == "warning"
    world.grist.partial_readers.add("owner-key")
    assert one(world.examine(quick=True), "webhook-missing").severity == "error"


def test_a_disabled_webhook_of_others_blocks_nobody(world: World) -> None:
    failing(world, enabled=False)
    assert "webhook-blocked" not in world.ids(quick=True)


def test_a_viewers_key_is_enough_for_all_but_webhooks(world: World) -> None:
    world.change(grist_api_key=VIEWER)
    ids = world.ids(quick=True)
    assert {"document", "role-limited", "reads-all", "table", "columns", "websocket", "page"} <= ids
    assert not [id for id in ids if id.startswith("webhook")]


def test_a_widget_from_the_gallery_has_no_address_of_its_own(world: World) -> None:
    url = f"{world.server.url}/widgets/dashboard.html"
    world.change_widget(url=None, widgetId="@grist-live/dashboard", widgetDef={"url": url})
    assert "page" in world.ids(quick=True)


def test_a_clock_behind_and_one_ahead(world: World) -> None:
    for offset, where in ((-60, "ahead of"), (60, "behind")):
        patient = world.patient(clock=lambda offset=offset: time.time() + offset)  # type: ignore[misc]
        findings = list(CHECKS[3](patient))
        patient.close()
        message = one(findings, "clock-skew").message
        assert where in message and any(f"{n} s" in message for n in (58, 59, 60, 61))


# Nothing stops it, nothing is changed


def test_everything_broken_is_findings_and_no_traceback(world: World) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    world.change(redis_url=f"redis://127.0.0.1:{free_port()}", grist_url=nowhere, public_url=nowhere, token_keys=())
    ids = world.ids()
    assert {"redis-away", "grist-away", "address-silent"} <= ids
    assert "check-failed" not in ids


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_whatever_grist_answers_there_are_only_findings(status: int, world: World) -> None:
    world.grist.fail(status, times=500)
    findings = world.examine(quick=True)
    assert any(f.id in ("grist-fails", "key-refused", "key-no-access", "document-not-found") for f in findings)
    assert "check-failed" not in {f.id for f in findings}


@pytest.mark.parametrize("path", ["/tables", "/columns", "/webhooks", "/compare", "/records"])
def test_an_answer_of_another_shape_breaks_one_check(path: str, world: World) -> None:
    world.grist.fail(200, times=500, path=path, body={"something": "else"})
    findings = world.examine(quick=True)
    assert {"redis", "document", "address", "stream"} <= {f.id for f in findings}
    assert [f for f in findings if f.id == "check-failed"] or path == "/compare"


def test_it_changes_nothing_and_never_asks_twice_at_once(world: World) -> None:
    before = (
        [(s["n"], s["h"]) for s in world.doc.history.states()],
        dict(world.doc.webhooks.all),
        world.journal.redis.dbsize(),
    )
    busiest = 0
    run = world.grist.take_fault

    def count(method: str, path: str) -> Any:
        nonlocal busiest
        busiest = max(busiest, sum(world.grist.running.values()) + 1)
        return run(method, path)

    world.grist.take_fault = count  # type: ignore[method-assign]
    world.grist.requests.clear()
    world.examine()
    after = (
        [(s["n"], s["h"]) for s in world.doc.history.states()],
        dict(world.doc.webhooks.all),
        world.journal.redis.dbsize(),
    )
    assert after == before
    # The one that isn't a GET has no events, which Grist always refuses.
    assert [(m, b["webhooks"][0]["fields"]["eventTypes"]) for m, _, b in world.grist.changes()] == [("POST", [])]
    assert busiest <= 2
    assert len(world.grist.requests) <= 12


def test_what_was_found_has_no_secret(world: World) -> None:
    world.webhook()["authorization"] = "Bearer secret-of-somebody"
    world.change_widget(widgetOptions={"token": "secret-token", "stream": "https://x.example/s?token=secret-token"})
    text = " ".join(str(f) for f in world.examine(quick=True))
    for secret in ("secret-", *world.settings.webhook_secret, *world.settings.token_keys, world.settings.grist_api_key):
        assert secret not in text


def test_a_quick_look_waits_for_no_ping(world: World) -> None:
    world.change(heartbeat=60.0)
    world.server.stream = greet_and_hang
    began = time.monotonic()
    assert "stream" in world.ids(quick=True)
    assert time.monotonic() - began < 5
    assert HEARTBEAT < 1


# What looks alike, and isn't


def test_a_process_that_stopped_telling_is_gone(world: World) -> None:
    world.journal.redis.hset("grist-live:work", "host:1", json.dumps({"at": time.time() - 60}))
    assert "processes" in world.ids(quick=True), "one lives"
    world.journal.redis.delete("grist-live:work")
    world.journal.redis.hset("grist-live:work", "host:1", json.dumps({"at": time.time() - 60}))
    ids = world.ids(quick=True)
    assert "work-missing" in ids and "processes" not in ids


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_proxy_that_refuses_is_not_grist(status: int, world: World) -> None:
    world.grist.fail(status, times=9, body=b"<html>", content_type="text/html")
    ids = world.ids(quick=True)
    assert "grist-fails" in ids and not ids & {"key-refused", "key-no-access", "document-not-found"}


def test_what_is_no_document_id_is_not_found(world: World) -> None:
    world.change_board(doc="a/b")
    ids = world.ids(quick=True)
    assert "document-not-found" in ids and not ids & {"grist-away", "check-failed"}


def test_an_optional_column_may_be_missing(world: World) -> None:
    world.doc.apply([["RemoveColumn", "Interventions", "Latitude"]])
    ids = world.ids(quick=True)
    assert "columns" in ids and not [id for id in ids if id.startswith("column-")]


def test_a_formula_with_the_text_of_a_reference_is_no_wrong_type(world: World) -> None:
    world.doc.apply([["AddColumn", "Interventions", "Texte", {"type": "Text", "formula": "$Agent.Nom"}]])
    assert "columns" in world.ids(quick=True)


def test_an_open_board_takes_any_secret(world: World) -> None:
    world.webhook()["authorization"] = ""
    assert "webhook-secret" in world.ids(quick=True)
    world.change_board(open=True)
    assert "webhook-secret" not in world.ids(quick=True)


def test_our_own_failing_webhook_does_not_block_itself(world: World) -> None:
    world.usage(status="retrying", lastHttpStatus=404)
    ids = world.ids(quick=True)
    assert "webhook-failing" in ids and "webhook-blocked" not in ids


def test_a_domain_that_can_not_be_asked_about_says_so(world: World) -> None:
    world.grist.fail(500, times=9, path="/webhooks", method="POST")
    findings = world.examine(quick=True)
    assert "domain" in one(findings, "check-failed").message
    assert "webhook-domain" not in {f.id for f in findings}


def test_a_server_without_our_board_is_another(world: World) -> None:
    world.server.health = {"status": "healthy", "problems": [], "boards": {"other": {}}}
    assert "address-other" in world.ids(quick=True)
    world.server.health = {"status": "unhealthy", "problems": ["Redis doesn't answer"]}
    assert "address" in world.ids(quick=True), "ours, while Redis is away"
    world.server.health = {"status": "ok"}
    assert "address-other" in world.ids(quick=True)


def test_a_page_in_place_of_the_stream_is_no_stream(world: World) -> None:
    world.server.type = "text/html"
    ids = world.ids(quick=True)
    assert "stream-refused" in ids and "stream-held" not in ids


def test_a_widget_that_reads_elsewhere(world: World) -> None:
    world.change_widget(widgetOptions={"stream": "https://old.example/boards/interventions/stream"})
    finding = one(world.examine(quick=True), "page-elsewhere")
    assert "old.example" in finding.message


def test_a_published_widget_is_where_it_should_be(world: World) -> None:
    url = "https://static.example/dashboard.html"
    world.change_widget(url=url)
    world.change_board(widget=url)
    ids = world.ids(quick=True)
    assert "page" in ids and "page-elsewhere" not in ids


def test_a_public_board_needs_no_token(world: World) -> None:
    world.change_widget(widgetOptions={"token": ""})
    assert "page-token" in world.ids(quick=True)
    world.change_board(access="public")
    assert "page-token" not in world.ids(quick=True)


def test_a_board_that_asks_grist_wants_full_access(world: World) -> None:
    world.change_board(access="grist")
    world.change_widget(access="full", widgetOptions={"token": ""})
    ids = world.ids(quick=True)
    assert "page" in ids and not ids & {"page-full", "page-limited", "page-token"}


def test_a_partial_readers_websocket_is_not_opened(world: World) -> None:
    world.grist.partial_readers.add("owner-key")
    assert not world.ids(quick=True) & {"websocket", "websocket-missing"}
    assert world.grist.live.opened == 0


@pytest.mark.parametrize("reshape", [lambda m: None, lambda m: m | {"type": "other"}, lambda m: [m]])
def test_a_websocket_that_speaks_otherwise_is_missing(reshape: Any, world: World) -> None:
    world.grist.live.reshape = reshape
    assert "websocket-missing" in world.ids(quick=True)


@pytest.mark.parametrize(("source", "severity"), [("auto", "warning"), ("both", "warning"), ("watch", "error")])
def test_without_a_websocket_a_board_that_only_watches_is_in_trouble(source: str, severity: str, world: World) -> None:
    world.grist.live.refuse = 404
    world.change_board(source=source)
    assert one(world.examine(quick=True), "websocket-missing").severity == severity


def test_a_board_with_the_webhook_alone_opens_no_websocket(world: World) -> None:
    world.change_board(source="webhook")
    assert not world.ids(quick=True) & {"websocket", "websocket-missing"}
    world.doc.webhooks.all.clear()
    assert one(world.examine(quick=True), "webhook-missing").severity == "error"


def test_a_board_that_only_watches_needs_no_webhook(world: World) -> None:
    world.change_board(source="watch")
    world.doc.webhooks.all.clear()
    assert not [id for id in world.ids(quick=True) if id.startswith("webhook")]


def test_a_work_process_that_has_just_begun_says_nothing_yet(world: World) -> None:
    world.work_says()
    assert not [id for id in world.ids(quick=True) if id.startswith("source")]
