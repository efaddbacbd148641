"""Clients that leave in the middle, and those that stay and do not read: the app as a server calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rapray.domain import Analysis, Lyric, Provenance
from rapray.serve.api import create_app, streamed
from rapray.serve.backend import Answer
from rapray.serve.memory import MemoryServices
from tests.support.request_limits import request_limits
from tests.support.waiting import settled, wait_for_task

LIMITS = request_limits()
ONE = {"lyrics": "one line"}
BATCH = {"items": [{"lyrics": f"line {index}"} for index in range(100)]}
Send = Callable[[Any], Awaitable[None]]


def counted(lyric: Lyric) -> Analysis:
    """An analysis of a hundred kilobytes."""
    return Analysis(lyric.key, Provenance("a", "1"), lyric.content_hash, {"text": "x" * 100_000})


def called(services: MemoryServices, path: str, body: object, left: asyncio.Event, send: Send) -> Any:
    """A POST to the app over the services; the client is there until `left`."""
    content = json.dumps(body).encode()
    messages: list[dict[str, object]] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> dict[str, object]:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "scheme": "http",
        "server": ("rapray.test", 80),
        "client": ("test", 1),
    }
    return create_app(services)(scope, receive, send)  # type: ignore[arg-type]


async def ignored(_: object) -> None:
    """A client that takes everything."""


@pytest.mark.parametrize(
    ("path", "body", "is_cancelled"),
    [
        ("/analyze", ONE, True),
        ("/analyze/batch", BATCH, True),
        ("/analyze/batch", BATCH, False),
        ("/analyze/stream", ONE, True),
        ("/analyze/stream", ONE, False),
    ],
)
async def test_disconnect_ends_work(path: str, body: object, is_cancelled: bool) -> None:
    """Nobody computes for a closed connection, whether the server cancels the request or says that it is closed."""
    begun, ended, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Endless(MemoryServices):
        async def analyze(self, name: str, lyric: Lyric) -> Answer:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            raise AssertionError

    request = asyncio.create_task(
        called(Endless((), {"a": counted}, limits=LIMITS), path, body, left, ignored)
    )
    async with asyncio.timeout(60):
        await begun.wait()
        if is_cancelled:
            request.cancel()
        left.set()
        await ended.wait()
    await asyncio.wait({request})


class Counting(MemoryServices):
    """Counts the texts that were asked about."""

    def __init__(self) -> None:
        super().__init__((), {"a": counted}, limits=LIMITS)
        self.asked = 0

    async def analyze(self, name: str, lyric: Lyric) -> Answer:
        """Count, and answer."""
        self.asked += 1
        return await super().analyze(name, lyric)


async def test_batch_waits_for_reader() -> None:
    """Who reads slowly does not make the ingress hold a hundred answers; who reads on gets them all."""
    services, reads_on = Counting(), asyncio.Event()
    received = bytearray()

    async def send(message: Any) -> None:
        received.extend(message.get("body", b""))
        if len(received) > 100_000:
            await reads_on.wait()

    request = asyncio.create_task(called(services, "/analyze/batch", BATCH, asyncio.Event(), send))
    async with asyncio.timeout(60):
        await wait_for_task(lambda: len(received) > 100_000, "the first answer is sent")
        assert await settled(lambda: services.asked) <= 12
        reads_on.set()
        await request
    answers = json.loads(received)["items"]
    assert [one["index"] for one in answers] == list(range(100))
    assert all(one["answer"]["results"] for one in answers)


async def test_batch_drops_stalled_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that takes nothing holds no answers for ever, and what was sent does not look whole."""
    monkeypatch.setattr(streamed, "_UNREAD_S", 0.1)
    services = Counting()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        if len(sent) == 3:
            await asyncio.Event().wait()
        sent.append(message)

    async with asyncio.timeout(60):
        await called(services, "/analyze/batch", BATCH, asyncio.Event(), send)
    assert services.asked <= 12
    assert sent[-1].get("more_body")


async def test_batch_isolates_broken_text() -> None:
    """The status is sent before the texts are read: a defect is that text's problem, and the JSON is whole."""

    class Broken(MemoryServices):
        def deadline_s(self, name: str) -> float:
            raise ZeroDivisionError(name)

    received = bytearray()

    async def send(message: Any) -> None:
        received.extend(message.get("body", b""))

    services = Broken((), {"a": counted}, limits=LIMITS)
    await called(services, "/analyze/batch", {"items": [ONE]}, asyncio.Event(), send)
    [found] = json.loads(received)["items"]
    assert (found["answer"], found["problem"]["code"], found["cache"]) == (None, "internal", "miss")
