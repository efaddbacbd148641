"""What does Ray Serve's ingress cost a request, against the same FastAPI app on bare uvicorn?

Both serve `create_app(MemoryServices())`; the request is `GET /livez`, which does nothing, over one kept connection, in
turns of 200 so that a busy machine slows both. Needs no database.

    python -m benchmarks.ingress [--requests 2000]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection

from fastapi import FastAPI

from tests.support.serving import free_port, local_ray

TURN = 200
START_DEADLINE_S = 120


def plain_app() -> FastAPI:
    """The app of both sides."""
    from rapray.serve.api import create_app
    from rapray.serve.memory import MemoryServices

    return create_app(MemoryServices())


@contextmanager
def uvicorn(port: int) -> Generator[None]:
    """The app on one uvicorn process, without an access log, as Serve runs it."""
    command = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.ingress:plain_app"]
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    process = subprocess.Popen([*command, *options])
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def ray_serve(port: int) -> Generator[None]:
    """The app in one replica behind Serve's proxy, with the ingress options of rapray."""
    from ray import serve

    from rapray.serve.app import INGRESS

    class Ingress:
        def __serve_build_asgi_app__(self) -> FastAPI:
            return plain_app()

    with local_ray(2):
        try:
            quiet = {"log_level": "WARNING", "enable_access_log": False}
            serve.start(http_options={"host": "127.0.0.1", "port": port}, logging_config=quiet)
            deployment = serve.deployment(serve.ingress()(Ingress))
            serve.run(deployment.options(**{**INGRESS, "user_config": None}).bind(), name="ingress")
            yield
        finally:
            serve.shutdown()


def connect(port: int) -> HTTPConnection:
    """A connection that has had an answer."""
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            if request(connection) is not None:
                return connection
        except OSError:
            connection.close()
        if time.monotonic() > deadline:
            reason = f"nothing answers on port {port} after {START_DEADLINE_S} s"
            raise TimeoutError(reason)
        time.sleep(0.05)


def request(connection: HTTPConnection) -> float | None:
    """Milliseconds of one request; None where the answer was not 200."""
    start = time.perf_counter()
    connection.request("GET", "/livez")
    response = connection.getresponse()
    response.read()
    return (time.perf_counter() - start) * 1000 if response.status == 200 else None


def turns(connections: dict[str, HTTPConnection], requests: int) -> dict[str, list[float]]:
    """Milliseconds of each request by side; the first turn of each warms up and is not counted."""
    found: dict[str, list[float]] = {name: [] for name in connections}
    for turn in range(-1, max(1, requests // TURN)):
        for name, connection in connections.items():
            times = [request(connection) for _ in range(TURN)]
            assert None not in times, f"{name} answered something else than 200"
            if turn >= 0:
                found[name] += [duration for duration in times if duration is not None]
    return found


def main() -> None:
    """Run both and print p50, p95 and their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=2000)
    arguments = parser.parse_args()
    uvicorn_port, serve_port = free_port(), free_port()
    with uvicorn(uvicorn_port), ray_serve(serve_port):
        connections = {"uvicorn": connect(uvicorn_port), "Ray Serve": connect(serve_port)}
        times = turns(connections, arguments.requests)
    figures: dict[str, tuple[float, float]] = {}
    for name, durations in times.items():
        figures[name] = statistics.median(durations), statistics.quantiles(durations, n=20)[-1]
        p50, p95 = figures[name]
        print(f"{name:10} {len(durations)} requests   p50 {p50:6.2f} ms   p95 {p95:6.2f} ms")
    (bare50, bare95), (serve50, serve95) = figures["uvicorn"], figures["Ray Serve"]
    print(
        f"ratio      p50 {serve50 / bare50:.1f}   p95 {serve95 / bare95:.1f}   difference p50 {serve50 - bare50:.2f} ms"
    )


if __name__ == "__main__":
    main()
