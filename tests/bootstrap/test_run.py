"""Bootstrap as a whole: a fresh document, a second run, a dry run, an interrupted run, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grist_live.access import Access
from grist_live.bootstrap import BootstrapError
from grist_live.grist import GristError
from grist_live.settings import load
from tests.bootstrap.operator import (
    CHOICES,
    URL,
    WATCHED,
    Operator,
    break_webhook,
    signature,
)
from tests.standin_grist import EDITOR, StandinGrist


def test_it_works(op: Operator) -> None:
    result = op.run()
    assert [c.id for c in op.doc.tables["Interventions"].visible()] == [
        "ID2", "Agent", "Localisation", "Type", "Statut", "Priorite", "Derniere_MAJ", "Commentaire",
        "Latitude", "Longitude"]  # fmt: skip
    assert [w["name"] for w in op.webhooks()] == ["Broadcast Interventions"]
    assert [w["page"] for w in op.widgets()] == ["Tableau de bord"]
    assert result.page == f"{op.grist.url}/doc/{op.doc.id}/p/3"
    assert result.left == []
    assert all(line[:2] in ("+ ", "✓ ") for line in op.lines)


def test_columns_have_labels_choices_and_colours(op: Operator) -> None:
    op.run()
    assert op.column("ID2")["label"] == "ID"
    assert op.column("Priorite")["label"] == "Priorité"
    for name, count in CHOICES.items():
        options = json.loads(op.column(name)["widgetOptions"])
        assert len(options["choices"]) == len(options["choiceOptions"]) == count
    urgent = json.loads(op.column("Priorite")["widgetOptions"])["choiceOptions"]["Urgente"]
    assert urgent == {"fillColor": "#FBDDE0", "textColor": "#B3001B"}


def test_the_time_of_the_last_change_is_a_trigger_column_although_post_tables_drops_that(op: Operator) -> None:
    op.run()
    column = op.column("Derniere_MAJ")
    assert (column["isFormula"], column["formula"], column["recalcWhen"]) == (False, "NOW()", 2)


def test_a_new_label_does_not_rename_a_column(op: Operator) -> None:
    op.run()
    ref = op.column("Statut")["colRef"]
    op.doc.apply([["UpdateRecord", "_grist_Tables_column", ref, {"label": "État"}]])
    assert op.column("Statut")["label"] == "État"


def test_labels_are_in_the_configured_language(op: Operator) -> None:
    op.env = {"GRIST_LIVE_LANGUAGE": "en"}
    op.run()
    assert op.column("Statut")["label"] == "Status"
    assert op.widgets()[0]["widgetOptions"]["language"] == "en"


def test_the_webhook_watches_all_but_the_time(op: Operator) -> None:
    op.run()
    secret = load(None, {})[0].webhook_secret[0]
    webhook = op.webhooks()[0]
    del webhook["unsubscribeKey"]
    assert webhook == {
        "name": "Broadcast Interventions",
        "memo": "",
        "url": f"{URL}/webhook/grist-realtime",
        "authorization": f"Bearer {secret}",
        "eventTypes": ["add", "update"],
        "tableId": "Interventions",
        "watchedColIds": WATCHED,
        "isReadyColumn": None,
        "enabled": True,
    }


def test_the_widget_gets_its_address_and_a_token_of_this_board(op: Operator) -> None:
    result = op.run()
    widget = op.widgets()[0]
    options = widget["widgetOptions"]
    assert (widget["url"], widget["access"]) == (f"{URL}/widgets/dashboard.html", "read table")
    assert (widget["mode"], widget["renderAfterReady"]) == ("url", False)
    assert (options["stream"], options["language"]) == (f"{URL}/boards/interventions/stream", "fr")
    settings = load(None, {})[0]
    assert Access((), settings.token_keys).token_ok(result.board, options["token"])


def test_a_public_board_puts_no_token_into_the_document(op: Operator) -> None:
    op.file.write_text('[boards.interventions]\npreset = "interventions"\naccess = "public"\n')
    op.run()
    assert "token" not in op.widgets()[0]["widgetOptions"]


def test_a_board_that_becomes_public_takes_its_token_back(op: Operator) -> None:
    op.run()
    op.file.write_text(op.file.read_text() + 'access = "public"\n')
    op.run()
    assert op.shows("~ page", "no viewer token")
    assert "token" not in op.widgets()[0]["widgetOptions"]


def test_full_access_is_a_choice_that_names_what_it_means(op: Operator) -> None:
    op.run(access="full")
    assert op.widgets()[0]["access"] == "full"
    assert op.shows("!", "access full", "every table")
    op.run()
    assert op.widgets()[0]["access"] == "full"
    with pytest.raises(BootstrapError, match="read table, full"):
        op.run(access="all")


def test_another_board_gets_an_address_of_its_own(op: Operator, tmp_path: Path) -> None:
    preset = tmp_path / "chantiers.toml"
    preset.write_text('table = "Chantiers"\npage = "Suivi"\n[[columns]]\nid = "Nom"\nrole = "title"\n')
    op.file.write_text(f'[boards.chantiers]\npreset = "{preset}"\n')
    op.run("chantiers", preset="chantiers.toml")
    assert op.webhooks()[0]["url"] == f"{URL}/webhook/chantiers"
    assert op.webhooks()[0]["name"] == "Broadcast Chantiers"
    assert op.widgets()[0]["page"] == "Suivi"
    assert load(None, {})[0].boards["chantiers"].preset == str(preset)
    assert op.run("chantiers", preset="chantiers.toml").lines()[0] == "Nothing to do."


# Again, dry, interrupted


def test_a_second_run_changes_nothing_and_says_so(op: Operator) -> None:
    op.run()
    before, asked = op.file.read_bytes(), len(op.grist.changes())
    result = op.run()
    assert result.lines()[0] == "Nothing to do."
    assert all(line.startswith("= ") for line in op.lines)
    assert len(op.grist.changes()) == asked
    assert op.file.read_bytes() == before


def test_a_dry_run_changes_nothing_at_all(op: Operator) -> None:
    result = op.run(dry_run=True, sample_data=10)
    assert op.grist.changes() == []
    assert list(op.folder.iterdir()) == []
    assert result.lines() == ["Dry run: nothing was changed; 5 to do."]
    assert op.shows("+ table Interventions") and op.shows("+ webhook") and op.shows("+ page")
    assert op.shows("+ 10 sample rows")


@pytest.mark.parametrize("done", [False, True], ids=["before Grist acted", "after Grist acted"])
@pytest.mark.parametrize("nth", range(5))
def test_an_interrupted_run_is_completed_by_the_next(nth: int, done: bool, op: Operator, grist: StandinGrist) -> None:
    whole = Operator(grist, grist.add_document(), op.folder)
    whole.run()
    op.file.unlink()
    assert len(grist.changes()) == 5  # table, its columns, a widget, its settings, webhook
    seen = iter(range(99))
    grist.drop(method="", path="", times=0)
    fault = grist.faults[-1]
    fault.times, fault.after = 1, done
    fault.match = lambda method, path: method != "GET" and next(seen) == nth
    with pytest.raises(GristError):
        op.run()
    op.run()
    assert signature(op) == signature(whole)
    assert op.run().lines()[0] == "Nothing to do."


# Errors


@pytest.mark.parametrize(
    ("key", "words"), [("wrong", "refuses the API key"), (EDITOR, "isn't an owner")], ids=["wrong key", "editor"]
)
def test_a_key_that_does_not_fit_stops_before_anything_is_changed(key: str, words: str, op: Operator) -> None:
    op.key = key
    with pytest.raises(GristError, match=words):
        op.run()
    assert op.grist.changes() == []
    assert not op.file.exists()


def test_a_refused_webhook_address_leaves_all_else_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with StandinGrist(allowed_domains="example.fr") as grist:
        op = Operator(grist, grist.add_document(), tmp_path)
        with pytest.raises(GristError, match="localhost:8484 to ALLOWED_WEBHOOK_DOMAINS.*all else is done"):
            op.run()
        assert op.widgets() and op.file.exists() and not op.webhooks()
        op.url = "http://10.0.0.7:8484"
        with pytest.raises(GristError, match="plain http is refused"):
            op.run()
        op.url = "https://live.example.fr"
        op.run()
        assert len(op.webhooks()) == len(op.widgets()) == 1
        assert op.widgets()[0]["url"] == "https://live.example.fr/widgets/dashboard.html"


def test_a_busy_grist_is_asked_again(op: Operator) -> None:
    op.grist.fail(429, times=3)
    op.grist.fail(429, times=2, method="POST")
    assert op.run().left == []


def test_what_grist_silently_drops_is_told(op: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.standin.webhooks.Webhooks.patch", lambda *args: None)
    op.run()
    break_webhook(op, enabled=False)
    result = op.run()
    assert any("Grist didn't keep" in line and "disabled" in line for line in result.lines())
