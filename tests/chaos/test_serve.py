"""Replicas killed under load, where every accepted request is answered; and `rapray serve` killed on a shared cluster."""

from __future__ import annotations

import os
import signal

import httpx
import psutil
import pytest
from pydantic import SecretStr

from rapray.config import AnalyzeSettings, DatabaseSettings, RedisSettings, ServeSettings, Settings
from tests.support.chaos import Chaos, kill
from tests.support.commands import environment, start
from tests.support.serving import Load, free_port, is_ready, local_ray, replicas
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.ray,
    pytest.mark.usefixtures("own_ray"),
    pytest.mark.slow("kills replicas three times"),
    pytest.mark.timeout(420),
]
VERSE = (
    "we ride the night and light it right\nand count the days in bus stops and pay for them in raindrops\n"
)
ROUNDS = 3


def replica_pids(name: str) -> list[int]:
    """The processes of a deployment's replicas, of this test's own Ray alone."""
    found: list[int] = []
    for process in psutil.Process().children(recursive=True):
        try:
            title = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if title.startswith(f"ray::ServeReplica:rapray:{name}"):
            found.append(process.pid)
    return found


def analyze(client: httpx.Client, number: int) -> httpx.Response:
    """A text that nobody has asked for."""
    return client.post("/analyze", json={"lyrics": VERSE * 20 + f"number {number}"})


@pytest.mark.parametrize("victims", [1, 2], ids=["one replica", "all replicas"])
def test_killed_replica_loses_nothing(database_url: str, victims: int) -> None:
    """SIGKILL in the middle of requests, several times: each is asked again elsewhere, and none ends without an answer."""
    from rapray.serve.app import served

    settings = Settings(
        database=DatabaseSettings(url=SecretStr(database_url)),
        redis=RedisSettings(enabled=False),
        analyze=AnalyzeSettings(deadline_s=60),
        serve=ServeSettings(port=free_port(), analyzers=("algorithmic",)),
    )
    scaling = {"min_replicas": 2, "max_replicas": 2}
    options = {
        "algorithmic": {
            "autoscaling_config": scaling,
            "ray_actor_options": {"num_cpus": 0.1},
            "health_check_period_s": 1,
        }
    }
    with local_ray(4), served(settings, options) as address:
        wait_for(lambda: replicas()["algorithmic"] == 2, "two replicas run")
        with Load(address, [analyze] * 8) as load:
            for _ in range(ROUNDS):
                answered = load.ends["200"]
                wait_for(lambda: load.ends["200"] > answered + 20, "requests are answered", 120)  # noqa: B023 (asked in this turn only)
                wait_for(lambda: len(replica_pids("algorithmic")) >= 2, "both replicas are back", 120)
                kill(replica_pids("algorithmic")[:victims])
            answered = load.ends["200"]
            wait_for(lambda: load.ends["200"] > answered + 20, "requests are answered afterwards", 120)
    assert sum(load.ends.values()) == load.sent
    assert set(load.ends) <= {"200", "503 with Retry-After"}, load.ends
    assert load.ends["200"] >= load.sent * 0.9, load.ends


def test_killed_serve_is_replaced(chaos: Chaos, database_url: str) -> None:
    """What a killed `rapray serve` left on the cluster ends when the next one starts there."""
    ports = [free_port(), free_port()]
    said = ""
    for port, end in zip(ports, (signal.SIGKILL, signal.SIGINT), strict=True):
        own = {
            "RAPRAY_DATABASE__URL": database_url,
            "RAPRAY_REDIS__ENABLED": "false",
            "RAPRAY_SERVE__PORT": str(port),
            "RAPRAY_SERVE__ANALYZERS": "algorithmic",
        }
        process = start("serve", env=environment(**chaos.environment, **own))
        wait_for(lambda: process.poll() is not None or is_ready(port), "it answers", 180)  # noqa: B023 (asked in this turn only)
        assert process.poll() is None, process.communicate()[1]
        os.killpg(process.pid, end)
        said = process.communicate(timeout=90)[1]
    assert "serve_taken_over" in said
    assert not any(map(is_ready, ports))
