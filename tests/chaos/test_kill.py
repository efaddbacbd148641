"""A job killed anywhere is run again and ends the same."""

from __future__ import annotations

import subprocess

import psutil
import pytest

from tests.support.chaos import JOB_DEADLINE_S, Chaos, Contents, Killer, commands, end_group, kill
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.ray,
    pytest.mark.slow("starts jobs as processes"),
    pytest.mark.timeout(600),
]


def driver(_chaos: Chaos, job: subprocess.Popen[bytes]) -> list[int]:
    """The process that runs the job."""
    return [job.pid]


def ray_worker(_chaos: Chaos, _job: subprocess.Popen[bytes]) -> list[int]:
    """Every worker of the cluster that computes or fetches now."""
    pids: list[int] = []
    for process in psutil.Process().children(recursive=True):
        try:
            title = " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            continue
        # Without one of its agents a node of Ray ends: that is no worker's death.
        if title.startswith("ray::") and "IDLE" not in title and "Agent" not in title:
            pids.append(process.pid)
    return pids


def postmaster(chaos: Chaos, _job: subprocess.Popen[bytes]) -> list[int]:
    """PostgreSQL's parent process."""
    return [chaos.server("PostgreSQL")]


def valkey(chaos: Chaos, _job: subprocess.Popen[bytes]) -> list[int]:
    """The Valkey server."""
    return [chaos.server("Valkey")]


@pytest.mark.parametrize(
    "victim", [driver, ray_worker, postmaster, valkey], ids=lambda victim: victim.__name__
)
@pytest.mark.parametrize("name", commands())
def test_killed_job_resumes(
    chaos: Chaos, undisturbed: dict[str, Contents], name: str, victim: Killer
) -> None:
    """Whatever dies while rows are being written, running again gives the tables of an undisturbed run."""
    _kill_and_resume(chaos, undisturbed, name, victim)


def test_killed_job_local_ray(chaos: Chaos, undisturbed: dict[str, Contents]) -> None:
    """Killing a job that started its own Ray does not disturb the next run, which completes the tables."""
    _kill_and_resume(chaos, undisturbed, "analyze", driver, RAPRAY_RAY__ADDRESS="local")


def _kill_and_resume(
    chaos: Chaos, undisturbed: dict[str, Contents], name: str, victim: Killer, **variables: str
) -> None:
    database, job = f"{name}_{victim.__name__}_{len(variables)}", commands()[name]
    chaos.create(database, f"before_{name}")
    batches_before = chaos.batches(database)
    process = chaos.start(database, job, **variables)
    try:
        wait_for(
            lambda: chaos.batches(database) > batches_before or process.poll() is not None,
            f"{name} writes its first batch",
            JOB_DEADLINE_S,
        )
        assert process.poll() is None, f"{name} was over before it could be killed"
        victims = victim(chaos, process)
        assert victims, f"there was no {victim.__name__} to kill"
        kill(victims)
        process.communicate(timeout=JOB_DEADLINE_S)
    finally:
        end_group(process)
        process.wait()
    wait_for(chaos.is_up, "the servers are up again")
    chaos.finish(database, job)
    chaos.contents(database).assert_same(undisturbed[name])
    chaos.drop(database)
