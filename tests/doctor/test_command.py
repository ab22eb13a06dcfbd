"""`python -m grist_live doctor`, as an operator runs it; and once against a real Grist."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from grist_live.bootstrap import bootstrap
from grist_live.cli import main
from grist_live.doctor import KINDS, examine
from grist_live.grist import Document
from grist_live.settings import load
from tests.doctor.world import OurServer, World
from tests.redis_server import free_port
from tests.standin_grist import OWNER


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run the command in a folder with nothing but what the test put there."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("GRIST_", "PORT"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return lambda *args: CliRunner().invoke(main, ["doctor", *args])


def in_world(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIST_API_KEY", OWNER)
    monkeypatch.setenv("GRIST_LIVE_REDIS_URL", world.settings.redis_url)
    monkeypatch.setenv("GRIST_LIVE_HEARTBEAT", str(world.settings.heartbeat))
    monkeypatch.setenv("GRIST_LIVE_PUBLIC_URL", world.server.url)


def test_a_healthy_board_exits_with_0(
    world: World, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_world(world, monkeypatch)
    result = run("interventions")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert all(line.startswith("= ") for line in lines[:-1])
    assert lines[-1].startswith("0 error(s), 0 warning(s)")


def test_an_error_exits_with_1_and_says_what_to_do(
    world: World, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_world(world, monkeypatch)
    world.webhook()["enabled"] = False
    world.column("Derniere_MAJ").recalc_when = 0
    result = run("--quick")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "[webhook-disabled]" in line)
    assert lines[at].startswith("✗ ") and lines[at + 1] == f"    → {KINDS['webhook-disabled'].hint}"
    told = json.loads(run("--quick", "--json").stdout)
    found = {f["id"]: f for f in told["findings"]}
    assert found["webhook-disabled"] | {"message": ""} == {
        "id": "webhook-disabled", "severity": "error", "message": "", "hint": KINDS["webhook-disabled"].hint,
    }  # fmt: skip
    assert found["updated-at"]["severity"] == "warning"
    assert told["board"] == "interventions" and told["counts"]["error"] == 1


def test_a_warning_alone_exits_with_0(
    world: World, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_world(world, monkeypatch)
    world.column("Derniere_MAJ").recalc_when = 0
    assert run("--quick").exit_code == 0


def test_with_nothing_at_all_it_still_speaks(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIST_LIVE_REDIS_URL", f"redis://127.0.0.1:{free_port()}")
    monkeypatch.setenv("PORT", str(free_port()))
    result = run("--quick", "--json")
    assert result.exit_code == 1 and "Traceback" not in result.output
    ids = {f["id"] for f in json.loads(result.stdout)["findings"]}
    assert {"configuration-problem", "redis-away", "document-unset", "key-missing", "address-silent"} <= ids
    assert "check-failed" not in ids


def test_a_board_that_is_not_there(run: Callable[..., Result]) -> None:
    result = run("nothing")
    assert result.exit_code == 1 and "interventions" in result.stderr


@pytest.mark.grist
def test_on_a_real_grist(redis_server: object, world: World, tmp_path: Path) -> None:
    """A board that was just bootstrapped is in order; what is then broken in Grist is found."""
    server, key = os.environ["GRIST_URL"], os.environ["GRIST_API_KEY"]
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"
    places = session.get(f"{server}/api/orgs/current/workspaces", timeout=30).json()
    place = next(w["id"] for w in places if w["access"] in ("owners", "editors"))
    doc = session.post(f"{server}/api/workspaces/{place}/docs", json={"name": "doctor"}, timeout=30).json()
    try:
        folder = tmp_path / "real"
        folder.mkdir()
        with OurServer() as ours:
            env = {
                "GRIST_API_KEY": key, "GRIST_LIVE_GRIST_URL": server, "GRIST_LIVE_PUBLIC_URL": ours.url,
                "GRIST_LIVE_REDIS_URL": world.settings.redis_url, "GRIST_LIVE_HEARTBEAT": "0.1",
            }  # fmt: skip
            file = folder / "grist-live.toml"
            file.write_text("")
            settings, _ = load(file, env)
            document = Document(server, doc, key)
            bootstrap(settings, settings.board, document, echo=lambda line: None)
            settings, problems = load(file, env)
            before = document.head(), document.webhooks()
            findings = list(examine(settings, problems, settings.board))
            assert (document.head(), document.webhooks()) == before
            assert [str(f) for f in findings if f.severity not in ("ok", "info")] == []
            assert {"role", "reads-all", "webhook", "websocket", "page", "clock", "columns"} <= {f.id for f in findings}
            table = settings.board.table
            document.update_webhook(document.webhooks()[0]["id"], {"enabled": False})
            document.apply(
                [
                    [
                        "AddVisibleColumn",
                        table,
                        "Heure",
                        {"type": "DateTime:UTC", "isFormula": True, "formula": "NOW()"},
                    ],
                    ["RenameColumn", table, "Statut", "Etat"],
                ]
            )
            ids = {f.id for f in examine(settings, problems, settings.board, quick=True)}
            assert {"webhook-disabled", "now-formula", "column-renamed", "websocket"} <= ids
            document.close()
    finally:
        session.delete(f"{server}/api/docs/{doc}", timeout=30)
        session.close()
