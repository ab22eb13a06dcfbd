"""What was measured: lines with their targets, and the page that is written of them."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One result. `target` is the project's; `met` is None where there is none."""

    what: str
    value: str
    target: str = ""
    met: bool | None = None
    ratio: bool = False


@dataclass
class Report:
    lines: list[Line] = field(default_factory=list)
    tables: list[tuple[str, list[str], list[list[str]]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def ratio(self, what: str, value: float, least: float | None = None, most: float | None = None) -> None:
        """Add a ratio; it meets its target when it is at least `least`, or at most `most`."""
        met = None if least is most is None else (least is None or value >= least) and (most is None or value <= most)
        self._add(Line(what, f"{value:.2f} ×", _target(least, most, " ×"), met, ratio=True))

    def number(
        self, what: str, value: float, unit: str, least: float | None = None, most: float | None = None, digits: int = 0
    ) -> None:
        met = None if least is most is None else (least is None or value >= least) and (most is None or value <= most)
        self._add(Line(what, f"{value:,.{digits}f} {unit}", _target(least, most, f" {unit}"), met))

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        mark = {None: " ", True: "✓", False: "✗"}[line.met]
        print(f"  {mark} {line.what}: {line.value}" + (f"  (target {line.target})" if line.target else ""), flush=True)

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        self.tables.append((title, list(head), [[str(cell) for cell in row] for row in rows]))

    def note(self, text: str) -> None:
        self.notes.append(text)
        print(f"  ! {text}", flush=True)

    def markdown(self, command: str, versions: dict[str, str]) -> str:
        met = [line for line in self.lines if line.met is not None]
        out = [
            "# Results of the benchmark",
            "",
            f"Written by `{command}` on {datetime.now(UTC):%Y-%m-%d}: {sum(bool(x.met) for x in met)} of {len(met)} "
            "targets met. Figures are medians of alternating rounds; compare them within this page only (README.md).",
            "",
            f"- machine: {machine()}",
            *(f"- {name}: {text}" for name, text in versions.items()),
            "",
        ]
        lines = [x for x in self.lines if x.ratio] + [x for x in self.lines if not x.ratio]
        rows = [[x.what, x.value, x.target, {None: "", True: "met", False: "**not met**"}[x.met]] for x in lines]
        out += [*_table(["", "measured", "target", ""], rows), ""]
        for title, head, cells in self.tables:
            out += [f"## {title}", "", *_table(head, cells), ""]
        if self.notes:
            out += ["## Notes", "", *(f"- {note}" for note in self.notes), ""]
        return "\n".join(out)


def _target(least: float | None, most: float | None, unit: str) -> str:
    if least == most:
        return "" if least is None else f"{least:,g}{unit}"
    return (f"≥ {least:,g}{unit}" if least is not None else "") + (f"≤ {most:,g}{unit}" if most is not None else "")


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(row) + " |" for row in cells]


def machine() -> str:
    info = Path("/proc/cpuinfo").read_text()
    models = [line.partition(": ")[2] for line in info.splitlines() if line.startswith("model name")]
    cores = info.count("processor\t")
    return f"{cores} cores, {models[0] if models else platform.machine()}, Linux {platform.release()}"


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))
