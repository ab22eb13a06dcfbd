"""A table made by hand: recognised, repaired where that is safe, each trap named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grist_live.bootstrap import BootstrapError
from grist_live.settings import load
from tests.bootstrap.operator import (
    SEED,
    WATCHED,
    Operator,
    seed_with,
)
from tests.standin_grist import Receiver


def test_the_seeds_table_is_recognised_and_repaired(op: Operator) -> None:
    op.make_table(*SEED)
    op.doc.add_records("Interventions", [{"ID2": "A1", "Statut": "En cours"}])
    result = op.run()
    assert list(op.doc.tables) == ["Table1", "Interventions"]
    column = op.column("Derniere_MAJ")
    assert (column["isFormula"], column["formula"], column["recalcWhen"]) == (False, "NOW()", 2)
    assert op.shows("~ column Derniere_MAJ", "every hour", "trigger column")
    assert op.doc.rows("Interventions")[1]["ID2"] == "A1"
    assert result.board.column_ids == {}
    assert op.run().lines()[0] == "Nothing to do."


def test_after_the_repair_an_hour_does_not_send_every_row(op: Operator) -> None:
    with Receiver() as receiver:
        op.url = receiver.url.removesuffix("/hook")
        op.make_table(*SEED)
        op.doc.add_records("Interventions", [{"ID2": str(i)} for i in range(10)])
        op.run()
        op.doc.update_current_time()
        op.grist.flush()
        assert receiver.bodies == []


def test_optional_columns_are_made_with_a_table_but_only_suggested_for_one_that_is_there(op: Operator) -> None:
    op.make_table(*SEED)
    op.run()
    assert "Latitude" not in op.doc.tables["Interventions"].columns
    assert op.shows("without the optional Latitude, Longitude")
    assert op.webhooks()[0]["watchedColIds"] == WATCHED[:-2]


def test_missing_columns_are_added_as_data(op: Operator) -> None:
    op.make_table(*[c for c in SEED if c["id"] not in ("Statut", "Derniere_MAJ")])
    op.run()
    assert op.shows("+ column Statut", "Choice")
    statut, time = op.column("Statut"), op.column("Derniere_MAJ")
    assert (statut["isFormula"], statut["type"], statut["untieColIdFromLabel"]) == (False, "Choice", True)
    assert (time["isFormula"], time["recalcWhen"]) == (False, 2)


def test_a_column_is_recognised_by_its_label_and_its_id_is_kept_in_the_configuration(op: Operator) -> None:
    op.make_table(*seed_with("Priorite", id="Prio", label="  PRIORITE "))
    result = op.run()
    assert op.shows("column Prio", "recognised as Priorite")
    assert result.board.column_ids == {"Priorite": "Prio"}
    assert "Prio" in op.webhooks()[0]["watchedColIds"]
    again = load(None, {})[0].board
    assert again.column_ids == {"Priorite": "Prio"}
    assert again.column("priority").id == "Prio"  # type: ignore[union-attr]
    assert op.run().lines()[0] == "Nothing to do."


def test_a_column_that_was_renamed_since_is_found_again(op: Operator) -> None:
    op.make_table(*seed_with("Priorite", id="Prio", label="Priorité"))
    op.run()
    ref = op.column("Prio")["colRef"]
    op.doc.apply([["UpdateRecord", "_grist_Tables_column", ref, {"colId": "Urgence"}]])
    op.run()
    assert load(None, {})[0].board.column_ids == {"Priorite": "Urgence"}
    op.doc.apply([["UpdateRecord", "_grist_Tables_column", ref, {"colId": "Priorite"}]])
    op.run()
    assert load(None, {})[0].board.column_ids == {}


def test_a_table_is_recognised_whatever_its_case(op: Operator) -> None:
    op.make_table(*SEED, name="INTERVENTIONS")
    op.run()
    assert list(op.doc.tables) == ["Table1", "INTERVENTIONS"]
    assert load(None, {})[0].board.table == "INTERVENTIONS"
    assert op.run().lines()[0] == "Nothing to do."


def test_a_column_id_that_grist_changes_is_read_back(op: Operator, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('table = "Cours"\n[[columns]]\nid = "class"\n[[columns]]\nid = "_note"\n')
    op.file.write_text('[boards.cours]\npreset = "p.toml"\n')
    result = op.run("cours")
    assert result.board.column_ids == {"class": "cclass", "_note": "note"}
    assert op.webhooks()[0]["watchedColIds"] == ["cclass", "note"]
    assert op.run("cours").lines()[0] == "Nothing to do."


def test_empty_columns_of_a_new_table_become_what_the_board_needs(op: Operator) -> None:
    op.make_table(*[{"id": c["id"], "label": c["id"], "isFormula": True} for c in SEED])
    op.run()
    assert (op.column("Statut")["type"], op.column("Statut")["isFormula"]) == ("Choice", False)
    assert op.column("Derniere_MAJ")["recalcWhen"] == 2
    assert op.run().lines()[0] == "Nothing to do."


def test_missing_choices_are_added_and_the_users_own_stay_with_their_colours(op: Operator) -> None:
    options = {"choices": ["Annulé", "En cours"], "choiceOptions": {"En cours": {"fillColor": "#123456"}}, "x": 1}
    op.make_table(*seed_with("Statut", widgetOptions=json.dumps(options)))
    op.run()
    after = json.loads(op.column("Statut")["widgetOptions"])
    assert after["choices"] == ["Annulé", "En cours", "En attente", "Terminé", "Bloqué"]
    assert after["choiceOptions"]["En cours"] == {"fillColor": "#123456"}
    assert after["choiceOptions"]["Bloqué"]["fillColor"] == "#FBE6D8"
    assert after["x"] == 1


@pytest.mark.parametrize(
    ("column", "fields", "words"),
    [
        ("Statut", {"type": "Text"}, ("= column Statut", "Text")),
        ("Statut", {"type": "Bool"}, ("! column Statut", "Bool", "Set it to Choice")),
        ("Statut", {"type": "ChoiceList"}, ("! column Statut", "lists")),
        ("Agent", {"type": "Ref:Agents"}, ("! column Agent", "row numbers", "column_ids.Agent")),
        ("Agent", {"isFormula": True, "formula": "$ID2.upper()"}, ("= column Agent", "a formula")),
        ("Agent", {"isFormula": True, "formula": "str(NOW())"}, ("! column Agent", "every hour")),
        ("Derniere_MAJ", {"formula": "MAX($a, NOW())"}, ("! column Derniere_MAJ", "formula column", "trigger")),
        ("Derniere_MAJ", {"isFormula": False, "formula": ""}, ("! column Derniere_MAJ", "by hand")),
        ("Derniere_MAJ", {"isFormula": False, "type": "Date"}, ("! column Derniere_MAJ", "Date")),
        ("Derniere_MAJ", {"isFormula": False}, ("~ column Derniere_MAJ", "only when a row is created")),
        ("Derniere_MAJ", {"isFormula": False, "formula": "NOW() or 1"}, ("! column Derniere_MAJ", "only when")),
    ],
)
def test_each_trap_of_a_column_is_named(
    column: str, fields: dict[str, Any], words: tuple[str, ...], op: Operator
) -> None:
    op.doc.apply([["AddTable", "Agents", [{"id": "Nom", "type": "Text"}]]])
    op.make_table(*seed_with(column, **fields))
    op.run(dry_run=True)
    assert op.shows(*words), op.lines


def test_a_formula_column_that_is_no_plain_now_is_left_alone(op: Operator) -> None:
    op.make_table(*seed_with("Derniere_MAJ", formula="MAX($a, NOW())"))
    op.run()
    assert op.column("Derniere_MAJ")["isFormula"] is True


def test_a_trigger_on_columns_that_the_user_chose_stays(op: Operator) -> None:
    op.make_table(*seed_with("Derniere_MAJ", isFormula=False))
    column = op.doc.tables["Interventions"].columns["Derniere_MAJ"]
    column.recalc_deps = ["L", 8]
    op.run()
    assert (column.recalc_when, column.recalc_deps) == (0, ["L", 8])


def test_a_column_without_a_type_gets_one_with_its_repair(op: Operator) -> None:
    op.make_table(*seed_with("Derniere_MAJ", type="Any"))
    op.doc.add_records("Interventions", [{"ID2": "1"}])
    assert op.doc.rows("Interventions")[1]["Derniere_MAJ"][0] == "D"
    op.run()
    assert op.column("Derniere_MAJ")["type"] == "DateTime:Europe/Paris"
    assert isinstance(op.doc.rows("Interventions")[1]["Derniere_MAJ"], float)


def test_two_columns_with_the_same_label_are_named(op: Operator) -> None:
    columns = [c for c in SEED if c["id"] != "Agent"]
    op.make_table(*columns, {"id": "Qui", "label": "Agent", "type": "Text"}, {"id": "Z", "label": "AGENT"})
    op.run(dry_run=True)
    assert op.shows("!", "several columns could be Agent", "Qui is taken, not Z")


def test_bootstrap_never_gives_recalc_deps_which_would_corrupt_the_document(op: Operator) -> None:
    op.make_table({"id": "ID", "type": "Text"})
    op.run()
    assert not any("recalcDeps" in json.dumps(body) for _, _, body in op.grist.changes())


def test_a_table_name_that_grist_would_change_is_refused(op: Operator, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('table = "Mes été"\n[[columns]]\nid = "A"\n')
    op.file.write_text('[boards.x]\npreset = "p.toml"\n')
    with pytest.raises(BootstrapError, match="no Grist table id"):
        op.run("x")
