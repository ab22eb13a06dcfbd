"""What tests share: a real Redis, the default board, a server in a process of its own."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from grist_live.app import create_app
from grist_live.board import Board, load_preset
from grist_live.grist import Document
from grist_live.journal import Journal, connect
from grist_live.settings import Settings
from tests.live_server import LiveServer
from tests.redis_server import RedisServer, executables
from tests.standin_grist import StandinDocument, StandinGrist
from tests.synapse_server import Person, SynapseServer

SECRET = "s3cret-of-the-webhook-for-tests"
KEY = "key-that-signs-the-tokens-of-tests"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for all tests that don't break it; each test begins with it empty."""
    server = RedisServer(executables()[0], tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill; it keeps its data over a restart."""
    server = RedisServer(executables()[0], tmp_path / "redis", persist=True).start()
    yield server
    server.kill()


@pytest.fixture
def journal(redis_server: RedisServer) -> Iterator[Journal]:
    client = connect(redis_server.url)
    client.flushall()
    journal = Journal(client)
    yield journal
    journal.close()


@pytest.fixture
def board() -> Board:
    return load_preset("interventions")


@pytest.fixture
def make_settings(redis_server: RedisServer, tmp_path: Path) -> Callable[..., Settings]:
    """Make settings of an open board; keyword arguments replace settings, `board` its keys."""

    def make(**given: object) -> Settings:
        keys = {"access": "public", "open": True} | dict(given.pop("board", {}))  # type: ignore[call-overload]
        the_board = _board(keys)
        base = Settings(redis_url=redis_server.url, log_dir=str(tmp_path), boards={"interventions": the_board})
        return dataclasses.replace(base, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_client(make_settings: Callable[..., Settings]) -> Iterator[Callable[..., FlaskClient]]:
    """Make the web application, with a client that asks it without a server; keyword arguments are settings."""
    apps: list[Flask] = []

    def make(**given: object) -> FlaskClient:
        app = create_app(make_settings(**given))
        apps.append(app)
        return app.test_client()

    yield make
    for app in apps:
        app.extensions["grist_live"].stop()


def _board(keys: dict[str, object]) -> Board:
    return msgspec.structs.replace(load_preset("interventions"), **keys)


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SynapseServer]:
    """A Matrix homeserver for all tests of Tchap; it limits nobody."""
    server = SynapseServer(tmp_path_factory.mktemp("synapse")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def people(synapse: SynapseServer) -> dict[str, Person]:
    """`bot` sends, `supervisor` owns the rooms, `stranger` is in none of them."""
    return {name: synapse.register(name) for name in ("bot", "supervisor", "stranger")}


@pytest.fixture
def room(people: dict[str, Person]) -> str:
    """A new room in clear, of the supervisor and the bot."""
    return people["supervisor"].create_room(people["bot"])


@pytest.fixture
def grist() -> Iterator[StandinGrist]:
    with StandinGrist(wait=0.01) as grist:
        yield grist


@pytest.fixture
def doc(grist: StandinGrist) -> StandinDocument:
    """A document of the stand-in, with the preset's table and three rows."""
    doc = grist.add_document()
    columns = [{"id": c.id, "type": c.type, "isFormula": False} for c in load_preset("interventions").columns]
    doc.apply([["AddTable", "Interventions", columns]])
    rows = [{"Agent": name, "Statut": "En cours", "Derniere_MAJ": 1.5} for name in ("Zoé", "Luc", "Inès")]
    doc.add_records("Interventions", rows)
    return doc


@pytest.fixture
def real_document() -> Iterator[Document]:
    """A new document on the Grist server at GRIST_URL; removed at the end."""
    server, key = os.environ["GRIST_URL"].rstrip("/"), os.environ["GRIST_API_KEY"]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {key}"
        org = session.get(f"{server}/api/orgs").json()[0]["id"]
        workspace = session.get(f"{server}/api/orgs/{org}/workspaces").json()[0]["id"]
        doc = session.post(f"{server}/api/workspaces/{workspace}/docs", json={"name": "grist_live test"}).json()
        document = Document(server, doc, key)
        yield document
        document.close()
        session.delete(f"{server}/api/docs/{doc}")


@pytest.fixture
def live_server(redis_server: RedisServer, tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Start servers as users do; each is ended with the test."""
    servers: list[LiveServer] = []

    def start(redis_url: str = "", command: str = "web", **settings: object) -> LiveServer:
        server = LiveServer(redis_url or redis_server.url, tmp_path, command, settings)
        servers.append(server)
        server.start()
        return server

    connect(redis_server.url).flushall()
    yield start
    for server in servers:
        server.stop()
