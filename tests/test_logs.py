"""Our log files: JSON lines, never too large, whoever writes."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from grist_live import logs


def record(number: int) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": f"line {number}", "levelname": "INFO", "name": "test"})


def test_a_large_file_is_put_aside_while_several_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ROTATE_AT", 2000)
    path = tmp_path / "web.log"
    writers = [logs.LogFile(path, encoding="utf-8") for _ in range(2)]
    for writer in writers:
        writer.setFormatter(logs.JsonFormatter())
    for number in range(30):
        writers[number % 2].emit(record(number))
    for writer in writers:
        writer.close()
    kept = [json.loads(line)["message"] for p in (tmp_path / "web.log.1", path) for line in p.read_text().splitlines()]
    assert kept == [f"line {number}" for number in range(30 - len(kept), 30)], "in order, the newest at the end"
    assert path.stat().st_size < 2300 and len(kept) >= 15
