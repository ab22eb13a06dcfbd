"""The docs tell all that there is, in both languages, and nothing that isn't."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from grist_live.cli import main as cli
from grist_live.doctor import KINDS
from grist_live.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "widget_src").rglob("*.md")])
LANGUAGES = ("en", "fr")
READMES = {"en": ROOT / "README.md", "fr": ROOT / "README.fr.md"}

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
# Written so that this file doesn't name them itself.
REGISTRIES = re.compile(r"np[m]js\.(org|com)|py[p]i\.org|python[h]osted|[d]eb(ian)?\.debian\.org|yarn[p]kg")


def load_reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load_reference()


def text_of(language: str) -> str:
    return "\n".join(p.read_text("utf-8") for p in [READMES[language], *sorted((DOCS / language).glob("*.md"))])


def commands() -> list[tuple[str, click.Command]]:
    return sorted(cli.commands.items())


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_has_help_with_an_example(name: str, command: click.Command) -> None:
    assert reference.summary(command).endswith("."), "the help starts with a sentence"
    found = reference.examples(command)
    assert [e for e in found if f"grist_live {name}" in e], f"after \\b, an example that runs {name}: {found}"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"--{parameter.name} of {name} has no help"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_in_the_docs(language: str) -> None:
    text = text_of(language)
    missing = [name for name, _ in commands() if not re.search(rf"`(python -m grist_live |grist-live )?{name}\b", text)]
    assert not missing


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_is_in_the_docs(language: str) -> None:
    text = (DOCS / language / "configuration.md").read_text("utf-8")
    assert not [s.name for s in Settings.table() if f"| `{s.name}` |" not in text]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_is_in_the_docs(language: str) -> None:
    text = (DOCS / language / "operations.md").read_text("utf-8")
    names = set(re.findall(r'"(grist_live_\w+)"', (ROOT / "grist_live" / "metrics.py").read_text("utf-8")))
    assert names and not [name for name in sorted(names) if not re.search(rf"`{name}(_total)?[`{{]", text)]


def test_every_text_has_its_french() -> None:
    texts = [s.metadata["help"] for s in Settings.table()] + [reference.summary(c) for _, c in commands()]
    missing = [text for text in texts if text not in reference.FRENCH]
    assert not missing, f"add their French to docs/reference.py: {missing}"
    stale = sorted(reference.FRENCH.keys() - set(texts))
    assert not stale, f"the program no longer says this; remove it from docs/reference.py: {stale}"


def test_every_finding_of_the_doctor_has_its_french() -> None:
    texts = {text for kind in KINDS.values() for text in (kind.meaning, kind.hint) if text}
    assert texts == reference.FINDINGS.keys(), "docs/findings.fr.json holds what the doctor says, no more and no less"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", reference.TABLES)
def test_generated_tables_are_current(name: str, language: str) -> None:
    path, text, wanted = reference.page(name, language)
    assert text == wanted, f"{path.name} is not current: run `make reference`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_settings_of_the_readme_exist(language: str) -> None:
    text = READMES[language].read_text("utf-8")
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \| ", text, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert "public_url" in named
    assert named <= {s.name for s in Settings.table()}


def test_every_page_exists_in_both_languages() -> None:
    english, french = ({p.name for p in (DOCS / language).glob("*.md")} for language in LANGUAGES)
    assert english == french
    assert {"install.md", "bootstrap.md", "widget.md", "configuration.md", "boards.md"} <= english
    assert {"api.md", "operations.md", "development.md"} <= english


@pytest.mark.parametrize("name", sorted(p.name for p in (DOCS / "en").glob("*.md")))
def test_both_languages_have_the_same_parts(name: str) -> None:
    outlines = []
    for language in LANGUAGES:
        text = FENCE.sub("", (DOCS / language / name).read_text("utf-8"))
        outlines.append([len(m[1]) for m in re.finditer(r"^(#+) ", text, re.MULTILINE)])
    assert outlines[0] == outlines[1], "a heading is missing in one of the languages"


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def relative_links(path: Path) -> Iterator[str]:
    for target in LINK.findall(FENCE.sub("", path.read_text("utf-8"))):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_resolve(path: Path) -> None:
    for target in relative_links(path):
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(there), f"{target}: there is no such heading"


def test_every_page_can_be_reached_from_its_readme() -> None:
    for language, readme in READMES.items():
        linked = {(readme.parent / target.partition("#")[0]).resolve() for target in relative_links(readme)}
        assert {p.resolve() for p in (DOCS / language).glob("*.md")} <= linked


def test_pictures_are_small() -> None:
    pictures = sorted((DOCS / "images").glob("*.png"))
    assert pictures
    assert not [p.name for p in pictures if p.stat().st_size > 300_000]


def tracked() -> list[Path]:
    """Return the project's own files: what git knows, and what it would be given."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.fail("git doesn't list the files: run this in a clone")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_registry_is_named() -> None:
    """Addresses of registries belong in the configuration of pip and npm: each site has its own mirror."""
    found = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {m[0]}" for m in REGISTRIES.finditer(text)]
    assert not found
