"""A Ray for serving tests, load on an ingress, and the replicas behind it."""

from __future__ import annotations

import itertools
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

Send = Callable[[httpx.Client, int], httpx.Response]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def local_ray(num_cpus: int) -> Iterator[None]:
    """Ray inside this process, unless there is one already."""
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH", "rapray.serve.doorway:middlewares")
    import ray

    if ray.is_initialized():
        yield
        return
    ray.init(
        "local",
        num_cpus=num_cpus,
        include_dashboard=False,
        object_store_memory=100_000_000,
        log_to_driver=False,
    )
    try:
        yield
    finally:
        ray.shutdown()


def replicas() -> dict[str, int]:
    """How many replicas of each deployment run now."""
    from ray import serve

    found = serve.status().applications["rapray"].deployments
    return {name: int(status.replica_states.get("RUNNING", 0)) for name, status in found.items()}


class Load:
    """Clients that ask without a pause until they are stopped; every request's end is counted."""

    def __init__(self, address: str, sends: list[Send]) -> None:
        self.ends: Counter[str] = Counter()
        self.sent = 0
        self._address, self._sends = address, sends
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(send,), daemon=True) for send in sends]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in self._threads), "a request never came back"

    def _ask(self, send: Send) -> None:
        with httpx.Client(base_url=self._address, timeout=90) as client:
            while not self._stop.is_set():
                with self._lock:
                    self.sent += 1
                    number = next(self._numbers)
                end = self._end(client, send, number)
                with self._lock:
                    self.ends[end] += 1

    def _end(self, client: httpx.Client, send: Send, number: int) -> str:
        try:
            answer = send(client, number)
        except httpx.HTTPError as error:
            return type(error).__name__
        if answer.status_code == 200:
            problems: dict[str, Any] = answer.json().get("problems", {})
            return "200" if not problems else "200 " + ",".join(sorted(p["code"] for p in problems.values()))
        return str(answer.status_code) + (" with Retry-After" if "retry-after" in answer.headers else "")
