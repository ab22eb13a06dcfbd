"""Effects: what is done once for each change: rules read the log and make jobs, senders bring them to outlets.

To add an outlet: a class in a file beside this one, its line in `OUTLETS`, a template, a test (docs: alerts).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from grist_live.effects.matrix import Matrix
from grist_live.effects.message import Words
from grist_live.effects.outlet import Outlet
from grist_live.outbound import Outbound
from grist_live.settings import Settings

OUTLETS: dict[str, type[Outlet]] = {
    "matrix": Matrix,
    "tchap": Matrix,
}


class OutletError(ValueError):
    """An outlet's settings can't be used; the message says why."""


def make_outlet(
    name: str,
    table: Mapping[str, Any],
    language: str = "fr",
    public_url: str = "",
    http: Callable[[], Outbound] = Outbound,
) -> Outlet:
    """Make an outlet from its table; without `kind` its name tells what it is. Raises `OutletError`."""
    kind = table.get("kind", name)
    if kind not in OUTLETS:
        raise OutletError(f"kind {kind!r} is unknown; there is: {', '.join(OUTLETS)}")
    try:
        options = msgspec.convert({"language": language, **table}, OUTLETS[kind].Options)
    except msgspec.ValidationError as error:
        raise OutletError(str(error)) from None
    return OUTLETS[kind](name, options, Words(options.language, public_url), http())


def make_outlets(settings: Settings) -> dict[str, Outlet]:
    """Make every outlet that can be made; `check` tells of the others."""
    outlets: dict[str, Outlet] = {}
    for name, table in settings.outlets.items():
        try:
            outlets[name] = make_outlet(name, table, settings.language or "fr", settings.public_url.rstrip("/"))
        except OutletError:
            continue
    return outlets
