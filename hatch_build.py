"""Hatchling's hook: a wheel carries the built widgets, so that its users never need Node.js."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WidgetsHook(BuildHookInterface):  # type: ignore[misc]
    """Builds the widgets before a wheel is packed; an editable install builds them when the user asks."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root)))
        import build

        build.build()
