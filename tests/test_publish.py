"""Publishing: whole files or none, and a document that is led to them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from grist_live import publish, widgets
from grist_live.cli import main
from grist_live.publish import PublishError
from grist_live.settings import Settings, load
from tests.bootstrap.operator import Operator
from tests.standin_grist import OWNER, StandinGrist

PAGE = '<script type="application/json" id="grist-live-config">{"old":1}</script><p>the widget</p>'
NAMES = ["dashboard.html", "grist-realtime-dashboard-widget.html", "manifest.json"]


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for what build.py writes."""
    static = tmp_path / "static"
    (static / "widgets").mkdir(parents=True)
    entries = []
    for name in NAMES[:2]:
        (static / "widgets" / name).write_text(PAGE)
        entries.append({"file": name, "csp": {"script": [], "style": []}})
    (static / "widgets" / "build.json").write_text(json.dumps({"widgets": entries}))
    gallery = [{"name": "Live dashboard", "url": "widgets/dashboard.html", "widgetId": "@grist-live/dashboard"}]
    (static / "manifest.json").write_text(json.dumps(gallery))
    monkeypatch.setattr(widgets, "STATIC", static)
    return static


@pytest.fixture
def settings() -> Settings:
    settings, _ = load(None, {}, public_url="https://live.example.fr", grist_url="https://grist.example.fr")
    return dataclasses.replace(settings, token_keys=("a-secret-key-that-signs",), webhook_secret=("a-webhook-secret",))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("GRIST_API_KEY", "GRIST_LIVE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return lambda *args: CliRunner().invoke(main, ["publish", *map(str, args)])


def config_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.partition('config">')[2].partition("</script>")[0])
    return found


def test_the_files_know_both_servers_and_no_secret(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "www"
    assert publish.publish(folder, publish.files(settings)) == NAMES
    assert sorted(p.name for p in folder.iterdir()) == NAMES
    text = (folder / "dashboard.html").read_text()
    config = config_of(text)
    assert config["server"] == "https://live.example.fr" and config["grist"] == "https://grist.example.fr"
    assert (config["board"], config["token"], config["standalone"]) == (None, "", False)
    assert "the widget" in text and "secret" not in text
    assert json.loads((folder / "manifest.json").read_text())[0]["url"] == "dashboard.html"


def test_without_a_public_address_the_page_asks_for_it(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("--to", tmp_path / "www")
    assert done.exit_code == 0 and "public_url isn't set" in done.output
    assert config_of((tmp_path / "www" / "dashboard.html").read_text())["server"] is None


def test_a_second_time_there_is_nothing_to_write(settings: Settings, tmp_path: Path) -> None:
    wanted = publish.files(settings)
    publish.publish(tmp_path / "www", wanted)
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "www").iterdir()}
    assert publish.publish(tmp_path / "www", wanted) == []
    assert {p.name: p.stat().st_mtime_ns for p in (tmp_path / "www").iterdir()} == before


def test_check_tells_by_its_exit_code(run: Callable[..., Result], built: Path, tmp_path: Path) -> None:
    www = tmp_path / "www"
    missing = run("--to", www, "--check")
    assert missing.exit_code == 1 and "dashboard.html" in missing.output and not www.exists()
    assert run("--to", www).exit_code == 0
    current = run("--to", www, "--check")
    assert (current.exit_code, current.output) == (0, f"{www}: current\n")
    for change in (
        lambda: (www / "manifest.json").unlink(),
        lambda: (www / "dashboard.html").write_text("half a fi"),
        lambda: (built / "widgets" / "dashboard.html").write_text(PAGE + "new"),
        lambda: (tmp_path / "grist-live.toml").write_text('public_url = "https://elsewhere.example.fr"'),
    ):
        change()
        stale = run("--to", www, "--check")
        assert stale.exit_code == 1 and "not current" in stale.output
        assert run("--to", www).exit_code == 0 and run("--to", www, "--check").exit_code == 0


