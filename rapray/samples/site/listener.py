"""The sockets of the sample site: reads requests, sends answers whole or in the odd ways that a page asks for.

Does not know what a request gets: it asks `respond`.
"""

from __future__ import annotations

import contextlib
import math
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog

from rapray.samples.site import answers
from rapray.samples.site.answers import Answer, Delivery

log = structlog.get_logger(__name__)
_PIECES = 40  # of a trickled body
_IDLE_S = 60  # a connection that asks nothing for so long is closed
Respond = Callable[[str, str, dict[str, str]], Answer]  # method, target, headers in lower case


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a trickled body takes, how long an endless one is, and whether to give up."""

    slow_s: float
    oversized_bytes: int
    stopping: threading.Event = field(default_factory=threading.Event)


class Listener(ThreadingHTTPServer):
    """A listening socket and the connections that it accepted; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], respond: Respond, pace: Pace) -> None:
        self.respond = respond
        self.pace = pace
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then give it a thread."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        """Close the listening socket, and the connections that clients keep open: their threads would live on."""
        self.server_close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what is ours; a client that went away is nobody's error."""
        if not isinstance(sys.exception(), OSError):
            log.exception("sample site could not answer", client=str(client_address))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "rapray-samples"
    sys_version = ""
    timeout = _IDLE_S
    disable_nagle_algorithm = True

    def answer(self) -> None:
        """Answer the request that was just read."""
        if self.command != "GET" or {"Content-Length", "Transfer-Encoding"} & set(self.headers.keys()):
            # A body may follow that nobody reads; the next request must not start inside it.
            self.close_connection = True
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self._listener.respond(self.command, self.path, headers)
        self._send_head(answer)
        if self.command != "HEAD" and answer.status != 304:
            for piece in self._pieces(answer):
                self.wfile.write(piece)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = answer  # noqa: N815 - the base class calls these

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses by itself: requests that are not HTTP, methods that nobody knows."""
        self.close_connection = True
        title = "Method not allowed" if code == 501 else (message or "Bad request")
        status = 405 if code == 501 else code
        answer = answers.plain_page(status, title.partition("(")[0].strip(), "Only GET is served.")
        self._send_head(answer)
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Nothing on standard error; `SampleSite.requests` is the log."""

    @property
    def _listener(self) -> Listener:
        assert isinstance(self.server, Listener)
        return self.server

    def _send_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.delivery is Delivery.ENDLESS:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        if answer.delivery is Delivery.TRUNCATED:
            self.close_connection = True
        elif self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _pieces(self, answer: Answer) -> Iterator[bytes]:
        pace = self._listener.pace
        match answer.delivery:
            case Delivery.WHOLE:
                yield answer.body
            case Delivery.TRUNCATED:
                yield answer.body[: len(answer.body) // 2]
            case Delivery.TRICKLED:
                yield from self._trickled(answer.body, pace)
            case Delivery.ENDLESS:
                yield from _chunked(answer.body, pace.oversized_bytes)

    def _trickled(self, body: bytes, pace: Pace) -> Iterator[bytes]:
        size = math.ceil(len(body) / _PIECES)
        for start in range(0, len(body), size):
            if pace.stopping.wait(pace.slow_s / _PIECES):
                self.close_connection = True
                return
            yield body[start : start + size]


def _chunked(piece: bytes, total: int) -> Iterator[bytes]:
    for sent in range(0, total, len(piece)):
        part = piece[: total - sent]
        yield b"%X\r\n%b\r\n" % (len(part), part)
    yield b"0\r\n\r\n"
