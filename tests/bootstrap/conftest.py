"""A stand-in Grist with one document, and somebody who bootstraps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bootstrap.operator import (
    Operator,
)
from tests.standin_grist import StandinGrist


@pytest.fixture
def grist() -> Iterator[StandinGrist]:
    with StandinGrist() as grist:
        yield grist


@pytest.fixture
def op(grist: StandinGrist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.chdir(tmp_path)
    return Operator(grist, grist.add_document(), tmp_path)