def test_other_files_of_the_folder_stay(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("theirs")
    publish.publish(tmp_path, publish.files(settings))
    assert (tmp_path / "index.html").read_text() == "theirs"


def test_whoever_reads_meanwhile_never_gets_half_a_file(tmp_path: Path) -> None:
    """A reader in a thread, while the file is replaced a hundred times."""
    versions = [letter * 200_000 for letter in (b"a", b"b")]
    publish.publish(tmp_path, {"dashboard.html": versions[0]})
    wrong: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            found = (tmp_path / "dashboard.html").read_bytes()
            if found not in versions:
                wrong.append(len(found))

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(100):
        publish.publish(tmp_path, {"dashboard.html": versions[i % 2]})
    stop.set()
    reader.join()
    assert not wrong


FOR_EVER = """
import sys
from pathlib import Path
from grist_live.publish import publish

print("begins", flush=True)
while True:
    for letter in (b"a", b"b"):
        publish(Path(sys.argv[1]), {"dashboard.html": letter * 2_000_000})
"""


def test_who_is_killed_while_publishing_leaves_a_whole_file(tmp_path: Path) -> None:
    """Again and again, while somebody reads; what half-written files are left goes with a later run."""
    www = tmp_path / "www"
    file = www / "dashboard.html"
    versions = [letter * 2_000_000 for letter in (b"a", b"b")]
    publish.publish(www, {file.name: versions[0]})
    wrong: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            if (found := file.read_bytes()) not in versions:
                wrong.append(len(found))

    reader = threading.Thread(target=read)
    reader.start()
    half: list[Path] = []
    try:
        for n in range(40):
            with subprocess.Popen([sys.executable, "-c", FOR_EVER, www], stdout=subprocess.PIPE) as process:
                assert process.stdout and process.stdout.readline() == b"begins\n"
                time.sleep(0.005 + 0.003 * n)
                process.kill()
            assert file.read_bytes() in versions
            half = [path for path in www.glob(".dashboard.html.*") if path.stat().st_size < 2_000_000]
            if len(half) >= 2 and n >= 5:
                break
    finally:
        stop.set()
        reader.join()
    assert half and not wrong, "killed in the middle of it, and yet nobody saw half a file"
    publish.publish(www, {file.name: b"new"})
    assert set(half) <= set(www.iterdir()), "another run may be writing them"
    for path in www.glob(".dash*"):
        os.utime(path, (1, 1))
    publish.publish(www, {file.name: versions[1]})
    assert list(www.iterdir()) == [file] and file.read_bytes() == versions[1]


def test_a_disk_that_is_full_leaves_the_old_file(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish.publish(tmp_path, {"dashboard.html": b"the old one"})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PublishError, match="No space left"):
        publish.publish(tmp_path, {"dashboard.html": b"the new one"})
    assert (tmp_path / "dashboard.html").read_bytes() == b"the old one"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".dash")] == []


def test_a_web_server_may_read_what_was_published(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[]")
    (tmp_path / "manifest.json").chmod(0o640)
    publish.publish(tmp_path, publish.files(settings))
    modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir() if p.is_file()}
    assert modes == {"dashboard.html": 0o644, NAMES[1]: 0o644, "manifest.json": 0o640}, "what was set stays"


