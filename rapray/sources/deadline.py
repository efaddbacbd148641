"""A deadline for a whole request, from connecting to the last byte of the body.

Does not know HTTP: it bounds each wait of the connections below it. httpx bounds a single wait alone, so a server that
sends a byte now and then could keep a worker for ever, in its headers as in its body.
"""

from __future__ import annotations

import math
import ssl
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx


class Deadline(threading.local):
    """When the request of this thread must be over, on `time.monotonic`; never, outside of `within`."""

    _at = math.inf

    @contextmanager
    def within(self, seconds: float) -> Generator[None]:
        """The requests of the block end in `httpx.ReadTimeout` after so many seconds."""
        self._at = time.monotonic() + seconds
        try:
            yield
        finally:
            self._at = math.inf

    def bound(self, timeout: float | None) -> float | None:
        """The time-out of one wait, cut at the deadline."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the answer did not arrive in time")
        return timeout if left == math.inf else min(left, left if timeout is None else timeout)

    def hold(self, client: httpx.Client) -> None:
        """Let every connection that this client opens from now on keep to the deadline."""
        # httpx has no argument for it; with a transport of our own it would not see the environment's proxies.
        transports = client._transport, *client._mounts.values()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        for transport in transports:
            if isinstance(transport, httpx.HTTPTransport):
                pool = transport._pool  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
                pool._network_backend = _Backend(self)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


class _Backend(httpcore.SyncBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore.NetworkStream:
        stream = super().connect_tcp(host, port, self._deadline.bound(timeout), *args, **kwargs)
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.bound(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.bound(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.bound(timeout))
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
