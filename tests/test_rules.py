"""Rules: how they are written, what is wrong with them, and when they keep quiet."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from grist_live.board import Board, BoardError, make_board
from grist_live.cli import main
from grist_live.effects.check import check
from grist_live.rules import Rule, read
from grist_live.settings import Problem, load
from tests.redis_server import free_port

PARIS = ZoneInfo("Europe/Paris")


def one(**keys: Any) -> Rule:
    rules, problems = read(make_board("x", {"preset": "interventions", "rules": [rule(**keys)]}))
    assert not problems
    return rules[0]


def rule(**keys: Any) -> dict[str, Any]:
    return {"name": "r", "when": "becomes urgent", "do": {"outlet": "tchap"}} | keys


def test_the_preset_tells_urgent_rows_and_their_resolution(board: Board) -> None:
    rules, problems = read(board)
    assert not problems and [r.name for r in rules] == ["urgent", "resolved"]
    assert rules[1].do[0] == {"outlet": "tchap", "thread": "urgent"}
    assert all({"fr", "en"} <= r.heading.keys() for r in rules)


def test_times_are_read(board: Board) -> None:
    assert one(cooldown="10 min").cooldown == 600
    assert one(limit=5).limit == 5
    assert [do["outlet"] for do in one(do=[{"outlet": "a"}, {"outlet": "b"}]).do] == ["a", "b"]


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        ("20:00-07:00", "2026-11-22 21:00", "2026-11-23 07:00"),
        ("20:00-07:00", "2026-11-23 06:59", "2026-11-23 07:00"),
        ("20:00-07:00", "2026-11-23 07:00", None),
        ("20:00-07:00", "2026-11-22 20:00", "2026-11-23 07:00"),
        ("20:00-07:00", "2026-03-28 23:00", "2026-03-29 07:00"),  # one hour is missing in this night
        ("12:00-14:00", "2026-11-22 13:00", "2026-11-22 14:00"),
        ("12:00-14:00", "2026-11-22 14:00", None),
    ],
)
def test_quiet_hours_are_those_of_the_boards_time_zone(quiet: str, now: str, until: str | None) -> None:
    hours = one(quiet=quiet).quiet
    assert hours and hours.until(at(now)) == (at(until) if until else None)


def test_a_time_zone_must_exist() -> None:
    with pytest.raises(BoardError, match="time zone"):
        make_board("x", {"preset": "interventions", "timezone": "Europe/Nowhere"})


@pytest.mark.parametrize(
    ("keys", "key", "said"),
    [
        ({"when": "becomes urgnt"}, "when", "no meaning"),
        ({"when": 3}, "when", "Expected `str`"),
        ({"do": {}}, "do", "outlet"),
        ({"do": {"outlet": "tchap", "thread": "nobody"}}, "do", "no rule"),
        ({"cooldown": "soon"}, "cooldown", "no time"),
        ({"quiet": "25:00-7:00"}, "quiet", "no hours"),
        ({"quiet": "07:00-07:00"}, "quiet", "no hours"),
        ({"limit": -1}, "limit", "per hour"),
        ({"name": "Very Urgent"}, "name", "no name"),
        ({"colour": "red"}, "colour", "unknown field"),
    ],
)
def test_each_problem_names_its_key(keys: dict[str, Any], key: str, said: str) -> None:
    rules, problems = read(make_board("x", {"preset": "interventions", "rules": [rule(name="ok"), rule(**keys)]}))
    assert [r.name for r in rules][:1] == ["ok"]
    assert [(p.place, p.key) for p in problems] == [(1, key)] and said in problems[0].message


def test_two_rules_of_one_name_are_a_problem() -> None:
    _, problems = read(make_board("x", {"preset": "interventions", "rules": [rule(), rule()]}))
    assert [(p.place, p.key) for p in problems] == [(1, "name")]


# --------------------------------------------------------------------------------------------------------- the lines

TCHAP = '[outlets.tchap]\nurl = "https://m.example"\nroom = "!r"\ntoken = "t0p-secret"\n'


def problems_of(folder: Path, text: str, env: dict[str, str] | None = None) -> list[Problem]:
    path = folder / "grist-live.toml"
    path.write_text(text, "utf-8")
    settings, problems = load(path, env or {})
    found = check(settings)
    assert "t0p-secret" not in str(problems + found)
    return found


def test_the_preset_sleeps_without_an_outlet_and_nobody_is_warned(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "") == []
    assert problems_of(tmp_path, TCHAP) == []


def test_the_line_that_is_wrong_is_named(tmp_path: Path) -> None:
    text = TCHAP + (
        "[boards.interventions]\ndoc = 'x'\n\n"  # lines 5 to 7
        "[[boards.interventions.rules]]\nname = 'a'\nwhen = 'becomes urgent'\ndo = {outlet = 'tchap'}\n\n"
        "[[boards.interventions.rules]]  # the second\nname = 'b'\ndo = {outlet = 'tchap'}\nwhen = 'becomes urgnt'\n"
    )
    [problem] = problems_of(tmp_path, text)
    assert problem.severity == "error" and f"{tmp_path}/grist-live.toml:16: rule b" in problem.message
    [problem] = problems_of(tmp_path, text.replace("urgnt", "urgent").replace("do = {outlet = 'tchap'}\nw", "w"))
    assert ":13: rule b" in problem.message and "do" in problem.message  # nothing there: the table's own line


def test_a_rule_of_ones_own_needs_its_outlet(tmp_path: Path) -> None:
    text = (
        "[boards.interventions]\n[[boards.interventions.rules]]\nname = 'a'\nwhen = 'added'\ndo = {outlet = 'mail'}\n"
    )
    [problem] = problems_of(tmp_path, text)
    assert ":5: rule a" in problem.message and "no outlet mail" in problem.message


def test_a_preset_of_ones_own_is_checked_by_line(tmp_path: Path) -> None:
    preset = tmp_path / "pannes.toml"
    preset.write_text(
        'table = "P"\n[[columns]]\nid = "A"\n[[rules]]\nname = "a"\nwhen = "B changes"\ndo = {outlet="x"}\n'
    )
    [problem] = problems_of(tmp_path, f"[boards.interventions]\npreset = '{preset}'\n")
    assert f"{preset}:6: rule a" in problem.message and "'B' is no column" in problem.message


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("kind = 'pigeon'", "kind 'pigeon' is unknown"),
        ("", "url"),
        ("url = 'matrix.org'\ntoken = 'x'\nroom = '!r'", "https://"),
        ("url = 'https://m'\nroom = '!r'", "token_file"),
        ("url = 'https://m'\ntoken = 'x'", "room"),
        ("url = 'https://m'\ntoken = 'x'\nroom = '#alias:x'", "alias"),
        ("url = 'https://m'\ntoken = 'x'\nroom = '!r'\nrooms = {Haute = 'r'}", "'r' is no room id"),
        ("url = 'https://m'\ntoken = 'x'\nroom = '!r'\ncolour = 1", "colour"),
        ("url = 'https://m'\ntoken = 'x'\nroom = '!r'\nlanguage = 'de'", "language"),
    ],
)
def test_an_outlet_that_can_not_be_used_is_named(tmp_path: Path, table: str, said: str) -> None:
    [problem] = problems_of(tmp_path, f"[outlets.tchap]\n{table}\n")
    assert problem.severity == "error" and said in problem.message and "grist-live.toml:" in problem.message


def test_settings_of_do_are_the_outlets(tmp_path: Path) -> None:
    board = "[boards.interventions]\n[[boards.interventions.rules]]\nname = 'a'\nwhen = 'added'\n"
    [problem] = problems_of(tmp_path, TCHAP + board + "do = {outlet = 'tchap', colour = 1}\n")
    assert ":9: rule a" in problem.message and "colour" in problem.message
    assert problems_of(tmp_path, TCHAP + board + "do = {outlet = 'tchap', room = '!other:x'}\n") == []


def test_an_outlet_may_stand_in_the_environment_alone(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("x")
    env = {
        "GRIST_LIVE_OUTLET_TCHAP_URL": "https://matrix.example",
        "GRIST_LIVE_OUTLET_TCHAP_TOKEN_FILE": str(secret),
        "GRIST_LIVE_OUTLET_TCHAP_ROOM": "!r:agent.tchap.gouv.fr",
    }
    assert problems_of(tmp_path, "", env) == []
    settings, _ = load(tmp_path / "grist-live.toml", env)
    assert settings.outlets == {
        "tchap": {"url": "https://matrix.example", "token_file": str(secret), "room": "!r:agent.tchap.gouv.fr"}
    }


def test_a_token_file_that_can_not_be_read_is_a_warning(tmp_path: Path) -> None:
    text = TCHAP.replace('token = "t0p-secret"', f'token_file = "{tmp_path}/none"')
    [problem] = problems_of(tmp_path, text)
    assert problem.severity == "warning" and f"{tmp_path}/none" in problem.message


def test_a_token_in_clear_over_the_network_is_a_warning(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path, TCHAP.replace("https", "http"))
    assert problem.severity == "warning" and "in clear" in problem.message
    assert problems_of(tmp_path, TCHAP.replace("https://m.example", "http://127.0.0.1:8008")) == []


def alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, with nothing of ours in the environment."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    for name in [name for name in os.environ if name.startswith("GRIST_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("command", "arguments"), [("config", []), ("work", []), ("serve", []), ("doctor", ["--quick"])]
)
def test_every_command_names_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, arguments: list[str]
) -> None:
    path = tmp_path / "grist-live.toml"
    rule = "[[boards.interventions.rules]]\nname = 'a'\nwhen = 'becomes urgnt'\ndo = {outlet = 'tchap'}\n"
    redis = f"redis_url = 'redis://127.0.0.1:{free_port()}'\n"
    path.write_text(redis + TCHAP + "[boards.interventions]\nopen = true\naccess = 'public'\n" + rule)
    alone(tmp_path, monkeypatch)
    result = CliRunner().invoke(main, [command, *arguments])
    assert result.exit_code == 1 and "grist-live.toml:11: rule a" in result.output and "Traceback" not in result.output


def test_config_shows_rules_and_outlets_without_their_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(tmp_path, monkeypatch)
    (tmp_path / "grist-live.toml").write_text("[boards.interventions]\nopen = true\naccess = 'public'\n")
    asleep = CliRunner().invoke(main, ["config"]).stdout
    assert "rule urgent: becomes urgent → tchap (asleep: no [outlets.tchap])" in asleep
    with (tmp_path / "grist-live.toml").open("a") as file:
        file.write(TCHAP)
    awake = CliRunner().invoke(main, ["config"]).output
    assert "rule urgent: becomes urgent → tchap\n" in awake and '"room": "!r"' in awake and "t0p-secret" not in awake
    assert "t0p-secret" not in CliRunner().invoke(main, ["config", "--json"]).output
