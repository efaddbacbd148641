"""Ray's own commands with rapray's variables: strangers are refused at every port, and owners are served."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from rapray.config import Settings
from rapray.embedded.ray_ports import Listener, listeners
from rapray.pipelines.ray_environment import shell_variables
from tests.support.commands import ROOT, environment
from tests.support.serving import free_port
from tests.support.stranger import (
    answers,
    can_connect,
    can_read,
    only_publishes_figures,
    post,
    stranger,
)
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]
HOST = "127.0.0.1"
WRONG_TOKEN = "0" * 64
# Joins a cluster, and prints its CPUs and the variables about tokens that it leaves behind, or the error.
JOIN = """
import json, os, sys
from pathlib import Path

import ray

from rapray.config import RaySettings, Settings
from rapray.errors import RaprayError
from rapray.pipelines.cluster import ray_connection

before = set(os.environ)
try:
    with ray_connection(Settings(data_dir=Path(sys.argv[1]), ray=RaySettings(address=sys.argv[2]))):
        cpus = int(ray.cluster_resources()["CPU"])
    result = {"cpus": cpus, "variables": sorted(name for name in set(os.environ) - before if "AUTH" in name)}
except RaprayError as error:
    result = {"code": error.code, "message": str(error)}
print(json.dumps(result))
"""
# Everybody on this host may read what these publish; they take no orders.
FIGURES = {"agent", "autoscaler", "dashboard"}
KINDS = {"GCS", "raylet", "worker", "agent", "runtime environment agent", "dashboard", "Ray Client"}


@dataclass(frozen=True)
class Head:
    """A running `ray start --head` with everything on that Ray has a port for."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    temp_dir: Path
    token: str
    gcs: str
    client: str
    agent_port: int

    def ports(self) -> list[Listener]:
        """Where it and its children listen."""
        return listeners(self.process.pid)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    """Started with the variables of `rapray ray-env`, as a user would; ended by its process id."""
    data_dir = tmp_path_factory.mktemp("head")
    root = Path(tempfile.mkdtemp(prefix="rr-"))  # 0700; pytest's paths are too long for sockets
    ports = {name: free_port() for name in ("port", "dashboard-port", "dashboard-agent-listen-port")}
    client_port = free_port()
    options = [f"--{name}={port}" for name, port in ports.items()]
    options += [f"--ray-client-server-port={client_port}", "--min-worker-port=0", "--max-worker-port=0"]
    options += ["--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(root))
        variables = shell_variables(Settings(data_dir=data_dir))
    log = root / "head.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("ray"), "start", "--head", "--block", *options],
            env=environment(**variables),
            stdout=output,
            stderr=output,
            process_group=0,
        )
    try:
        wait_for(
            lambda: b"Ray runtime started" in log.read_bytes() or process.poll() is not None,
            "Ray starts",
            120,
        )
        assert process.poll() is None, log.read_text()
        started = Head(
            process,
            data_dir,
            root / "ray",
            Path(variables["RAY_AUTH_TOKEN_PATH"]).read_text(encoding="utf-8"),
            f"{HOST}:{ports['port']}",
            f"ray://{HOST}:{client_port}",
            ports["dashboard-agent-listen-port"],
        )
        wait_for(lambda: _submit(started, "sleep 1000") == 200, "a job is taken: it needs a worker", 60)
        wait_for(lambda: {listener.process for listener in started.ports()} >= KINDS, "all listen", 60)
        yield started
    finally:
        _end(process)
        shutil.rmtree(root, ignore_errors=True)


def _submit(head: Head, command: str) -> int | None:
    """The status of a job's submission to the agent, with the owner's token; None while it is starting."""
    place = (HOST, head.agent_port, "/api/job_agent/jobs/")
    try:
        return post(*place, {"entrypoint": command}, head.token)
    except OSError:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return  # it died at its start, and the test prints its log
    # Not SIGTERM: `ray start --block` then takes half a minute to stop.
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=30)
    process.wait(30)


@pytest.fixture(scope="module")
def nobody() -> Iterator[Callable[..., Any]]:
    """Calls functions as another user."""
    with stranger() as call:
        yield call


def test_ports_refuse_strangers(head: Head, nobody: Callable[..., Any]) -> None:
    """Without the token or with a wrong one nothing is served; with the token each port serves something."""
    for listener in head.ports():
        place = (HOST, listener.port)
        if only_publishes_figures(*place):
            assert listener.process in FIGURES, listener
            continue
        for token in (None, WRONG_TOKEN):
            assert set(nobody(answers, *place, token).values()) == {"refused"}, (listener, token)
        assert "served" in answers(*place, head.token).values(), listener


