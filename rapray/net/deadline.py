"""A deadline for a whole request of httpx or httpx2, from connecting to the last byte of the answer.

These clients bound only a single wait. A server that sends or takes a byte now and then could keep a worker for ever,
in the headers of an answer as well as in its body. Here each wait is cut at the deadline of its request.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpcore

from rapray.net.limits import Deadline

_PIECE_BYTES = 16_384  # of one write: a socket that has room takes it whole, so each piece is a single wait


class ClientDeadline(threading.local):
    """The deadline of the request that this thread is sending; outside of `within` there is none.

    Args:
        timeout_error: the error of the client that says so, such as `httpx.ReadTimeout`.
    """

    _deadline: Deadline | None = None

    def __init__(self, timeout_error: type[Exception]) -> None:
        self._timeout_error = timeout_error

    @contextmanager
    def within(self, seconds: float) -> Generator[None]:
        """End the requests of this block with the client's own time-out error after this many seconds."""
        self._deadline = Deadline(seconds)
        try:
            yield
        finally:
            self._deadline = None

    def bound(self, timeout: float | None) -> float | None:
        """Return the time-out of one wait, cut at the deadline."""
        if self._deadline is None:
            return timeout
        try:
            return self._deadline.remaining(timeout)
        except TimeoutError as error:
            raise self._timeout_error(str(error)) from error

    def install(self, client: Any) -> None:
        """Make every connection that this client of httpx or httpx2 opens from now on keep the deadline."""
        # A transport of our own, given to the client, would make httpx ignore the environment's proxies.
        for transport in filter(None, (client._transport, *client._mounts.values())):  # noqa: SLF001 - no argument does it
            pool = transport._pool  # noqa: SLF001 - the same
            pool._network_backend = _Backend(pool._network_backend, self)  # noqa: SLF001 - the same


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: Any, deadline: ClientDeadline) -> None:
        self._inner, self._deadline = inner, deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(host, port, self._deadline.bound(timeout), *args, **kwargs)
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: Any, deadline: ClientDeadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.bound(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE_BYTES):
            self._inner.write(buffer[start : start + _PIECE_BYTES], self._deadline.bound(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.bound(timeout))
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
