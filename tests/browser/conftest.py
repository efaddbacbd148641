"""A real server over the sample songs, with real analyses and vectors in memory, and a real Chromium."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from rapray.analyzers.algorithmic import AlgorithmicAnalyzer
from rapray.domain import Analysis, Failure, Lyric
from rapray.samples.corpus import SampleSong, songs
from rapray.serve.api import create_app
from rapray.serve.backend import TrackDetail
from rapray.serve.memory import MemoryServices
from rapray.store.records import TrackSummary
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections
from tests.support.waiting import wait_for

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser that is installed on this host."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no Chromium on this host: see `make chromium`")
    return found


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The pages over twelve sample songs, on a free port."""
    analyzer = AlgorithmicAnalyzer()

    def analyze(lyric: Lyric) -> Analysis | Failure:
        return analyzer.analyze([lyric])[0]

    tracks = [_stored(i, song, analyze) for i, song in enumerate(islice(songs(), 12), start=1)]
    app = create_app(MemoryServices(tracks, {"algorithmic": analyze}))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started or not thread.is_alive(), "the server starts", 30)
    assert server.started
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def _stored(number: int, song: SampleSong, analyze: Callable[[Lyric], Analysis | Failure]) -> TrackDetail:
    sections, digest = split_sections(song.lyrics), content_hash(song.lyrics)
    analysis = analyze(Lyric(str(number), song.lyrics, sections, digest, song.title))
    assert isinstance(analysis, Analysis)
    summary = TrackSummary(
        number, song.title, 1, song.artist, (), song.album, song.release_date.year, song.language,
        "https://example.org", digest, None,
    )  # fmt: skip
    return TrackDetail(summary, song.lyrics, sections, analyses=(analysis,))


@pytest.fixture(scope="module")
def playwright_() -> Iterator[Playwright]:
    """The driver. It keeps an event loop running in this thread, in which no asynchronous test could run after it."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright_: Playwright, chromium_path: str) -> Iterator[Browser]:
    """One Chromium for all tests; it may talk to nobody but this host."""
    arguments = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    launched = playwright_.chromium.launch(executable_path=chromium_path, args=arguments)
    yield launched
    launched.close()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens an address in a context of its own; the test fails if the page logs an error."""
    problems: list[str] = []
    contexts = []

    def open_(path: str, *, scheme: str = "light", phone: bool = False, scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=scripts,
            has_touch=phone,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [p for p in problems if "404" not in p and "422" not in p] == []
