"""The stand-in's websocket tells what the real one told: recorded sessions are done again, and its rules tried."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from tests.standin_grist import OWNER, VIEWER, Receiver, StandinDocument, StandinGrist

FOLDER = Path(__file__).parent / "payloads" / "websocket"
COLUMNS = {
    "Titre": "Text", "Statut": "Choice", "Montant": "Numeric", "Nombre": "Int", "Pret": "Bool", "Debut": "Date",
    "Heure": "DateTime:Europe/Paris", "Tags": "ChoiceList", "Lieu": "Ref:Lieux", "Lieux_vus": "RefList:Lieux",
    "Libre": "Any", "Maj": "DateTime:Europe/Paris",
}  # fmt: skip
COMPUTED = {"Double", "Ville", "Inverse", "Longueur", "Auteur"}
"""Columns of the recorded table that the stand-in, which knows no formula but NOW(), hasn't got."""

Message = dict[str, Any]


def recorded(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return content


def shape(value: Any, key: str = "") -> Any:
    """Reduce a message to its keys; what depends on the document's tables is left out."""
    if isinstance(value, dict) and key not in ("tableDeltas", "rowCount"):
        return {k: shape(v, k) for k, v in sorted(value.items())}
    return None


class Client:
    """A websocket on one document; `messages` are those that came until it was quiet."""

    def __init__(self, grist: StandinGrist, key: str | None = VIEWER, **options: Any) -> None:
        address = grist.url.replace("http", "ws") + "/?clientId=0&counter=0&newClient=1&browserSettings=%7B%7D"
        header = [f"Authorization: Bearer {key}"] if key else []
        self.socket = websocket.create_connection(address, header=header, timeout=5, suppress_origin=True, **options)
        self.asked = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()
        self.socket.shutdown()  # close() alone leaves the socket open once the server has closed

    def get(self, type: str = "") -> Message:
        """Return the next message, or the next of a type. Raises what websocket-client does at the end."""
        while True:
            message: Message = json.loads(self.socket.recv())
            if not type or message.get("type") == type:
                return message

    def ask(self, method: str, *args: Any) -> Message:
        self.asked += 1
        self.socket.send(json.dumps({"reqId": self.asked, "method": method, "args": args}))
        while (message := self.get()).get("reqId") != self.asked:
            pass
        return message

    def open(self, document: StandinDocument) -> Message:
        assert self.get()["type"] == "clientConnect"
        return self.ask("openDoc", document.id)

    def push(self) -> Message:
        data: Message = self.get("docUserAction")["data"]
        return data


@pytest.fixture
def document(grist: StandinGrist) -> StandinDocument:
    """The table of the recordings, as far as the stand-in can have it."""
    document = grist.add_document()
    columns = [{"id": c, "type": t, "isFormula": False} for c, t in COLUMNS.items()]
    columns[-1]["formula"] = "NOW()"
    document.apply([["AddTable", "T", columns]])
    maj = document.tables["T"].columns["Maj"].ref
    document.apply([["UpdateRecord", "_grist_Tables_column", maj, {"recalcWhen": 2}]])
    return document


def fill(document: StandinDocument, session: dict[str, Any]) -> None:
    """Give the table the rows and the names that the recorded one had before."""
    before = session["before"] or session["after"]
    names = [c for c in before[0]["fields"] if c not in COMPUTED and c != "manualSort"]
    for column in [c for c in document.tables["T"].columns if c not in ("manualSort", *names)]:
        new = {"Titre": "Sujet", "Montant": "Prix_TTC"}.get(column)
        if new in names:
            document.apply([["RenameColumn", "T", column, new]])
        else:
            document.apply([["RemoveColumn", "T", column]])
    columns = {c: [r["fields"][c] for r in before] for c in names}
    document.apply([["BulkAddRecord", "T", [r["id"] for r in before], columns]])


def reduced(actions: list[list[Any]]) -> list[list[Any]]:
    """Return what was done to user tables: kind, table, rows or names, columns; in the stand-in's columns."""
    found = []
    for action in actions:
        kind, table, *rest = action
        if table.startswith("_grist") or kind == "ModifyColumn":
            continue
        if rest and isinstance(rest[-1], dict):
            values = {k: v for k, v in rest[-1].items() if k not in COMPUTED and k != "Maj"}
            told = sorted({*values, *({"Maj"} & rest[-1].keys())})
            if told:
                found.append([kind, table, *rest[:-1], told, {k: v for k, v in values.items() if k != "manualSort"}])
        else:
            found.append([kind, table, *rest])
    return found


def rows_of(push: Message) -> Any:
    deltas = push["actionGroup"]["actionSummary"]["tableDeltas"]
    keys = ("addRows", "updateRows", "removeRows")
    return {t: {k: sorted(d[k]) for k in keys} for t, d in deltas.items() if not t.startswith("_grist")}


AGAIN = [
    "update-one", "update-nothing", "update-kinds", "update-kinds-null", "add-one", "add-100", "update-100",
    "remove-one", "remove-100", "rename-column", "rename-table", "bundle", "replace-table",
]  # fmt: skip


@pytest.mark.parametrize("name", AGAIN)
def test_it_pushes_what_the_real_one_pushed(name: str, grist: StandinGrist, document: StandinDocument) -> None:
    session = recorded(name)
    fill(document, session)
    asked, real = session["rest"], session["steps"][0]["recv"]
    with Client(grist) as client:
        client.open(document)
        requests.request(
            asked["method"],
            f"{grist.url}/api/docs/{document.id}/{asked['path']}",
            json=asked["body"],
            headers={"Authorization": f"Bearer {OWNER}"},
            timeout=5,
        ).raise_for_status()
        message = client.get("docUserAction")
        assert shape(message) == shape(real)
        push, told = message["data"], real["data"]
        assert reduced(push["docActions"]) == reduced(told["docActions"])
        head = document.history.states()[0]
        assert (push["actionGroup"]["actionNum"], push["actionGroup"]["actionHash"]) == (head["n"], head["h"])
        if name not in ("bundle", "replace-table"):  # real Grist also names rows that came and went
            assert rows_of(push) == rows_of(told)
        same = ("linkId", "otherId", "isUndo", "internal", "rowIdHint")
        assert [push["actionGroup"][k] for k in same] == [told["actionGroup"][k] for k in same]


def test_its_first_messages_are_the_real_ones(grist: StandinGrist, document: StandinDocument) -> None:
    hello, _, opened, again = [s.get("recv") for s in recorded("open")["steps"]]
    with Client(grist) as client:
        assert shape(first := client.get()) == shape(hello)
        answer = client.ask("openDoc", document.id)
        assert [k for k in opened["data"] if k not in answer["data"]] == []
        assert answer["data"]["user"].keys() == opened["data"]["user"].keys()
        assert answer["data"]["user"]["Access"] == "viewers"
        last = answer["data"]["log"][-1]
        assert {"n": last["actionNum"], "h": last["actionHash"]} == document.history.states()[0]
        columns = answer["data"]["doc"]["_grist_Tables_column"][3]
        assert ("Titre", "Text") in zip(columns["colId"], columns["type"], strict=True)
        assert client.get() == first | {"dup": True}
        assert again["dup"] is True


def test_pushes_tell_who_and_when(grist: StandinGrist, document: StandinDocument) -> None:
    with Client(grist) as client:
        client.open(document)
        address = f"{grist.url}/api/docs/{document.id}/tables/T/records"
        headers = {"Authorization": "Bearer editor-key"}
        requests.post(address, json={"records": [{"fields": {"Titre": "a"}}]}, headers=headers, timeout=5)
        group = client.push()["actionGroup"]
        assert group["user"] == "editor@example.com" and abs(group["time"] / 1000 - time.time()) < 60
        document.undo("you@example.com")
        undone = client.push()
        assert undone["docActions"] == [["RemoveRecord", "T", 1]]
        assert (undone["actionGroup"]["isUndo"], undone["actionGroup"]["otherId"]) == (True, group["actionNum"])
        document.redo()
        redone = client.push()
        assert redone["docActions"][0][:3] == ["AddRecord", "T", 1]
        assert (redone["actionGroup"]["isUndo"], redone["actionGroup"]["otherId"]) == (False, group["actionNum"])
        assert redone["actionGroup"]["actionNum"] == group["actionNum"] + 2


def test_numbers_and_seq_ids_have_no_holes(grist: StandinGrist, document: StandinDocument) -> None:
    with Client(grist) as client:
        client.open(document)
        for i in range(30):
            document.add_records("T", [{"Titre": str(i)}])
        messages = [client.get("docUserAction") for _ in range(30)]
        numbers = [m["data"]["actionGroup"]["actionNum"] for m in messages]
        assert numbers == list(range(numbers[0], numbers[0] + 30))
        assert [m["seqId"] for m in messages] == list(range(1, 31))
        states = {s["n"]: s["h"] for s in document.history.states()}
        assert all(states[g["actionNum"]] == g["actionHash"] for m in messages for g in [m["data"]["actionGroup"]])


def test_fetch_table_and_what_it_refuses(grist: StandinGrist, document: StandinDocument) -> None:
    document.add_records("T", [{"Titre": "a"}, {"Titre": "b"}])
    real = [s["recv"] for s in recorded("rpc")["steps"] if "recv" in s]
    with Client(grist) as client:
        client.open(document)
        kind, name, ids, columns = client.ask("fetchTable", 0, "T")["data"]["tableData"]
        assert (kind, name, ids, columns["Titre"]) == ("TableData", "T", [1, 2], ["a", "b"])
        for refused, answer in zip(
            [("nothing", 0), ("fetchTable", 7, "T2"), ("fetchTable", 0, "None")], real[2:], strict=True
        ):
            mine = client.ask(*refused)
            assert {k: v for k, v in mine.items() if k not in ("reqId", "seqId")} == {
                k: v for k, v in answer.items() if k not in ("reqId", "seqId")
            }


# How it ends


def refusal(case: str) -> list[Any]:
    steps = next(s for s in recorded("refusals")["steps"] if s["case"] == case)["steps"]
    return [s.get("recv", s.get("closed")) for s in steps if "send" not in s]


def ended(client: Client) -> bool:
    """Tell whether the connection was cut without a closing frame."""
    try:
        while client.get():
            pass
    except websocket.WebSocketConnectionClosedException:
        return True
    except websocket.WebSocketTimeoutException:
        return False
    return False


def test_a_bad_key_is_cut_without_a_word(grist: StandinGrist) -> None:
    assert refusal("a bad key") == [{"code": 1006, "reason": ""}]
    with Client(grist, "wrong") as client, pytest.raises(websocket.WebSocketConnectionClosedException):
        client.get()


@pytest.mark.parametrize(
    ("case", "key", "there"),
    [
        ("no key", None, True),
        ("a key without access to the document", "outsider-key", True),
        ("a document that isn't there, then one that is, on the same connection", VIEWER, False),
    ],
)
def test_open_doc_is_refused_in_the_real_words(
    case: str, key: str | None, there: bool, grist: StandinGrist, document: StandinDocument
) -> None:
    real = next(m for m in refusal(case) if "error" in m)
    with Client(grist, key) as client:
        client.get()
        assert client.ask("openDoc", document.id if there else "none") | {"reqId": 1} == real | {"reqId": 1}


def test_what_is_sent_before_the_greeting_is_lost(grist: StandinGrist, document: StandinDocument) -> None:
    grist.live.delay = 0.1
    with Client(grist) as client:
        client.socket.send(json.dumps({"reqId": 1, "method": "openDoc", "args": [document.id]}))
        assert [client.get()["type"] for _ in range(2)] == ["clientConnect", "clientConnect"]
        client.socket.settimeout(0.2)
        with pytest.raises(websocket.WebSocketTimeoutException):
            client.get()


def test_a_foreign_origin_is_refused(grist: StandinGrist) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(grist.url.replace("http", "ws"), origin="https://other.example", timeout=5)


@pytest.mark.parametrize("status", [400, 404])
def test_a_proxy_without_websockets(status: int, grist: StandinGrist, document: StandinDocument) -> None:
    grist.live.refuse = status
    with pytest.raises(websocket.WebSocketBadStatusException, match=str(status)):
        Client(grist)
    answer = requests.get(
        f"{grist.url}/api/docs/{document.id}/tables", headers={"Authorization": f"Bearer {VIEWER}"}, timeout=5
    )
    assert answer.ok


ENDS: dict[str, Callable[[StandinGrist, StandinDocument], object]] = {
    "force-reload": lambda grist, document: document.restart(),
    "replaced": lambda grist, document: document.restore(document.copy()),
    "document-deleted": lambda grist, document: grist.remove_document(document.id),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_document_that_closes_says_so_and_cuts(name: str, grist: StandinGrist, document: StandinDocument) -> None:
    told = [s["recv"] for s in recorded(name)["steps"] if "recv" in s][0]
    with Client(grist) as client:
        client.open(document)
        ENDS[name](grist, document)
        assert client.get("docShutdown") | {"seqId": 1} == told | {"seqId": 1}
        assert ended(client)


def test_a_loaded_document_calculates(grist: StandinGrist, document: StandinDocument) -> None:
    real = [s["recv"] for s in recorded("open-again")["steps"] if "recv" in s]
    calculated = next(m for m in real if m.get("type") == "docUserAction")
    document.restart()
    states = document.history.states()
    with Client(grist) as client:
        client.open(document)
        message = client.get("docUserAction")
        assert shape(message) == shape(calculated)
        differs = {"time": 0}
        assert message["data"]["actionGroup"] | differs == calculated["data"]["actionGroup"] | differs
    assert document.history.states() == states


def test_now_in_a_formula_column_is_an_action_at_load(grist: StandinGrist, document: StandinDocument) -> None:
    group = next(
        m for s in recorded("calculate-at-load")["steps"] if (m := s.get("recv", {})).get("type") == "docUserAction"
    )
    document.apply([["AddColumn", "T", "Age", {"type": "DateTime:UTC", "formula": "NOW()"}]])
    document.add_records("T", [{"Titre": "a"}, {"Titre": "b"}])
    document.restart()
    with Client(grist) as client:
        client.open(document)
        push = client.push()
        assert push["docActions"][0][:3] == ["BulkUpdateRecord", "T", [1, 2]]
        assert push["actionGroup"]["actionNum"] == document.history.states()[0]["n"]
        for key in ("user", "internal", "primaryAction"):
            assert push["actionGroup"][key] == group["data"]["actionGroup"][key]


def test_what_is_calculated_at_load_fires_no_webhook(grist: StandinGrist, document: StandinDocument) -> None:
    document.apply([["AddColumn", "T", "Age", {"type": "DateTime:UTC", "formula": "NOW()"}]])
    document.add_records("T", [{"Titre": "a"}])
    with Receiver() as receiver, Client(grist) as client:
        fields = {"url": receiver.url, "eventTypes": ["add", "update"], "tableId": "T"}
        document.webhooks.create({"webhooks": [{"fields": fields}]})
        document.restart()
        client.open(document)
        assert client.push()["actionGroup"]["primaryAction"] == "Calculate"
        grist.flush()
        assert receiver.bodies == []
        document.update_current_time()
        grist.flush()
        assert len(receiver.bodies) == 1


def test_a_revoked_key_goes_on_until_the_connection_ends(grist: StandinGrist, document: StandinDocument) -> None:
    with Client(grist) as client:
        client.open(document)
        grist.revoke(VIEWER)
        document.add_records("T", [{"Titre": "still seen"}])
        assert client.push()["docActions"][0][0] == "AddRecord"
        assert client.ask("fetchTable", 0, "T")["data"]
    headers = {"Authorization": f"Bearer {VIEWER}"}
    assert requests.get(f"{grist.url}/api/docs/{document.id}/states", headers=headers, timeout=5).status_code == 401
    with Client(grist) as client:
        assert ended(client)


def test_lost_access_shuts_down_instead_of_each_push(grist: StandinGrist, document: StandinDocument) -> None:
    refused = next(s["recv"] for s in recorded("access-lost")["steps"] if "error" in s.get("recv", {}))
    with Client(grist) as client:
        client.open(document)
        grist.take_access(VIEWER)
        document.add_records("T", [{"Titre": "a"}])
        document.add_records("T", [{"Titre": "b"}])
        assert [client.get("docShutdown")["data"] for _ in range(2)] == [None, None]
        answer = client.ask("fetchTable", 0, "T")
        assert {k: answer[k] for k in ("error", "errorCode", "status", "details")} == {
            k: refused[k] for k in ("error", "errorCode", "status", "details")
        }
        grist.give_access(VIEWER)
        document.add_records("T", [{"Titre": "c"}])
        assert client.push()["docActions"][0][3]["Titre"] == "c"


def test_a_partial_reader_gets_holes_and_no_summary(grist: StandinGrist, document: StandinDocument) -> None:
    grist.partial_readers.add(VIEWER)
    grist.live.hides = lambda action: "Montant" in str(action)
    document.add_records("T", [{"Titre": "a"}])
    with Client(grist) as client:
        client.open(document)
        document.apply([["RemoveColumn", "T", "Maj"]])
        first = client.push()["actionGroup"]
        document.update("T", 1, {"Montant": 5})
        document.update("T", 1, {"Titre": "b"})
        second = client.push()["actionGroup"]
        assert second["actionNum"] == first["actionNum"] + 2
        assert second["actionSummary"] == {"tableRenames": [], "tableDeltas": {}}
    answer = requests.get(
        f"{grist.url}/api/docs/{document.id}/compare?left=HEAD&right=HEAD",
        headers={"Authorization": f"Bearer {VIEWER}"},
        timeout=5,
    )
    real = recorded("partial-reader")["compare_as_viewer"]
    assert (answer.status_code, answer.json()) == (real["status"], real["answer"])


# The switches


def test_delayed_pushes_come_late_and_in_order(grist: StandinGrist, document: StandinDocument) -> None:
    with Client(grist) as client:
        client.open(document)
        grist.live.delay = 0.2
        begun = time.monotonic()
        for i in range(5):
            document.add_records("T", [{"Titre": str(i)}])
        assert [client.push()["docActions"][0][3]["Titre"] for _ in range(5)] == list("01234")
        assert time.monotonic() - begun >= 0.2


def test_connections_can_be_cut_closed_and_silent(grist: StandinGrist, document: StandinDocument) -> None:
    with Client(grist) as client:
        client.open(document)
        grist.live.wait(document)
        grist.live.drop()
        assert ended(client)
    grist.live.wait(document, 0)
    with Client(grist) as client:
        client.open(document)
        grist.live.close(1012)
        with pytest.raises((websocket.WebSocketConnectionClosedException, ValueError)):
            while True:
                client.get()
    grist.live.silent = True
    with Client(grist) as client:
        client.socket.ping()
        client.socket.settimeout(0.4)
        with pytest.raises(websocket.WebSocketTimeoutException):
            client.get()


def test_a_ping_is_answered_and_a_heartbeat_is_not(grist: StandinGrist, document: StandinDocument) -> None:
    with Client(grist) as client:
        client.open(document)
        assert client.get()["dup"] is True
        client.socket.send(json.dumps({"beat": True, "url": "x", "docId": document.id}))
        client.socket.send("no json")
        client.socket.ping("hello")
        kind, frame = client.socket.recv_data_frame(control_frame=True)
        assert (kind, frame.data) == (websocket.ABNF.OPCODE_PONG, b"hello")


def test_unknown_messages_and_changed_shapes(grist: StandinGrist, document: StandinDocument) -> None:
    with Client(grist) as client:
        client.open(document)
        grist.live.say({"type": "docNews", "data": {"x": 1}})
        assert client.get("docNews")["data"] == {"x": 1}
        grist.live.reshape = lambda m: m | {"data": {"actions": []}} if m.get("type") == "docUserAction" else m
        document.add_records("T", [{"Titre": "a"}])
        assert client.push() == {"actions": []}
        grist.live.reshape = lambda m: None
        document.add_records("T", [{"Titre": "b"}])
        grist.live.reshape = lambda m: m
        grist.live.say_raw("{")
        with pytest.raises(ValueError):
            client.get()


# History


def test_restored_documents_give_numbers_again_with_other_hashes(
    grist: StandinGrist, document: StandinDocument
) -> None:
    real = recorded("replaced")
    document.add_records("T", [{"Titre": "a"}])
    saved, at_copy = document.copy(), document.history.states()
    for title in "bcd":
        document.update("T", 1, {"Titre": title})
    before = document.history.states()
    document.restore(saved)
    after = document.history.states()
    assert (real["states_when_copied"] == real["states_after"], at_copy == after) == (True, True)
    assert document.rows("T")[1]["Titre"] == "a"
    document.update("T", 1, {"Titre": "e"})
    again = document.history.states()[0]
    lost = next(s for s in before if s["n"] == again["n"])
    assert again["h"] != lost["h"]
    address = f"{grist.url}/api/docs/{document.id}/compare?left={lost['h']}&right=HEAD"
    answer = requests.get(address, headers={"Authorization": f"Bearer {OWNER}"}, timeout=5)
    assert (answer.status_code, answer.json()) == tuple(real["compare_from_the_old_head"].values())
    document.restore(saved)
    document.update("T", 1, {"Titre": "f"})
    assert document.history.states()[0]["h"] not in (again["h"], lost["h"])


def test_forgotten_states(grist: StandinGrist, document: StandinDocument) -> None:
    document.add_records("T", [{"Titre": "a"}])
    old, head = document.history.states()[2], document.history.states()[0]
    headers = {"Authorization": f"Bearer {OWNER}"}
    base = f"{grist.url}/api/docs/{document.id}"
    assert requests.post(f"{base}/states/remove", json={"keep": 2}, headers=headers, timeout=5).ok
    assert len(document.history.states()) == 2 and document.history.states()[0] == head
    assert requests.get(f"{base}/compare?left={old['h']}", headers=headers, timeout=5).status_code == 500


def net(document: StandinDocument, left: dict[str, Any]) -> Any:
    a, b = document.history.find(left["h"]), document.history.find("HEAD")
    assert a and b
    return document.history.compare(a, b, None)["details"]["rightChanges"]


def test_compare_follows_renames(document: StandinDocument) -> None:
    document.add_records("T", [{"Titre": "a"}, {"Titre": "b"}])
    left = document.history.states()[0]
    document.update("T", 1, {"Titre": "a2"})
    document.apply([["RenameColumn", "T", "Titre", "Sujet"], ["RenameTable", "T", "Taches"]])
    document.update("Taches", 1, {"Sujet": "a3"})
    found = net(document, left)
    assert found["tableRenames"] == [["T", "Taches"]]
    delta = found["tableDeltas"]["Taches"]
    assert delta["columnRenames"] == [["Titre", "Sujet"]]
    assert delta["columnDeltas"]["Sujet"] == {"1": [["a"], ["a3"]]}
    assert net(document, left) == found, "comparing changes nothing"
    first, second = document.history.find(left["h"]), document.history.find("HEAD~~")
    assert first and second
    early = document.history.compare(first, second)["details"]["rightChanges"]["tableDeltas"]["T"]
    assert early["columnDeltas"]["Titre"] == {"1": [["a"], ["a2"]]}


def test_compare_tells_a_removed_table_under_a_minus(document: StandinDocument) -> None:
    real = recorded("remove-table")["steps"][0]["recv"]["data"]["actionGroup"]["actionSummary"]
    assert real["tableRenames"] == [["T2", None]] and real["tableDeltas"]["-T2"]["removeRows"] == [1, 2]
    document.add_records("T", [{"Titre": "a"}, {"Titre": "b"}])
    left = document.history.states()[0]
    document.update("T", 1, {"Titre": "b"})
    document.apply([["UpdateRecord", "T", 1, {"Titre": "c"}], ["RemoveTable", "T"]])
    found = net(document, left)
    assert "T" not in found["tableDeltas"]
    assert found["tableRenames"] == [["T", None]]
    assert found["tableDeltas"]["-T"]["removeRows"] == [1, 2]
    assert found["tableDeltas"]["-T"]["columnDeltas"]["Titre"]["1"] == [["a"], None]


def test_a_failed_bundle_of_renames_leaves_all_as_it_was(document: StandinDocument) -> None:
    document.add_records("T", [{"Titre": "a"}])
    before, columns, states = document.rows("T"), list(document.tables["T"].columns), document.history.states()
    with pytest.raises(Exception, match="KeyError"):
        document.apply(
            [
                ["UpdateRecord", "T", 1, {"Titre": "b"}],
                ["RenameColumn", "T", "Titre", "Sujet"],
                ["AddColumn", "T", "Neuf", {"type": "Text", "isFormula": False}],
                ["RenameTable", "T", "Taches"],
                ["RemoveColumn", "Taches", "Sujet"],
                ["AddRecord", "Taches", None, {"Statut": "x"}],
                ["UpdateRecord", "Taches", 1, {"Nope": 1}],
            ]
        )
    assert document.rows("T") == before and list(document.tables["T"].columns) == columns
    assert document.history.states() == states
