"""A healthy world for the doctor's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grist_live.journal import Journal
from tests.doctor.world import OurServer, World
from tests.redis_server import RedisServer
from tests.standin_grist import StandinGrist


@pytest.fixture
def world(redis_server: RedisServer, journal: Journal, tmp_path: Path) -> Iterator[World]:
    journal.redis.config_set("save", "3600 1")
    with StandinGrist() as grist, OurServer() as server:
        yield World(grist, server, redis_server.url, journal, tmp_path)
    for name, value in (("save", ""), ("maxmemory", "0"), ("maxmemory-policy", "noeviction")):
        journal.redis.config_set(name, value)
    journal.redis.replicaof("NO", "ONE")
