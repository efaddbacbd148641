"""Servers, a Ray cluster, the sample site, and an undisturbed run that every chaos test is compared with."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapray import embedded
from rapray.config import Settings
from rapray.samples.site import SampleSite
from rapray.store import migrate
from tests.support.chaos import Chaos, Contents, commands
from tests.support.ray_cluster import raylet_cluster


@pytest.fixture(scope="session")
def chaos() -> Iterator[Chaos]:
    """Servers, Ray, sample site and settings that make every job take several batches.

    The jobs join one standing cluster: to start one for each of them would take most of the time.
    """
    data_dir = Path(tempfile.mkdtemp(prefix="rapray-chaos-"))
    data_dir.chmod(0o711)
    settings = Settings(data_dir=data_dir)
    embedded.up(settings, owner_pid=os.getpid())
    with SampleSite() as site, raylet_cluster(settings, more_cpus=(1, 1)) as raylets:
        environment = {
            "RAPRAY_DATA_DIR": str(data_dir),
            "RAPRAY_GENIUS__API_URL": f"{site.url}/api",
            "RAPRAY_GENIUS__WEB_URL": site.url,
            "RAPRAY_GENIUS__TOKEN": site.token,
            "RAPRAY_GENIUS__REQUESTS_PER_SECOND": "40",
            "RAPRAY_GENIUS__BURST": "5",
            "RAPRAY_JOBS__FETCH_BLOCK_ROWS": "4",
            "RAPRAY_JOBS__COMPUTE_BLOCK_ROWS": "16",
            "RAPRAY_JOBS__RETRY_DELAY_S": "3600",
            "RAPRAY_RAY__ADDRESS": raylets.address,
            "RAPRAY_RAY__NUM_CPUS": "2",
        }
        yield Chaos(settings, site, environment)
    embedded.down(data_dir)
    shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def undisturbed(chaos: Chaos) -> dict[str, Contents]:
    """The contents after each job of a run that nobody disturbed, and a database before each job to copy."""
    chaos.create("before_collect")
    migrate.upgrade(chaos.url("before_collect"))
    after: dict[str, Contents] = {}
    jobs = commands()
    for name, following in zip(jobs, [*list(jobs)[1:], "end"], strict=True):
        chaos.create(f"before_{following}", f"before_{name}")
        chaos.finish(f"before_{following}", jobs[name])
        after[name] = chaos.contents(f"before_{following}")
    return after
