"""A client's requests end at their deadline, however the server sends its bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from rapray.net.deadline import ClientDeadline
from rapray.net.loopback import LOOPBACK

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"


@contextmanager
def dripping(head: bytes) -> Iterator[str]:
    """A server that sends a head and then a byte every few milliseconds, for as long as the client stays."""
    stop = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(head)
                while not stop.wait(0.01):
                    connection.sendall(b"x")

    with socket.create_server((LOOPBACK, 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}/"
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize("head", [HEAD, b"HTTP/1.1 200 OK\r\nx-slow: "])
def test_deadline_ends_dripping_answer(head: bytes) -> None:
    """Each byte restarts the client's own time-out; the deadline stands, in the headers as in the body."""
    deadline = ClientDeadline(httpx.ReadTimeout)
    with dripping(head) as url, httpx.Client(timeout=60, trust_env=False) as client:
        deadline.install(client)
        with pytest.raises(httpx.ReadTimeout), deadline.within(0.3):
            client.get(url)


def test_deadline_only_within() -> None:
    """Outside of the block the client's own time-out is all there is."""
    deadline = ClientDeadline(httpx.ReadTimeout)
    with deadline.within(100):
        assert deadline.bound(None) is not None
        assert deadline.bound(5) == 5
    assert deadline.bound(None) is None
    assert deadline.bound(5) == 5


def test_deadline_per_thread() -> None:
    """Threads share a client, and each has the deadline of its own request."""
    deadline = ClientDeadline(httpx.ReadTimeout)
    bounds: list[float | None] = []
    with deadline.within(100):
        other = threading.Thread(target=lambda: bounds.append(deadline.bound(None)))
        other.start()
        other.join()
    assert bounds == [None]
