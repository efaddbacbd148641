"""Servers that listen where a Redis should: other programs, broken servers, servers that hang."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Protocol


class Behaviour(Protocol):
    """What a server does with one connection; `is_over` says when to stop."""

    def __call__(self, connection: socket.socket, is_over: threading.Event) -> None:
        """Treat a client badly."""
        ...


def answers(reply: bytes) -> Behaviour:
    """Give the same reply to everything that is received."""

    def behave(connection: socket.socket, is_over: threading.Event) -> None:
        while not is_over.is_set() and connection.recv(65_536):
            connection.sendall(reply)

    return behave


def hangs(connection: socket.socket, is_over: threading.Event) -> None:
    """Take everything and never answer."""
    with suppress(TimeoutError):
        while not is_over.is_set() and connection.recv(65_536):
            pass


def closes(connection: socket.socket, is_over: threading.Event) -> None:
    """Hang up at once."""
    del connection, is_over


def drips(reply: bytes, every_s: float) -> Behaviour:
    """Send a reply, then one digit after the other, each before a client's time-out for one read."""

    def behave(connection: socket.socket, is_over: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(reply)
        while not is_over.wait(every_s):
            connection.sendall(b"1")

    return behave


def floods(reply: bytes) -> Behaviour:
    """Send a reply, then bytes without end, as fast as they are taken."""

    def behave(connection: socket.socket, is_over: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(reply)
        block = b"x" * 1_000_000
        while not is_over.is_set():
            connection.sendall(block)

    return behave


def in_turn(*replies: bytes) -> Behaviour:
    """Answer the first command of a connection with the first reply, and so on; the last one again and again."""

    def behave(connection: socket.socket, is_over: threading.Event) -> None:
        for reply in itertools.chain(replies, itertools.repeat(replies[-1])):
            if is_over.is_set() or not connection.recv(65_536):
                return
            connection.sendall(reply)

    return behave


class BrokenServer:
    """A server on loopback, with a thread for each connection."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._over = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._listener.getsockname()[1]

    def run(self) -> None:
        """Take connections until `stop`."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(30)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._behaviour(connection, self._over)

    def stop(self) -> None:
        """Stop listening."""
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def broken_server(behaviour: Behaviour) -> Generator[str]:
    """Run a server with this behaviour, and yield its address as the URL of a Redis."""
    server = BrokenServer(behaviour)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        yield f"redis://:secret@127.0.0.1:{server.port}/3"
    finally:
        server.stop()


@contextmanager
def stopwatch() -> Generator[list[float]]:
    """Yield a list that holds the seconds of the block once it has ended."""
    seconds: list[float] = []
    started = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - started)
