"""What browser tests share: the built widget, Chromium, a server with a board for each test, Grist's own interface."""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

import build
from e2e import document
from e2e.dashboard import Dashboard
from e2e.guard import Guard, origin
from e2e.server import Board, Server
from e2e.site import DIST, Site
from grist_live.journal import Journal, connect
from tests.redis_server import RedisServer, executables

BOARDS = 200
"""A board for each test; a server for each would take a minute and a half. The first is the server's default board."""
RESULTS = Path(__file__).parent.parent / "test-results"
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]


@pytest.hookimpl(trylast=True)
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Keep what a failing test's pages looked like, in test-results/."""
    report = yield
    if report.when == "call" and report.failed:
        name = re.sub(r"\W+", "-", item.nodeid)
        for number, page in enumerate(getattr(item, "funcargs", {}).get("pages", [])):
            RESULTS.mkdir(exist_ok=True)
            page.screenshot(path=RESULTS / f"{name}-{number}.png")
    return report


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """The widget as its source says."""
    build.build()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        expect.set_options(timeout=15_000)
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "these tests need Chromium: apt-get install chromium"
    started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    yield started
    started.close()


@pytest.fixture
def pages() -> list[Page]:
    """The pages that this test has opened."""
    return []


class Visitor:
    """Somebody with a browser: `open` a dashboard, `guard` what its pages do."""

    def __init__(self, context: BrowserContext, pages: list[Page]) -> None:
        self.context, self.guard, self._pages = context, Guard(), pages

    def page(self) -> Page:
        page = self.context.new_page()
        self.guard.watch(page)
        self._pages.append(page)
        return page

    def open(self, url: str) -> Dashboard:
        page = self.page()
        page.goto(url)
        return Dashboard(page.main_frame)

    def open_in_grist(self, url: str, dark: bool = False, height: int = 800, **query: str) -> Dashboard:
        """Open the document's page in Grist's interface; return the dashboard in its frame."""
        self.guard.not_ours(origin(url))
        page = self.page()
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": 1280, "height": height})
        page.goto(f"{url}?{urlencode({'p': document.PAGE, **query})}")
        return in_frame(page)


def in_frame(page: Page) -> Dashboard:
    """Wait for the custom widget of a page of Grist's."""
    frame = page.locator("iframe.custom_view").element_handle(timeout=45_000).content_frame()
    assert frame
    return Dashboard(frame)


Visit = Callable[..., Visitor]


def new_context(
    browser: Browser, language: str, dark: bool = False, phone: bool = False, height: int = 800
) -> BrowserContext:
    context = browser.new_context(
        locale=language,
        color_scheme="dark" if dark else "light",
        viewport={"width": 360, "height": 740} if phone else {"width": 1280, "height": height},
        has_touch=phone,
        is_mobile=phone,
        timezone_id="Europe/Paris",
    )
    context.set_default_timeout(15_000)
    context.add_init_script(path=Path(__file__).parent / "witness.js")
    return context


@pytest.fixture
def visitors(pages: list[Page]) -> Iterator[list[Visitor]]:
    """Who visits during a test. What went wrong on any of their pages fails it."""
    here: list[Visitor] = []
    yield here
    for page in pages:
        page.close()
    faults = [fault for visitor in here for fault in visitor.guard.faults]
    assert not faults, "\n".join(faults)


@pytest.fixture
def visit(browser: Browser, visitors: list[Visitor], pages: list[Page]) -> Iterator[Visit]:
    """Make a visitor with a browser of their own; by default one who speaks French, by day, at a desk."""

    contexts: list[BrowserContext] = []

    def arrive(language: str = "fr-FR", **look: Any) -> Visitor:
        contexts.append(new_context(browser, language, **look))
        visitors.append(Visitor(contexts[-1], pages))
        return visitors[-1]

    yield arrive
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def grist_context(browser: Browser) -> Iterator[BrowserContext]:
    """One browser for all visits to Grist, which keeps its 20 MB of program in its cache."""
    context = new_context(browser, "en-GB")
    yield context
    context.close()


@pytest.fixture
def colleague(grist_context: BrowserContext, visitors: list[Visitor], pages: list[Page]) -> Visitor:
    """Somebody who uses Grist every day, in English."""
    visitors.append(Visitor(grist_context, pages))
    return visitors[-1]


@pytest.fixture(scope="session")
def grist() -> Iterator[Site]:
    """Grist's real interface, which needs no server: grist-static."""
    assert DIST.is_dir(), "grist-static is missing: run `npm ci` in the project's root"
    site = Site(DIST)
    yield site
    site.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(executables()[0], tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill; it keeps its data over a restart."""
    server = RedisServer(executables()[0], tmp_path / "redis", persist=True).start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def house(redis_server: RedisServer, grist: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of all tests that don't break it, in plain sight of `grist`."""
    boards = [f"e2e-{n}" for n in range(BOARDS)]
    server = Server(redis_server.url, tmp_path_factory.mktemp("house"), boards, {"grist_url": grist.url})
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    """What makes names unique."""
    return itertools.count(1)


@pytest.fixture
def board(house: Server, numbers: Iterator[int]) -> Iterator[Board]:
    """An empty board that no other test has used."""
    with contextlib.closing(connect(house.redis_url)) as client:
        yield Board(house, f"e2e-{next(numbers)}", Journal(client))


@pytest.fixture
def own_server(redis_server: RedisServer, tmp_path: Path, numbers: Iterator[int]) -> Iterator[Callable[..., Board]]:
    """Start a server with settings of one's own, which the test may kill; return its only board."""
    started: list[Board] = []

    def start(redis_url: str = redis_server.url, name: str = "", **settings: Any) -> Board:
        name = name or f"own-{next(numbers)}"
        server = Server(redis_url, tmp_path, [name], settings)
        started.append(Board(server, name, Journal(connect(redis_url))))
        server.start()
        return started[-1]

    yield start
    for board in started:
        board.server.kill()
        board.journal.redis.close()
