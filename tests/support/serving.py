"""A Ray for serving tests, load on an ingress, and the replicas behind it."""

from __future__ import annotations

import itertools
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from rapray.config import RaySettings, Settings

Send = Callable[[httpx.Client, int], httpx.Response]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_ready(port: int) -> bool:
    """Return True if an ingress answers at this port of loopback."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def local_ray(num_cpus: int) -> Iterator[None]:
    """Start Ray inside this process as rapray does, unless there is one already."""
    import ray

    from rapray.pipelines.cluster import ray_connection

    if ray.is_initialized():
        yield
        return
    cluster = RaySettings(address="local", num_cpus=num_cpus, object_store_bytes=100_000_000)
    with (
        tempfile.TemporaryDirectory(prefix="rapray-ray-") as place,
        ray_connection(Settings(data_dir=Path(place), ray=cluster)),
    ):
        yield


def replica_states() -> dict[str, Counter[str]]:
    """Count the replicas of each deployment by their state."""
    from ray import serve

    deployments = serve.status().applications["rapray"].deployments
    return {
        name: Counter({str(state): count for state, count in status.replica_states.items()})
        for name, status in deployments.items()
    }


def replicas() -> dict[str, int]:
    """Return how many replicas of each deployment run now."""
    return {name: states["RUNNING"] for name, states in replica_states().items()}


class Load:
    """Clients that ask without a pause until they are stopped; every request's end is counted.

    Args:
        address: the URL of the ingress.
        sends: what each client asks.
        timeout_s: longest wait of a client for one answer.
    """

    def __init__(self, address: str, sends: list[Send], timeout_s: float = 90) -> None:
        self.ends: Counter[str] = Counter()
        self.sent = 0
        # Shared by all threads: a hundred clients, at 30 ms of CPU time each, would be a load in themselves.
        self._client = httpx.Client(
            base_url=address, timeout=timeout_s, limits=httpx.Limits(max_connections=None)
        )
        self._timeout_s = timeout_s
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(send,), daemon=True) for send in sends]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Stop asking, without waiting for the answers that are still to come."""
        self._stop.set()

    def __exit__(self, *_: object) -> None:
        self.stop()
        for thread in self._threads:
            thread.join(self._timeout_s + 30)
        self._client.close()
        assert not any(thread.is_alive() for thread in self._threads), "a request never came back"

    def _ask(self, send: Send) -> None:
        while not self._stop.is_set():
            with self._lock:
                self.sent += 1
                number = next(self._numbers)
            end = self._end(send, number)
            with self._lock:
                self.ends[end] += 1

    def _end(self, send: Send, number: int) -> str:
        try:
            answer = send(self._client, number)
        except httpx.HTTPError as error:
            return type(error).__name__
        if answer.status_code == 200:
            problems: dict[str, Any] = answer.json().get("problems", {})
            return "200" if not problems else "200 " + ",".join(sorted(p["code"] for p in problems.values()))
        return str(answer.status_code) + (" with Retry-After" if "retry-after" in answer.headers else "")
