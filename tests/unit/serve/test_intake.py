"""Slow requests, and many: over a real uvicorn, with the connections that the proxy has."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psutil
import pytest
import uvicorn

from rapray.config import ServeSettings
from rapray.domain import Analysis, Lyric, Provenance
from rapray.serve.admission import Admission
from rapray.serve.api import create_app
from rapray.serve.backend import Answer, Limits
from rapray.serve.connection import Connection
from rapray.serve.doorway import Doorway
from rapray.serve.memory import MemoryServices
from tests.support.request_limits import request_limits
from tests.support.slow_clients import HEAD, SLOW, run_slow_clients
from tests.support.waiting import wait_for_task

IDLE_S, TOTAL_S, HEAD_S = 0.6, 1.5, 1.0
LIMITS = request_limits(body_idle_timeout_s=IDLE_S, body_timeout_s=TOTAL_S, max_body_bytes=200_000)
# Long enough for a busy machine: a request that behaves must not be late.
PATIENT = request_limits(max_body_bytes=LIMITS.max_body_bytes)
LATE_BODIES = {kind for kind, (first, _) in SLOW.items() if first.startswith(HEAD) and b"\r\n\r\n" in first}
SLACK_S = 20.0  # of a busy machine


class _Impatient(Connection):
    head_timeout_s = HEAD_S


class _Held(MemoryServices):
    """Every analysis waits until it is let go."""

    def __init__(self) -> None:
        super().__init__(analyzers={"algorithmic": _analysis}, limits=request_limits(60))
        self.go = asyncio.Event()
        self.asked = 0

    async def analyze(self, name: str, lyric: Lyric) -> Answer:
        self.asked += 1
        await self.go.wait()
        return await super().analyze(name, lyric)


def _analysis(lyric: Lyric) -> Analysis:
    return Analysis(lyric.key, Provenance("algorithmic", "1.0.0"), lyric.content_hash, {})


@asynccontextmanager
async def listening(app: Any) -> AsyncGenerator[int]:
    """The port of a uvicorn that serves the app on this event loop."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    config = uvicorn.Config(app, http=_Impatient, log_level="critical", timeout_keep_alive=4)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await wait_for_task(lambda: server.started)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


def behind_doorway(app: Any, limits: Limits = LIMITS) -> Doorway:
    """An app behind the proxy's doorway, with the same limits."""
    return Doorway(
        app,
        settings=ServeSettings(
            max_body_bytes=limits.max_body_bytes,
            body_idle_timeout_s=limits.body_idle_timeout_s,
            body_timeout_s=limits.body_timeout_s,
        ),
    )


@pytest.fixture(params=["ingress", "doorway"])
def app_of(request: pytest.FixtureRequest) -> Callable[[Limits], Any]:
    """Makes the app as plain uvicorn serves it, or behind the proxy's doorway, with certain limits."""

    def make(limits: Limits) -> Any:
        plain = create_app(MemoryServices(limits=limits))
        return plain if request.param == "ingress" else behind_doorway(plain, limits)

    return make


@pytest.fixture
def app(app_of: Callable[[Limits], Any]) -> Any:
    """The app with short deadlines for bodies."""
    return app_of(LIMITS)


@pytest.fixture
def patient_app(app_of: Callable[[Limits], Any]) -> Any:
    """The app with the usual deadlines for bodies."""
    return app_of(PATIENT)


def open_files() -> int:
    """Descriptors of this process, which is server and clients in one."""
    return psutil.Process().num_fds()


async def exchange(port: int, sent: bytes) -> bytes:
    """All that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), TOTAL_S + HEAD_S + SLACK_S)
    writer.close()
    return answer


def parsed(answer: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of one answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, json.loads(body)


@pytest.mark.parametrize("kind", SLOW)
async def test_slow_connection_is_closed(app: Any, kind: str) -> None:
    """A slow client is disconnected by the deadline; if its body is incomplete, it gets 408 first."""
    async with listening(app) as port:
        [client] = await run_slow_clients(
            [kind], port, drip_s=IDLE_S / 4, deadline_s=TOTAL_S + HEAD_S + SLACK_S
        )
    assert client.seconds is not None, "it is still connected"
    if kind in LATE_BODIES:
        answer = client.answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert parsed(answer)[0] == 408


@pytest.mark.parametrize(
    ("sent", "limit"),
    [
        (HEAD + b"Content-Length: 99\r\n\r\nx", f"{IDLE_S:g} s without a byte"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", f"{IDLE_S:g} s without a byte"),
    ],
)
async def test_stalled_body_returns_408(app: Any, sent: bytes, limit: str) -> None:
    """A stalled body is answered with 408 as problem+json that states the limit, and the connection closes."""
    async with listening(app) as port:
        status, headers, body = parsed(await exchange(port, sent))
    assert (status, headers["content-type"]) == (408, "application/problem+json")
    assert headers["connection"] == "close"
    assert (body["code"], body["request_id"]) == ("request_timeout", headers["x-request-id"])
    assert limit in body["detail"]


@pytest.mark.parametrize(
    ("framing", "status", "code"),
    [(b"99", 408, "request_timeout"), (b"99999999", 413, "body_too_large")],
)
async def test_chat_problem_has_error(app: Any, framing: bytes, status: int, code: str) -> None:
    """Under /v1 a problem has the member `error`, where OpenAI's clients look, whether doorway or ingress answers."""
    head = HEAD.replace(b"/search", b"/v1/chat/completions") + b"Connection: close\r\n"
    async with listening(app) as port:
        answer = parsed(await exchange(port, head + b"Content-Length: " + framing + b"\r\n\r\nx"))
    assert (answer[0], answer[2]["error"]["code"]) == (status, code)


