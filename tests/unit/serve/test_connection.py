"""Connections that are cut for what their client sends or leaves unread, over a real uvicorn."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from rapray.serve.connection import Connection
from tests.support.waiting import wait_for_task

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
LARGE_BYTES = 20_000_000  # far above what the sockets of both sides hold
# What the head's deadline would cut as well must be cut long before it.
LONG_S = 600.0
DEADLINE_S = 20.0


class _OfHead(Connection):
    head_timeout_s = LONG_S
    unread_timeout_s = LONG_S


class _Unread(Connection):
    head_timeout_s = LONG_S
    unread_timeout_s = 1.0


async def counting(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the number of bytes of the body."""
    length, is_complete = 0, False
    while not is_complete:
        message = await receive()
        length += len(message.get("body", b""))
        is_complete = not message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{length} bytes".encode()})


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with more than a client that does not read can be sent."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(LARGE_BYTES // 1_000_000):
        await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def large_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in one piece and close, so that the server only waits for the client to take it."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": b"x" * LARGE_BYTES})


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail in the middle of an answer."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * LARGE_BYTES, "more_body": True})
    raise RuntimeError


async def unanswered(scope: Scope, receive: Receive, send: Send) -> None:
    """Wait until the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def served(app: Any, connection: type[Connection]) -> AsyncGenerator[tuple[uvicorn.Server, int]]:
    """A uvicorn with such connections on this event loop, and its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=connection, lifespan="off", log_level="critical", timeout_keep_alive=600
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await wait_for_task(lambda: server.started)
    try:
        yield server, listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await serving


@pytest.mark.parametrize(
    ("app", "sent"),
    [
        (counting, HANDSHAKE + b"X: " + b"a" * 9000 + b"\r\n\r\n"),
        (counting, HANDSHAKE + b"Content-Length: 5\r\n\r\n"),
        (counting, b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000),
        (counting, b"GET /" + b"a" * 200_000),
        (counting, b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 40_000),
        (unanswered, CHUNKED + b"1\r\nx\r\n0\r\n" + b"a: b\r\n" * 20_000),
        (unanswered, CHUNKED + b"1;" + b"a" * 200_000),
        (unanswered, GET * 1000),
    ],
    ids=[
        "long handshake",
        "handshake with body",
        "value",
        "path",
        "headers",
        "trailers",
        "chunk",
        "pipeline",
    ],
)
async def test_connection_cuts_excess(app: Any, sent: bytes) -> None:
    """A refused handshake, an endless head or trailer and requests without end are cut at once, not at a deadline."""
    async with served(app, _OfHead) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(sent)
            await asyncio.wait_for(reader.read(), DEADLINE_S)
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.mark.parametrize("app", [large, large_at_once, failing])
async def test_connection_cuts_silent_reader(app: Any) -> None:
    """A client that takes nothing of its answer is cut, whether the answer is still written or only flushed."""
    async with served(app, _Unread) as (server, port):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(GET)
            await wait_for_task(
                lambda: len(server.server_state.connections) == 1, "it is connected", DEADLINE_S
            )
            await wait_for_task(lambda: not server.server_state.connections, "it is cut", DEADLINE_S)


@pytest.mark.parametrize("app", [large, large_at_once])
async def test_connection_spares_reader(app: Any) -> None:
    """A client that reads gets all of a large answer, though its connection is looked at many times meanwhile."""
    async with served(app, _Unread) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=200_000)
        writer.write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received = 0
        while piece := await reader.read(200_000):
            received += len(piece)
            await asyncio.sleep(0.01)
        writer.close()
    assert received > LARGE_BYTES


async def test_connection_passes_bodies() -> None:
    """Long bodies, in one piece, in small chunks and one after another on a connection, are no heads."""
    sent = [
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
        CHUNKED + b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\n",
        GET.replace(b"Host", b"X: " + b"a" * 30_000 + b"\r\nHost"),
    ]
    async with served(counting, _OfHead) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request, length in zip(sent * 2, (300_000, 40_000, 0) * 2, strict=True):
            writer.write(request)
            answer = await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), DEADLINE_S)
            assert f"{length} bytes".encode() in answer
        writer.close()
