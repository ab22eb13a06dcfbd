"""The configuration file: kept, completed, for its owner only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from grist_live.bootstrap import BootstrapError
from grist_live.settings import load
from tests.bootstrap.operator import (
    Operator,
)
from tests.standin_grist import OWNER


def test_the_file_is_for_its_owner_only_and_names_no_api_key(op: Operator) -> None:
    op.env = {"GRIST_API_KEY": OWNER}
    op.run()
    assert stat.S_IMODE(op.file.stat().st_mode) == 0o600
    assert OWNER not in op.file.read_text()
    assert os.listdir(op.folder) == ["grist-live.toml"]


def test_comments_and_other_settings_stay(op: Operator) -> None:
    op.file.write_text(
        '# ours\nhost = "0.0.0.0"  # all\nwebhook_secret = ["kept-as-it-is-here"]\n\n'
        '[boards.interventions] # first\naccess = "public"\n'
    )
    op.run()
    text = op.file.read_text()
    for kept in ("# ours", 'host = "0.0.0.0"  # all', "kept-as-it-is-here", "# first", 'access = "public"'):
        assert kept in text
    settings, problems = load(None, {})
    assert settings.board.doc == op.doc.id
    assert settings.grist_url == op.grist.url
    assert settings.webhook_secret == ("kept-as-it-is-here",)
    assert not [p for p in problems if p.severity == "error"]


def test_secrets_from_the_environment_are_not_written(op: Operator) -> None:
    op.env = {"GRIST_LIVE_WEBHOOK_SECRET": "from-the-environment", "GRIST_LIVE_TOKEN_KEYS": "key-of-environment"}
    op.run()
    assert "environment" not in op.file.read_text()
    assert op.webhooks()[0]["authorization"] == "Bearer from-the-environment"


def test_with_several_secrets_grist_gets_the_first(op: Operator) -> None:
    op.run()
    op.env = {"GRIST_LIVE_WEBHOOK_SECRET": "the-new-secret-one,the-old-secret-one"}
    op.run()
    assert op.webhooks()[0]["authorization"] == "Bearer the-new-secret-one"


def test_a_file_that_a_service_reads_by_its_group_stays_readable_for_it(op: Operator) -> None:
    op.file.write_text("")
    op.file.chmod(0o644)
    op.run()
    assert stat.S_IMODE(op.file.stat().st_mode) == 0o640


def test_a_link_to_the_file_stays_a_link(op: Operator, tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("")
    op.file.symlink_to(real)
    op.run()
    assert op.file.is_symlink()
    assert op.doc.id in real.read_text()


def test_a_file_that_cant_be_written_stops_before_grist_is_changed(
    op: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grist_live.bootstrap.configuration.os.access", lambda path, mode: False)
    with pytest.raises(BootstrapError, match="can't be written"):
        op.run()
    assert op.grist.changes() == []


def test_a_disk_that_is_full_leaves_the_old_file(op: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    op.file.write_text("# old\n")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("grist_live.bootstrap.configuration.os.fsync", full)
    with pytest.raises(BootstrapError, match="No space left"):
        op.run()
    assert op.file.read_text() == "# old\n"
    assert os.listdir(op.folder) == ["grist-live.toml"]