async def test_body_in_small_pieces(patient_app: Any) -> None:
    """A slow client that keeps within the deadlines is answered."""
    body = json.dumps({"query": "a thought"}).encode()
    async with listening(patient_app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
        for byte in body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        status, _, found = parsed(await reader.read())
        writer.close()
    assert (status, found["results"]) == (200, [])


async def test_oversized_body_returns_413(patient_app: Any) -> None:
    """An oversized body gets 413 before it has arrived in full, whether or not its length was announced."""
    async with listening(patient_app) as port:
        for sent in (
            HEAD + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 5,
        ):
            status, _, found = parsed(await exchange(port, sent))
            assert (status, found["code"]) == (413, "body_too_large")


async def test_probes_among_slow_clients(app_of: Callable[[Limits], Any]) -> None:
    """Probes and searches succeed during 500 slow connections; all get closed, and no descriptor leaks."""
    # 500 clients on this event loop may hold up the search's own body for a second.
    limits = request_limits(body_idle_timeout_s=4, body_timeout_s=6)
    async with (
        listening(app_of(limits)) as port,
        httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=60) as client,
    ):
        await client.get("/livez")
        before = open_files()
        kinds = [kind for _ in range(42) for kind in SLOW][:500]
        slow = asyncio.create_task(run_slow_clients(kinds, port, drip_s=0.3, deadline_s=60))
        while not slow.done():
            assert (await client.get("/livez")).status_code == 200
            assert (await client.post("/search", json={"query": "x y"})).status_code == 200
            await asyncio.wait([slow], timeout=0.1)
        assert [one.kind for one in slow.result() if one.seconds is None] == []
        await wait_for_task(lambda: open_files() <= before + 2, "all are closed")


async def test_probes_answer_under_overload() -> None:
    """When all places and the queue are full, further requests get 503, and probes are still answered."""
    services = _Held()
    admission = Admission(working=2, waiting=1)
    app = create_app(services, admission=admission)
    async with (
        listening(app) as port,
        httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=30) as client,
    ):

        async def ask() -> httpx.Response:
            return await client.post("/analyze", json={"lyrics": "a line"})

        working = [asyncio.create_task(ask()) for _ in range(3)]
        await wait_for_task(lambda: services.asked == 2, "both places are taken")
        for probe in ("/livez", "/readyz", "/health", "/metrics"):
            assert (await client.get(probe)).status_code == 200
        refused: httpx.Response = await ask()
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["content-type"] == "application/problem+json"
        for body in (b"", b"x"):  # no route reads the body of a GET
            assert (await client.request("GET", "/tracks", content=body)).status_code == 503
        services.go.set()
        assert [(await task).status_code for task in working] == [200] * 3
        assert (await client.get("/tracks")).status_code == 200


async def test_admission_frees_abandoned_place() -> None:
    """A cancelled waiter frees its place, whether or not its turn had already come."""
    admission = Admission(working=1, waiting=2)
    await admission.enter()
    first, second = (asyncio.create_task(admission.enter()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    admission.leave()  # the second one's turn comes
    second.cancel()  # and it leaves in the same moment
    await asyncio.wait([second])
    await asyncio.wait_for(admission.enter(), 5)
    admission.set_limits(2, 0)
    await asyncio.wait_for(admission.enter(), 5)


async def test_doorway_drops_serve_headers() -> None:
    """Headers meant for Serve and an undecodable request ID are removed before the app sees the request."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive
        seen.extend(name for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    orders = (
        b"X-Request-Timeout-Seconds: 0\r\nX-Request-Disconnect-Disabled: ?1\r\nServe_Multiplexed_Model_Id: \xff\r\n"
        b"Serve-Multiplexed-Model-Id: x\r\nX-Session-Id: x\r\nX-Request-ID: \xff\r\nX-Other: y\r\nConnection: close\r\n"
    )
    async with listening(behind_doorway(app)) as port:
        await exchange(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + orders + b"\r\n")
    assert set(seen) == {b"host", b"x-other", b"connection"}


@pytest.mark.parametrize("path", ["/livez", "/-/routes", "/-/healthz", "/nowhere"])
async def test_doorway_rejects_foreign_host(path: str) -> None:
    """A request for a foreign host name gets 421, even at Serve's own routes, which stops DNS rebinding."""
    app = behind_doorway(create_app(MemoryServices(limits=LIMITS)))
    async with listening(app) as port:
        sent = f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode()
        status, headers, body = parsed(await exchange(port, sent))
    assert (status, body["code"]) == (421, "host_not_allowed")
    assert headers["content-type"] == "application/problem+json"
