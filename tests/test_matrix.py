"""Tchap: messages into the rooms of a real homeserver (Synapse), which the tests start themselves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grist_live.board import Board
from grist_live.effects import make_outlet
from grist_live.effects.matrix import Matrix
from grist_live.effects.run import Effects
from grist_live.job import Claim, Job
from grist_live.journal import Journal
from grist_live.outbound import Outbound, OutboundError, Reply
from grist_live.settings import Settings
from tests.rules_lab import ALERT, ANSWER, DONE, URGENT, WAITING, board_with, text_of
from tests.synapse_server import Person, SynapseServer

HOSTILE = "<img src=x onerror=alert(1)> \u202e@room\n</b> & `x`"
TO_TCHAP = [rule | {"do": rule["do"] | {"outlet": "tchap"}} for rule in (ALERT, ANSWER)]


@pytest.fixture
def outlet(synapse: SynapseServer, people: dict[str, Person], room: str, tmp_path: Path) -> Callable[..., Matrix]:
    """Make the outlet as the configuration does, with its token in a file; keyword arguments are its keys."""

    def make(**given: Any) -> Matrix:
        (tmp_path / "token").write_text(given.pop("token", people["bot"].token) + "\n")
        table = {"url": synapse.url, "token_file": str(tmp_path / "token"), "room": room} | given
        made = make_outlet("tchap", table, public_url="https://live.example.fr")
        assert isinstance(made, Matrix)
        return made

    return make


def claim(about: str = "alert", thread: dict[str, Any] | None = None, **given: Any) -> Claim:
    fields = {"id": f"1-{time.monotonic_ns()}.urgent.tchap", "board": "interventions", "rule": "urgent"}
    fields |= {"outlet": "tchap", "change": "1-1", "at": time.time(), "row": 7, "cells": URGENT | {"Type": "Voirie"}}
    fields |= {"heading": {"fr": "Intervention urgente", "en": "Urgent intervention"}} | given
    return Claim(Job(about=about, **fields), 0, time.time(), thread)  # type: ignore[arg-type]


def test_an_alert_is_seen_by_the_supervisor(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board
) -> None:
    receipt = outlet().send(claim(cells=URGENT | {"Type": "Voirie", "Agent": "Léa", "Commentaire": "chez M. X"}), board)
    [seen] = people["supervisor"].messages(room)
    assert receipt == {"room": room, "event": seen["event_id"]} and seen["sender"] == people["bot"].id
    text, html = seen["content"]["body"], seen["content"]["formatted_body"]
    assert text.startswith("🚨 Intervention urgente — INT-1 (Voirie)\nLocalisation : Marseille\n")
    assert "Priorité : Urgente" in text and "https://live.example.fr/boards/interventions" in text
    assert "<strong>INT-1</strong> (Voirie)" in html
    assert "Léa" not in str(seen) and "chez M. X" not in str(seen), "only what the board declares public"


def test_messages_speak_english_too(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board
) -> None:
    outlet(language="en").send(claim(), board)
    [seen] = people["supervisor"].messages(room)
    assert seen["content"]["body"].startswith(
        "🚨 Urgent intervention — INT-1 (Roads)\nPlace: Marseille\nStatus: Waiting"
    )


def test_the_link_leads_to_the_row_in_grist(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str
) -> None:
    link = "https://grist.example.fr/doc/d/p/3#a3.s6.r{row}"
    outlet().send(claim(), board_with(link=link))
    outlet().send(claim(), board_with(link=link, access="public"))  # not told to the public
    outlet().send(claim(), board_with(link=link, access="public", link_public=True))
    outlet(link=False).send(claim(), board_with(link=link))
    links = [m["content"]["body"].rpartition("\n")[2] for m in people["supervisor"].messages(room)]
    row = "https://grist.example.fr/doc/d/p/3#a3.s6.r7"
    assert links[:3] == [row, "https://live.example.fr/boards/interventions", row] and "http" not in links[3]


def test_hostile_cells_stay_text(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board
) -> None:
    outlet().send(claim(cells=URGENT | {"ID2": HOSTILE, "Localisation": "y" * 100_000}), board)
    [seen] = people["supervisor"].messages(room)
    html = seen["content"]["formatted_body"]
    assert "<img" not in html and "&lt;img src=x onerror=alert(1)&gt;" in html and "\u202e" not in html
    assert seen["content"]["m.mentions"] == {} and len(json.dumps(seen)) < 10_000


def test_the_same_job_again_is_one_message_also_after_a_restart(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board, synapse: SynapseServer
) -> None:
    job = claim()
    first = outlet().send(job, board)
    assert outlet().send(job, board) == first  # another process of ours
    synapse.restart()
    assert outlet().send(job, board) == first
    people["bot"].login()  # a new token of the same device
    assert outlet().send(job, board) == first
    assert len(people["supervisor"].messages(room)) == 1
    assert outlet().send(claim(), board) != first


def test_an_answer_stands_in_the_thread_of_its_alert(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board
) -> None:
    other = people["supervisor"].create_room(people["bot"])
    alert = outlet().send(claim(do={"room": other}), board)
    outlet().send(claim("answer", alert, cells=DONE, was={"Statut": "En attente"}), board)
    _, answer = people["supervisor"].messages(other)
    relation = answer["content"]["m.relates_to"]
    assert relation["rel_type"] == "m.thread" and relation["event_id"] == alert["event"]
    assert "✅" in answer["content"]["body"] and "Statut : En attente → Terminé" in answer["content"]["body"]
    thread = people["supervisor"].call("GET", f"rooms/{other}/event/{alert['event']}".replace("!", "%21"))
    assert thread["unsigned"]["m.relations"]["m.thread"]["count"] == 1, "the homeserver sees a thread"


def test_each_priority_may_have_its_room(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board
) -> None:
    urgent = people["supervisor"].create_room(people["bot"])
    it = outlet(rooms={"Urgente": urgent})
    assert it.send(claim(), board)["room"] == urgent
    assert it.send(claim(cells=WAITING), board)["room"] == room
    with pytest.raises(OutboundError, match="no room") as found:
        outlet(room="", rooms={"Urgente": urgent}).send(claim(cells=WAITING), board)
    assert found.value.permanent


def test_nothing_goes_in_clear_into_an_encrypted_room(
    outlet: Callable[..., Matrix], people: dict[str, Person], board: Board
) -> None:
    secret = people["supervisor"].create_room(people["bot"], encrypted=True)
    with pytest.raises(OutboundError, match="encrypted") as found:
        outlet(room=secret).send(claim(), board)
    assert found.value.permanent and people["supervisor"].messages(secret) == []


def test_a_room_that_becomes_encrypted_is_noticed(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board
) -> None:
    now = [0.0]
    it = outlet()
    it._clock = lambda: now[0]
    it.send(claim(), board)
    path = f"rooms/{room.replace('!', '%21')}/state/m.room.encryption/"
    people["supervisor"].call("PUT", path, {"algorithm": "m.megolm.v1.aes-sha2"})
    now[0] += 61
    with pytest.raises(OutboundError, match="encrypted"):
        it.send(claim(), board)


def test_a_wrong_token_is_explained_and_a_new_one_holds_at_once(
    outlet: Callable[..., Matrix], board: Board, tmp_path: Path, people: dict[str, Person]
) -> None:
    it = outlet(token="syt_wrong")
    with pytest.raises(OutboundError) as found:
        it.send(claim(), board)
    said = str(found.value)
    assert found.value.permanent and "M_UNKNOWN_TOKEN" in said and "retry" in said and str(tmp_path / "token") in said
    assert "syt_wrong" not in said
    (tmp_path / "token").write_text(people["bot"].token)
    assert it.send(claim(), board)["event"]
    (tmp_path / "token").unlink()
    with pytest.raises(OutboundError, match="token_file"):
        it.send(claim(), board)


@pytest.mark.parametrize("room", ["!nobody-knows-it", "!nobody:agent.tchap.gouv.fr"])
def test_a_room_that_the_account_is_not_in_is_explained(outlet: Callable[..., Matrix], board: Board, room: str) -> None:
    with pytest.raises(OutboundError) as found:
        outlet(room=room).send(claim(), board)
    assert found.value.permanent and "invite it there" in str(found.value) and room in str(found.value)


def test_a_stranger_is_not_in_the_room(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board
) -> None:
    with pytest.raises(OutboundError, match="M_FORBIDDEN") as found:
        outlet(token=people["stranger"].token).send(claim(), board)
    assert found.value.permanent and people["supervisor"].messages(room) == []


def test_who_may_not_write_is_told(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board
) -> None:
    path = f"rooms/{room.replace('!', '%21')}/state/m.room.power_levels/"
    levels = people["supervisor"].call("GET", path)
    people["supervisor"].call("PUT", path, levels | {"events_default": 50})
    with pytest.raises(OutboundError, match="right to write") as found:
        outlet().send(claim(), board)
    assert found.value.permanent


def test_an_address_that_is_no_homeserver_is_told(
    outlet: Callable[..., Matrix], board: Board, synapse: SynapseServer
) -> None:
    with pytest.raises(OutboundError, match="can't be reached") as found:
        outlet(url="http://127.0.0.1:9").send(claim(), board)
    assert found.value.whole and not found.value.permanent
    with pytest.raises(OutboundError) as found:
        outlet(url=f"{synapse.url}/elsewhere").send(claim(), board)
    assert found.value.permanent


def test_a_room_is_in_clear_only_if_the_homeserver_says_so(outlet: Callable[..., Matrix], board: Board) -> None:
    asked: list[str] = []

    class Proxy(Outbound):  # it hides what it doesn't know
        def send(self, method: str, url: str, headers: Any, body: bytes | None = None) -> Reply:
            asked.append(method)
            return Reply(404, {}, b"<h1>Not Found</h1>") if method == "GET" else Reply(200, {}, b'{"event_id": "$x"}')

    it = outlet()
    it.http = Proxy()
    with pytest.raises(OutboundError):
        it.send(claim(), board)
    assert asked == ["GET"]


def test_the_probe_names_each_leg(
    outlet: Callable[..., Matrix], people: dict[str, Person], room: str, board: Board, tmp_path: Path
) -> None:
    from grist_live.effects.probe import probe

    outlet()
    secret = people["supervisor"].create_room(people["bot"], encrypted=True)
    table = {"url": people["bot"].server.url, "token_file": str(tmp_path / "token"), "room": room}
    settings = Settings(outlets={"tchap": table | {"rooms": {"Urgente": secret}}}, boards={"interventions": board})
    token, clear, dark = probe(settings, board)
    assert token.ok and people["bot"].id in token.detail and clear.ok and room in clear.name and clear.ms > 0
    assert not dark.ok and "encrypted" in dark.detail
    [seen] = people["supervisor"].messages(room)
    assert "ESSAI" in seen["content"]["body"] and "rien n'est arrivé" in seen["content"]["body"]


def test_a_homeserver_that_limits_gets_all_and_none_twice(
    journal: Journal, tmp_path: Path, people: dict[str, Person]
) -> None:
    server = SynapseServer(tmp_path / "slow", per_second=10, burst=5).start()
    try:
        bot, supervisor = server.register("bot"), server.register("supervisor")
        room = supervisor.create_room(bot)
        board = board_with(*TO_TCHAP)
        table = {"url": server.url, "token": bot.token, "room": room}
        settings = Settings(boards={"interventions": board}, outlets={"tchap": table})
        journal.adopt(board)
        effects = Effects(settings, journal)
        effects.start()
        until(lambda: journal.redis.exists(journal.keys(board).rules + "state"))
        began = time.monotonic()
        journal.commit(board, [text_of(board, n, URGENT | {"ID2": f"INT-{n}"}) for n in range(1, 31)], "webhook")
        journal.commit(board, [text_of(board, 1, DONE)], "webhook")
        until(lambda: effects.jobs.report(board, "tchap", time.time())["sent"] == 31, 30)
        took = time.monotonic() - began
        effects.stop()
        report = effects.jobs.report(board, "tchap", time.time())
        assert report["failed"] == 0 and report["dead"] == 0
        titles = [m["content"]["body"].split("\n")[0] for m in supervisor.messages(room)]
        wanted = [f"🚨 urgent — INT-{n}" for n in range(1, 31)] + ["✅ resolved — INT-1"]
        assert titles == wanted, "none lost, none doubled, in order"
        assert took > (31 - 5) / 10 * 0.8, "the limit was respected"
    finally:
        server.stop()


def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
