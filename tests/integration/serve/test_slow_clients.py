"""Slow and hostile clients of a served application: proxy, doorway and ingress together."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

import httpx
import psutil
import pytest
from ray.serve._private import constants

from rapray.serve import doorway
from tests.integration.serve.conftest import HEAD_S, IDLE_S, TOTAL_S, ServedApplication
from tests.support.slow_clients import SLOW, run_slow_clients

pytestmark = [
    pytest.mark.slow("waits until every slow client is cut off"),
    pytest.mark.ray,
    pytest.mark.timeout(280),
]
CONNECTIONS = 500


@pytest.fixture
def port(served_app: ServedApplication) -> int:
    """The port of the application of this run, whose deadlines are short."""
    return served_app.settings.serve.port


async def test_app_outlives_slow_clients(port: int) -> None:
    """Probes and requests succeed during 500 slow connections, and every slow connection is closed in the end."""
    kinds = [kind for _ in range(CONNECTIONS) for kind in SLOW][:CONNECTIONS]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        assert (await client.get("/livez")).status_code == 200
        slow = asyncio.create_task(
            run_slow_clients(kinds, port, drip_s=IDLE_S / 3, deadline_s=HEAD_S + TOTAL_S + 60)
        )
        while not slow.done():
            assert (await client.get("/livez")).status_code == 200
            answer = await client.post(
                "/analyze", json={"lyrics": "I light the night", "analyzers": ["algorithmic"]}
            )
            assert (answer.status_code, answer.json()["problems"]) == (200, {})
            await asyncio.wait([slow], timeout=0.1)
    clients = slow.result()
    assert Counter(one.kind for one in clients if one.seconds is None) == {}
    bodies = [one.answer for one in clients if one.kind in {"half a body", "dripping body", "half a chunk"}]
    assert all(b" 408 " in answer.split(b"\r\n", 1)[0] for answer in bodies)
    assert all(b'"code": "request_timeout"' in answer for answer in bodies)
    assert _connections_of_proxy(port) < CONNECTIONS / 10


def _connections_of_proxy(port: int) -> int:
    return sum(
        1
        for connection in psutil.net_connections("tcp")
        if connection.laddr and connection.laddr[1] == port and connection.status == "ESTABLISHED"
    )


@pytest.mark.parametrize("path", ["/livez", "/-/routes", "/-/healthz", "/docs"])
def test_app_rejects_foreign_host(port: int, path: str) -> None:
    """A request for a foreign host name gets 421, even at Serve's own routes, which bypass the ingress."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        assert client.get(path).status_code == 200
        foreign = client.get(path, headers={"host": "evil.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize("path", ["/-/routes", "/-/healthz", "/livez", "/nowhere"])
@pytest.mark.parametrize("upgrade", ["websocket", "h2c", "nonsense"])
def test_app_survives_upgrade_request(port: int, path: str, upgrade: str) -> None:
    """An upgrade request is refused or ignored; it never causes a server error."""
    sent = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent.encode())
        status = int(connection.recv(4096).split()[1])
    assert status == 403 if upgrade == "websocket" else status in {200, 400, 404, 426}


def test_app_ignores_serve_headers(port: int) -> None:
    """Headers meant for Serve are ignored, even with undecodable values, and the doorway lists all of them."""
    orders = {constants.SERVE_HTTP_REQUEST_TIMEOUT_S_HEADER: "0.000001"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        assert client.get("/livez", headers=orders).status_code == 200
        for name in (b"X-Request-ID", constants.SERVE_MULTIPLEXED_MODEL_ID.encode(), b"X-Session-ID"):
            assert client.get("/livez", headers=[(name, b"\xff\xfe")]).status_code == 200
    known = {
        constants.SERVE_HTTP_REQUEST_TIMEOUT_S_HEADER,
        constants.SERVE_HTTP_REQUEST_DISCONNECT_DISABLED_HEADER,
        constants.SERVE_MULTIPLEXED_MODEL_ID,
        constants.SERVE_SESSION_ID,
    }
    assert {name.replace("_", "-") for name in known} == doorway.ORDERS
