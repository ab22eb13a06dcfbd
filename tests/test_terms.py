"""Terms: who may stay until when."""

from __future__ import annotations

from grist_live.terms import LOOK_EVERY, Terms
from grist_live.viewers import QueueViewer


def viewer() -> QueueViewer:
    made = QueueViewer(1000, lambda: None)
    made.place = {made}
    return made


def test_each_leaves_when_its_time_is_up() -> None:
    now = [100.0]
    terms, early, late = Terms(lambda: now[0]), viewer(), viewer()
    terms.add(late, 300, b"late")
    terms.add(early, 110, b"early")
    assert list(terms.over()) == []
    now[0] = 109
    assert list(terms.over()) == []
    now[0] = 110
    assert list(terms.over()) == [(early, b"early")] and list(terms.over()) == []
    now[0] = 301
    assert list(terms.over()) == [(late, b"late")] and len(terms) == 0


def test_who_has_left_is_forgotten_before_their_time() -> None:
    now = [100.0]
    terms, left = Terms(lambda: now[0]), viewer()
    terms.add(left, 10**9, b"")
    left.place = None
    now[0] += LOOK_EVERY + 1
    assert list(terms.over()) == [] and len(terms) == 0
