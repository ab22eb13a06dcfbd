"""Sample rows: the same again for the same numbers, and edits that change something."""

from __future__ import annotations

import random

from grist_live import sample
from grist_live.board import load_preset


def test_it_works() -> None:
    rows = sample.interventions(40)
    assert [tuple(row) for row in rows] == [sample.ROLES] * 40
    assert (rows[0]["title"], rows[39]["title"]) == ("INT-0001", "INT-0040")


def test_rows_depend_on_their_number_and_the_seed_alone() -> None:
    assert sample.interventions(3, start=8) == sample.interventions(10)[7:]
    assert sample.interventions(3) != sample.interventions(3, seed=1)


def test_their_values_are_those_of_the_preset() -> None:
    board = load_preset("interventions")
    assert sample.board_choices(board) == sample.CHOICES


def test_every_kind_of_state_occurs() -> None:
    rows = sample.interventions(40)
    for role, values in sample.CHOICES.items():
        assert {row[role] for row in rows} == set(values)


def test_an_edit_always_changes_something() -> None:
    rng = random.Random(1)
    for row in sample.interventions(30):
        for _ in range(50):
            change = sample.edit(row, rng)
            assert change and all(row[role] != value for role, value in change.items())
            row |= change


def test_another_boards_choices_may_be_fewer_or_more() -> None:
    choices = {"kind": ["A"], "status": ["ouvert", "clos"], "priority": [str(n) for n in range(9)]}
    rows = sample.interventions(200, choices=choices)
    assert {row["status"] for row in rows} == {"ouvert", "clos"}
    assert {row["priority"] for row in rows} == set(choices["priority"])


def test_what_the_counts_were_before_adds_up() -> None:
    counts = {"": 40, "En attente": 15, "En cours": 10, "Terminé": 11, "Bloqué": 4, "urgent": 2}
    past = sample.counts_before(counts, 144)
    assert len(past) == 144 and len({tuple(sorted(slot.items())) for slot in past}) > 20
    for slot in past:
        assert sum(slot[name] for name in sample.STATUSES) == slot[""] == 40 and min(slot.values()) >= 0
