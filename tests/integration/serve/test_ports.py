"""Where `rapray serve` listens on a laptop, and what another user of it can reach."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from rapray.config import ServeSettings, Settings
from rapray.embedded.ray_directory import ray_clusters
from rapray.embedded.ray_ports import Listener, beyond_loopback, described, listeners
from rapray.ops.doctor_ray import ray_findings
from tests.support.serving import free_port, local_ray
from tests.support.stranger import answers, can_read, stranger

pytestmark = pytest.mark.ray
# What Ray cannot bind to loopback, and why.
BEYOND_LOOPBACK = {
    "replica": "Serve binds the gRPC server between replicas to [::] (serve/_private/replica.py), whatever is set",
}


@pytest.fixture(scope="module")
def laptop_ray(own_ray: None) -> Iterator[None]:
    """A Ray as `rapray serve` starts it on a laptop: the shared one has three raylets in other processes."""
    with local_ray(4):
        yield


@pytest.fixture
def ports(laptop_ray: None, collection: Any) -> Iterator[list[Listener]]:
    """Every port of a served application and of the Ray below it."""
    from rapray.serve.app import served

    serving = ServeSettings(port=free_port(), analyzers=("algorithmic",))
    with served(collection.settings.model_copy(update={"serve": serving})):
        yield listeners(os.getpid())


def test_open_ports_are_protected(ports: list[Listener]) -> None:
    """Only ports that Ray cannot bind to loopback are open; the doctor explains them, and strangers are refused."""
    beyond = beyond_loopback(os.getpid())
    assert {listener.process for listener in beyond} == set(BEYOND_LOOPBACK)
    assert len(ports) > len(beyond) + 5
    (finding,) = [f for f in ray_findings(Settings()) if f"pid {os.getpid()} " in f.found]
    assert finding.state == "ok"
    assert described(beyond) in finding.found
    assert "ray status --address 127.0.0.1:" in finding.advice
    with stranger() as nobody:
        for listener in beyond:
            assert set(nobody(answers, "127.0.0.1", listener.port, None).values()) == {"refused"}


def test_session_directory_is_private(laptop_ray: None) -> None:
    """Ray makes its session directory open to everyone; a private parent directory keeps other users out."""
    (here,) = [place for place in ray_clusters() if place.process.pid == os.getpid()]
    assert here.temp_dir.stat().st_mode & 0o007
    with stranger() as nobody:
        assert can_read(str(here.temp_dir))
        assert not nobody(can_read, str(here.temp_dir))
