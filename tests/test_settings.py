"""Settings: where they come from, and that every problem is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from grist_live.settings import Settings, SettingsError, load, load_or_fail, masked


def ids(problems: list[object]) -> set[str]:
    return {p.id for p in problems}  # type: ignore[attr-defined]


def test_it_works_without_anything() -> None:
    settings, problems = load(env={})
    assert settings.url == "http://127.0.0.1:8484" and settings.board.name == "interventions"
    assert ids(problems) == {"webhook-secret", "token-keys", "no-doc"}  # type: ignore[arg-type]


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    path = tmp_path / "grist-live.toml"
    path.write_text('port = 1000\nworkers = 3\ncors_origins = ["https://a.fr"]\n[boards.interventions]\nopen = true\n')
    settings, _ = load(path, {"GRIST_LIVE_PORT": "2000", "GRIST_LIVE_TOKEN_KEYS": "one, two"})
    assert (settings.port, settings.workers, settings.cors_origins) == (2000, 3, ("https://a.fr",))
    assert settings.token_keys == ("one", "two") and settings.board.open and settings.path == path
    assert load(path, {"PORT": "3000"})[0].port == 3000
    assert load(path, {"GRIST_LIVE_PORT": "2000"}, port=4000)[0].port == 4000


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file-of-the-service\n")
    settings, problems = load(env={"GRIST_LIVE_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")})
    assert settings.webhook_secret == ("from-a-file-of-the-service",)
    _, problems = load(env={"GRIST_LIVE_WEBHOOK_SECRET_FILE": str(tmp_path / "none")})
    assert "secret-file" in ids(problems)  # type: ignore[arg-type]


def test_the_api_key_is_found_where_grist_api_looks(tmp_path: Path) -> None:
    (tmp_path / ".grist-api-key").write_text("from-home\n")
    assert load(env={"HOME": str(tmp_path)})[0].grist_api_key == "from-home"
    assert load(env={"HOME": str(tmp_path), "GRIST_API_KEY": "from-env"})[0].grist_api_key == "from-env"


def test_every_problem_is_told_with_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "grist-live.toml"
    path.write_text(
        'prot = 1\nport = "many"\ngrist_url = "grist.example.fr"\nredis_url = "http://x"\nworkers = 0\n'
        'log_level = "LOUD"\nlanguage = "de"\nheartbeat = 0\nwebhook_secret = ["short"]\n[boards.x]\ncolumns = []\n'
    )
    _, problems = load(path, {"GRIST_LIVE_MAX_BODY": "big"})
    assert ids(problems) >= {  # type: ignore[arg-type]
        "setting-unknown", "setting-type", "env-type", "url", "redis-url", "workers", "log-level", "language",
        "limits", "weak-secret", "board", "token-keys",
    }  # fmt: skip
    assert all(p.hint and p.message for p in problems)


@pytest.mark.parametrize(
    "text", ["port = true", "port = [1]", "host = 5", "cors_origins = [1]", 'boards = "x"', "broken ="]
)
def test_a_wrong_type_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "grist-live.toml"
    path.write_text(text)
    assert ids(load(path, {})[1]) & {"setting-type", "board", "file-broken"}  # type: ignore[arg-type]


def test_a_process_does_not_start_on_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="webhook-secret") as error:
        load_or_fail()
    assert "token-keys" in str(error.value)
    with pytest.raises(SettingsError, match="file-missing"):
        load_or_fail(tmp_path / "none.toml")


def test_secrets_are_masked() -> None:
    settings, _ = load(
        env={
            "GRIST_LIVE_WEBHOOK_SECRET": "very-secret-secret",
            "GRIST_API_KEY": "very-secret-key",
            "GRIST_LIVE_REDIS_URL": "redis://user:very-secret-password@redis.example.fr:6379/0",
        }
    )
    shown = str(masked(settings))
    assert "very-secret" not in shown and "redis.example.fr" in shown


def test_who_may_embed_the_widget_is_the_grist_server_unless_told() -> None:
    assert Settings(grist_url="https://grist.example.fr/o/team").ancestors == ("https://grist.example.fr",)
    assert Settings(frame_ancestors=("https://a.fr",)).ancestors == ("https://a.fr",)
