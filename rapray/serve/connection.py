"""A connection of the proxy's HTTP server that bounds what uvicorn leaves unbounded.

uvicorn waits for ever for the first byte, for the end of a head and for a client to take an answer; its own
time-out covers only an idle connection between two requests. Heads, trailers and the requests that are sent ahead
may be of any size. Knows uvicorn and no request.
"""

from __future__ import annotations

import socket
from asyncio import BaseTransport, TimerHandle
from typing import Any, ClassVar

# uvicorn's other parser, h11, has limits and callbacks of its own; Ray Serve requires httptools.
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_Protocol: Any = HttpToolsProtocol

MOST_HEAD_BYTES = 65_536  # of a head, and of anything that stands between two pieces of a body or after it
MOST_AHEAD = 16  # requests on one connection that wait until the one before is answered
_PIECE_BYTES = 16_384  # the parser gets no more at once, so that the bounds are looked at in between
_KERNEL_BYTES = 131_072  # of an answer in the kernel; Linux doubles it
_LEAST_TAKEN_BYTES = (
    65_536  # what a client must take of a waiting answer within `unread_timeout_s`, if not all
)


class Connection(_Protocol):
    """A connection that is closed if its client is too slow, or sends too much that is not a body.

    Each head must be complete within `head_timeout_s`: the clock starts when the connection opens, and again with
    the first byte of each later head. An answer that waits for its client must move on within `unread_timeout_s`.
    """

    head_timeout_s: ClassVar[float] = 10.0
    unread_timeout_s: ClassVar[float] = 30.0
    _timer: TimerHandle | None = None
    _watch: TimerHandle | None = None
    _unread_bytes: int | None = None
    _head_bytes = 0
    _running: Any = None  # the request that is worked on; `cycle` is the one that arrived last

    def connection_made(self, transport: BaseTransport) -> None:
        """Start the clocks for the first request and for answers."""
        super().connection_made(transport)
        kernel = transport.get_extra_info("socket")
        if kernel is not None:
            # A buffer of megabytes shows for as long as a slow client needs for a third of it that nothing is taken.
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        self._start()
        self._watch_reader()

    def data_received(self, data: bytes) -> None:
        """Run the clock until the head is complete; what follows it has deadlines of its own."""
        for start in range(0, len(data), _PIECE_BYTES):
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
            piece = data[start : start + _PIECE_BYTES]
            self._head_bytes += len(piece)
            super().data_received(piece)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.abort()
        if self._is_at_work():
            self._stop()
        elif not self.transport.is_closing():
            self._start()

    def on_headers_complete(self) -> None:
        """Start the request or let it wait; too many that wait end the connection."""
        super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle
        if len(self.pipeline) > MOST_AHEAD:
            self.transport.abort()
            raise ConnectionAbortedError  # ends the parser's way through what has arrived

    def on_response_complete(self) -> None:
        """Go on with the request that has waited longest."""
        if self.pipeline:
            self._running = self.pipeline[-1][0]
        super().on_response_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body, which is no part of a head."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request; the next byte begins another head."""
        self._head_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, unless the connection has been ended."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def handle_websocket_upgrade(self, *arguments: Any) -> None:
        """Stop the clock, because the head is complete, and hand the connection to another protocol."""
        self._stop()
        super().handle_websocket_upgrade(*arguments)
        # `websockets` has bounds of its own for a head; uvicorn does not see that one was exceeded, and does nothing.
        if not getattr(self.transport.get_protocol(), "handshake_initiated", True):
            self.transport.abort()

    def resume_writing(self) -> None:
        """Go on with an answer, because the client has taken most of what waited."""
        self._unread_bytes = None
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop()
        if self._watch is not None:
            self._watch.cancel()
        if self._running is not None and not self._running.response_complete:
            # uvicorn tells only the request that arrived last.
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def _is_at_work(self) -> bool:
        is_upgraded = self.transport.get_protocol() is not self
        return is_upgraded or (self.cycle is not None and not self.cycle.response_complete)

    def _start(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_timeout_s, self._end)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        if not self._is_at_work():
            self.transport.abort()

    def _watch_reader(self) -> None:
        self._watch = self.loop.call_later(self.unread_timeout_s, self._check_reader)

    def _check_reader(self) -> None:
        """Abort if the client has hardly read since the last look; look again later if not."""
        unread = self.transport.get_write_buffer_size()
        if self.transport.is_closing() and unread == 0:
            return
        # Otherwise answers go on being written, and what waits is bounded.
        if not (self.flow.write_paused or self.transport.is_closing()):
            self._unread_bytes = None
        elif self._unread_bytes is None or unread <= self._unread_bytes - _LEAST_TAKEN_BYTES:
            self._unread_bytes = unread
        else:
            self.transport.abort()
            return
        self._watch_reader()