def test_a_folder_that_is_read_only_is_told(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a stub, because root may write everywhere."""
    www = tmp_path / "www"
    assert run("--to", www).exit_code == 0
    (www / "manifest.json").write_text("an old one")

    def refuse(*_: object, dir: Path, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(publish.tempfile, "mkstemp", refuse)
    done = run("--to", www)
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert f"{www}: Permission denied; name a web server's folder" in done.output
    assert (www / "manifest.json").read_text() == "an old one"
    assert run("--to", www, "--check").exit_code == 1, "looking is allowed, and tells that it isn't current"


def test_what_can_not_be_read_is_not_called_outdated(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    www = tmp_path / "www"
    assert run("--to", www).exit_code == 0

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    wanted = publish.files(load(None, {})[0])
    monkeypatch.setattr(publish, "files", lambda settings: wanted)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    done = run("--to", www, "--check")
    assert done.exit_code == 1 and "Permission denied; name" in done.output and "not current" not in done.output


def test_a_folder_that_can_not_be_written_is_told(run: Callable[..., Result], tmp_path: Path, built: Path) -> None:
    nowhere = run("--to", tmp_path / "no" / "such" / "place")
    assert nowhere.exit_code == 1 and "folder" in nowhere.output and "Traceback" not in nowhere.output
    (built / "widgets" / "build.json").unlink()
    unbuilt = run("--to", tmp_path / "www")
    assert unbuilt.exit_code == 1 and "build.py" in unbuilt.output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "--to FOLDER"), (("--check",), "--to FOLDER"), (("--check", "--doc", "d"), "--to FOLDER"),
        (("--to", "x", "--url", "https://a.fr"), "goes with --doc"), (("--doc", "d", "--url", "ftp://a.fr"), "http"),
        (("--to", "x", "--doc", "d"), "--url"), (("--doc", "unknownDocument"), "no board has the document"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told(run: Callable[..., Result], args: tuple[str, ...], words: str) -> None:
    done = run(*args)
    assert done.exit_code == 1 and words in done.output


# --------------------------------------------------------------------------------------------------------- --doc


@pytest.fixture
def op(tmp_path: Path, run: Callable[..., Result]) -> Iterator[Operator]:
    with StandinGrist() as grist:
        yield Operator(grist, grist.add_document(), tmp_path)


@pytest.fixture
def keyed(op: Operator, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("GRIST_API_KEY", OWNER)
    monkeypatch.setenv("GRIST_LIVE_PUBLIC_URL", op.url)
    return lambda *args: run("--doc", op.doc.id, *args)


URL = "https://www.example.fr/grist-widgets/"


def test_the_documents_page_loads_the_published_file(op: Operator, keyed: Callable[..., Result]) -> None:
    op.run()
    before = op.widgets()[0]
    done = keyed("--url", URL)
    assert done.exit_code == 0 and 'cors_origins = ["https://www.example.fr"]' in done.output
    after = op.widgets()[0]
    assert after["url"] == f"{URL}dashboard.html"
    assert {k: v for k, v in after.items() if k != "url"} == {k: v for k, v in before.items() if k != "url"}
    assert "Nothing to do." in keyed("--url", f"{URL}dashboard.html").output
    assert op.run().lines()[0] == "Nothing to do.", "bootstrap doesn't put the old address back"
    assert keyed("--url", "https://www.example.fr/new/mine.html").exit_code == 0
    assert op.widgets()[0]["url"] == "https://www.example.fr/new/mine.html"
    assert op.run().lines()[0] == "Nothing to do." and len(op.widgets()) == 1


def test_without_an_address_it_is_our_own_server_again(op: Operator, keyed: Callable[..., Result]) -> None:
    op.run()
    keyed("--url", URL)
    done = keyed()
    assert done.exit_code == 0 and "cors" not in done.output
    assert op.widgets()[0]["url"] == f"{op.url}/widgets/dashboard.html"
    assert op.run().lines()[0] == "Nothing to do."


def test_a_widget_from_the_gallery_is_led_there_too(op: Operator, keyed: Callable[..., Result]) -> None:
    op.run()
    definition = {"url": f"{op.url}/widgets/dashboard.html", "widgetId": "@grist-live/dashboard"}
    op.change_widget(url=None, widgetId="@grist-live/dashboard", widgetDef=definition)
    keyed("--url", URL)
    assert op.widgets()[0]["url"] == f"{URL}dashboard.html"
    assert not {"widgetId", "widgetDef"} & op.widgets()[0].keys(), "they would win over the address"


def test_the_short_id_in_an_address_means_the_same_document(
    op: Operator, keyed: Callable[..., Result], run: Callable[..., Result]
) -> None:
    op.run()
    whole, short = op.doc.id, op.doc.id[:12]
    op.grist.documents[short] = op.doc
    assert run("--doc", f"{op.grist.url}/{short}/Demo/p/3", "--url", URL).exit_code == 0
    assert op.widgets()[0]["url"] == f"{URL}dashboard.html" and whole != short
    assert run("--doc", whole[:11], "--url", URL).exit_code == 1


def test_a_document_without_a_dashboard_is_told(op: Operator, keyed: Callable[..., Result]) -> None:
    op.run()
    op.doc.meta["_grist_Views_section"].clear()
    done = keyed("--url", URL)
    assert done.exit_code == 1 and "run bootstrap first" in done.output
    assert "widget" not in op.file.read_text("utf-8")


def test_an_origin_that_is_allowed_needs_no_advice(op: Operator, keyed: Callable[..., Result]) -> None:
    op.run()
    op.file.write_text('cors_origins = ["https://www.example.fr"]\n' + op.file.read_text("utf-8"), "utf-8")
    assert "cors" not in keyed("--url", URL).output


def test_files_and_document_in_one_go(op: Operator, keyed: Callable[..., Result], tmp_path: Path) -> None:
    op.run()
    done = keyed("--to", tmp_path / "www", "--url", URL)
    assert done.exit_code == 0 and (tmp_path / "www" / "dashboard.html").is_file()
    assert op.widgets()[0]["url"] == f"{URL}dashboard.html"
    config = config_of((tmp_path / "www" / "dashboard.html").read_text())
    assert config["server"] == op.url and config["grist"] == op.grist.url
