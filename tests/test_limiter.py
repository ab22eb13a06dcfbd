"""The limiter: so many in a time, and each source by itself."""

from __future__ import annotations

import pytest

from grist_live import limiter
from grist_live.limiter import Limiter


def test_so_many_in_a_time_and_not_more() -> None:
    now = [0.0]
    limit = Limiter(2, 10, clock=lambda: now[0])
    assert [limit.wait("zoe"), limit.wait("zoe")] == [0, 0]
    now[0] = 4
    assert limit.wait("zoe") == 6 and limit.wait("luc") == 0
    now[0] = 10
    assert limit.wait("zoe") == 0, "what was refused doesn't count"


def test_asking_what_is_left_counts_nothing() -> None:
    now = [0.0]
    limit = Limiter(1, 10, clock=lambda: now[0])
    assert [limit.left("zoe"), limit.left("zoe"), limit.wait("zoe")] == [0, 0, 0]
    now[0] = 3
    assert limit.left("zoe") == 7 == limit.wait("zoe")
    now[0] = 10
    assert limit.left("zoe") == 0


def test_sources_are_forgotten_the_quiet_ones_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "MOST_SOURCES", 2)
    limit = Limiter(1, 1000)
    for source in ("a", "b", "a", "c"):
        limit.wait(source)
    assert limit.wait("a") > 0 and limit.wait("b") == 0
