"""The bodies that a proxy holds together."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from rapray.config import ServeSettings
from rapray.serve import doorway
from tests.support.waiting import wait_for_task

BODY_BYTES = 10_000


async def test_doorway_bounds_all_bodies() -> None:
    """Bodies beyond the common bound get 503 with Retry-After, and their memory is free again when all have gone."""
    go = asyncio.Event()
    passed: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(len((await receive())["body"]))
        await go.wait()

    settings = ServeSettings(max_body_bytes=BODY_BYTES)
    middleware = doorway.Doorway(app, settings=settings)

    async def ask() -> list[Any]:
        answer: list[Any] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"x" * BODY_BYTES, "more_body": False}

        async def send(message: Message) -> None:
            answer.append(message)

        headers = [(b"host", b"localhost"), (b"content-length", str(BODY_BYTES).encode())]
        scope = {"type": "http", "method": "POST", "path": "/analyze", "headers": headers}
        await middleware(scope, receive, send)
        return answer

    held = [asyncio.create_task(ask()) for _ in range(40)]
    await wait_for_task(lambda: len(passed) == 40, "all have passed")
    start, body = await ask()
    headers = dict(start["headers"])
    assert (start["status"], json.loads(body["body"])["code"]) == (503, "overloaded")
    assert int(headers[b"retry-after"]) >= 1
    assert headers[b"connection"] == b"close"
    go.set()
    assert await asyncio.gather(*held) == [[]] * 40
    assert await ask() == []
