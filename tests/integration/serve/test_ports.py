"""Where `rapray serve` listens on a laptop, and what another user of it can reach.

A `rapray serve` of its own: the tests' shared Ray is one of several raylets, and here rapray itself starts Ray.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rapray.config import Settings
from rapray.embedded import Endpoints
from rapray.embedded.ray_directory import RayCluster, ray_clusters
from rapray.embedded.ray_ports import Listener, described, listeners
from rapray.ops.doctor_ray import ray_findings
from tests.support.commands import environment, start
from tests.support.databases import create_database, drop_database
from tests.support.serving import free_port, is_ready
from tests.support.stranger import answers, can_read, stranger
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.slow("starts rapray serve"), pytest.mark.ray, pytest.mark.timeout(400)]
# What Ray cannot bind to loopback, and why.
BEYOND_LOOPBACK = {
    "replica": "Serve binds the gRPC server between replicas to [::] (serve/_private/replica.py), whatever is set",
}


@dataclass
class Laptop:
    """A running `rapray serve`."""

    process: subprocess.Popen[str]
    token: Path

    @property
    def cluster(self) -> RayCluster:
        """The Ray that it has started."""
        (cluster,) = [place for place in ray_clusters() if place.process.pid == self.process.pid]
        return cluster

    def stop(self) -> str:
        """Ctrl-C; returns what it said."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.communicate(timeout=90)[1]


@pytest.fixture(scope="module")
def laptop(
    servers: Endpoints, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Laptop]:
    """As a user starts it, with the servers of the tests."""
    port = free_port()
    data_dir = tmp_path_factory.mktemp("laptop")
    database_url = create_database(servers.database_url, "of_a_laptop", template=template_database)
    process = start(
        "serve",
        env=environment(
            RAPRAY_DATA_DIR=str(data_dir),
            RAPRAY_DATABASE__URL=database_url,
            RAPRAY_REDIS__ENABLED="false",
            RAPRAY_SERVE__PORT=str(port),
            RAPRAY_SERVE__ANALYZERS="algorithmic",
            RAPRAY_RAY__NUM_CPUS="2",
        ),
    )
    try:
        wait_for(lambda: process.poll() is not None or is_ready(port), "the ingress answers", 180)
        assert process.poll() is None, process.communicate()[1]
        running = Laptop(process, data_dir / "ray-token")
        directory, beyond = running.cluster.temp_dir, _beyond_loopback(listeners(process.pid))
        yield running
        # Ctrl-C: it has named the open ports, and removes Ray's directory.
        assert described(beyond) in running.stop()
        assert not directory.parent.exists()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        drop_database(servers.database_url, "of_a_laptop")


@pytest.fixture
def nobody() -> Iterator[Callable[..., Any]]:
    """Call functions as another user."""
    with stranger() as call:
        yield call


def test_strangers_are_refused(laptop: Laptop, nobody: Callable[..., Any]) -> None:
    """Another user of this host is refused at every open port, and can read neither Ray's directory nor the token."""
    open_ports = _beyond_loopback(listeners(laptop.process.pid))
    assert open_ports
    for listener in open_ports:
        assert set(nobody(answers, "127.0.0.1", listener.port, None).values()) == {"refused"}
    for path in (laptop.cluster.temp_dir, laptop.token):
        assert can_read(str(path))
        assert not nobody(can_read, str(path))


def test_open_ports_are_named(laptop: Laptop) -> None:
    """Only ports that Ray cannot bind to loopback are open, and the doctor names them."""
    ports = listeners(laptop.process.pid)
    beyond = _beyond_loopback(ports)
    assert {listener.process for listener in beyond} == set(BEYOND_LOOPBACK)
    assert len(ports) > len(beyond) + 5
    (finding,) = [f for f in ray_findings(Settings()) if f"pid {laptop.process.pid} " in f.summary]
    assert finding.state == "ok"
    assert described(beyond) in finding.summary
    assert "ray status --address 127.0.0.1:" in finding.advice


def _beyond_loopback(ports: list[Listener]) -> list[Listener]:
    return [listener for listener in ports if not listener.is_on_loopback]
