"""Tests against a real Grist server run when there is one, and only then."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests against a real Grist out without GRIST_URL; who asks for them all the same is told."""
    ours = [item for item in items if item.get_closest_marker("grist")]
    missing = [name for name in ("GRIST_URL", "GRIST_API_KEY") if not os.environ.get(name)]
    asked = config.option.markexpr
    if not ours or not missing or asked == "not grist":
        return
    if "grist" in asked or "GRIST_URL" not in missing:
        raise pytest.UsageError(f"tests against a real Grist server need {' and '.join(missing)} in the environment")
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if item not in ours]