def test_ports_are_on_loopback(head: Head) -> None:
    """No other host reaches this cluster."""
    assert [listener for listener in head.ports() if not listener.is_on_loopback] == []


def test_job_agent_refuses_strangers(head: Head, nobody: Callable[..., Any], tmp_path: Path) -> None:
    """The job agent runs a command only if the request carries the right token."""
    refused, accepted = tmp_path / "refused", tmp_path / "accepted"
    where = (HOST, head.agent_port, "/api/job_agent/jobs/")
    assert nobody(post, *where, {"entrypoint": f"touch {refused}"}, None) == 401
    assert nobody(post, *where, {"entrypoint": f"touch {refused}"}, WRONG_TOKEN) == 403
    assert _submit(head, f"touch {accepted}") == 200
    wait_for(accepted.exists, "the owner's job runs", 120)
    assert not refused.exists()


def test_cluster_files_are_private(head: Head, nobody: Callable[..., Any]) -> None:
    """Other users cannot open the token, the temporary directory or its sockets, which ask for no token."""
    socket_path = str(next(head.temp_dir.glob("session_2*/sockets/raylet")))
    assert can_connect(socket_path)
    assert not nobody(can_connect, socket_path)
    for path in (head.data_dir / "ray-token", head.temp_dir):
        assert can_read(str(path))
        assert not nobody(can_read, str(path))


def _join(data_dir: Path, address: str, **variables: str) -> dict[str, Any]:
    """What joining a cluster comes to, in a process whose only variables of Ray are these."""
    done = subprocess.run(
        [sys.executable, "-c", JOIN, str(data_dir), address],
        env=environment(**{"HOME": str(data_dir), "PYTHONPATH": str(ROOT), **variables}),
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_join_data_directory_token(head: Head) -> None:
    """A job takes the token from its data directory; it needs no RAY_ variable and leaves none set."""
    assert _join(head.data_dir, head.gcs) == {"cpus": 1, "variables": []}


@pytest.mark.parametrize("source", ["RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "home"])
def test_join_operator_token(head: Head, source: str, tmp_path: Path) -> None:
    """A job joins a cluster of another data directory with a token from any of Ray's own sources."""
    path = tmp_path / ".ray" / "auth_token"
    path.parent.mkdir()
    path.write_text(head.token, encoding="ascii")
    elsewhere = tmp_path / "data"
    elsewhere.mkdir()
    sources = {"RAY_AUTH_TOKEN": head.token, "RAY_AUTH_TOKEN_PATH": str(path), "home": str(tmp_path)}
    name = "HOME" if source == "home" else source
    assert _join(elsewhere, head.gcs, **{name: sources[source]})["cpus"] == 1


@pytest.mark.parametrize("through", ["gcs", "client"])
def test_join_without_token_refused(head: Head, through: str, tmp_path: Path) -> None:
    """Joining without a token fails with an error that names the address and the variable to set."""
    address: str = getattr(head, through)
    refused = _join(tmp_path, address)
    assert refused["code"] == "ray_refused"
    for part in (address.removeprefix("ray://"), "has none", "RAY_AUTH_TOKEN_PATH"):
        assert part in refused["message"]


@pytest.mark.parametrize("through", ["gcs", "client"])
def test_join_wrong_token_refused(head: Head, through: str) -> None:
    """A wrong RAY_AUTH_TOKEN is refused: it takes precedence over the valid token in the data directory."""
    refused = _join(head.data_dir, getattr(head, through), RAY_AUTH_TOKEN=WRONG_TOKEN)
    assert refused["code"] == "ray_refused"
    assert "refuses" in refused["message"]


def test_join_missing_token_file(head: Head, tmp_path: Path) -> None:
    """A RAY_AUTH_TOKEN_PATH that points to a missing file is refused with an error that names the file."""
    missing = str(tmp_path / "nothing")
    refused = _join(head.data_dir, head.gcs, RAY_AUTH_TOKEN_PATH=missing)
    assert refused["code"] == "ray_refused"
    assert missing in refused["message"]


def test_join_unreachable_address_fails(tmp_path: Path) -> None:
    """Joining where no cluster listens fails with an error that names the address."""
    address = f"{HOST}:{free_port()}"
    missing = _join(tmp_path, address)
    assert missing["code"] == "ray_unavailable"
    assert address in missing["message"]
