"""Ray's own commands with rapray's variables: strangers are refused at every port, and owners are served."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray

from rapray.config import RaySettings, Settings
from rapray.embedded.ray_ports import Listener, listeners
from rapray.errors import RayRefused, RayUnavailable
from rapray.pipelines.cluster import ray_connection
from rapray.pipelines.ray_environment import shell_variables
from tests.support.commands import environment
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

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("own_ray"), pytest.mark.timeout(600)]
HOST = "127.0.0.1"
WRONG_TOKEN = "0" * 64
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
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    _, alive = psutil.wait_procs(children, timeout=5)
    for child in alive:
        child.kill()


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


@pytest.fixture
def no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that names no token, and a home that has none."""
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def _joined(data_dir: Path, address: str) -> int:
    with ray_connection(Settings(data_dir=data_dir, ray=RaySettings(address=address))):
        return int(ray.cluster_resources()["CPU"])


@pytest.mark.usefixtures("no_token")
def test_join_data_directory_token(head: Head) -> None:
    """A job takes the token from its data directory; it needs no RAY_ variable and leaves none set."""
    assert _joined(head.data_dir, head.gcs) == 1
    assert not {name for name in os.environ if name.startswith("RAY_")}


@pytest.mark.usefixtures("no_token")
@pytest.mark.parametrize("source", ["RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "home"])
def test_join_operator_token(
    head: Head, source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A job joins a cluster of another data directory with a token from any of Ray's own sources."""
    path = tmp_path / (".ray/auth_token" if source == "home" else "token")
    path.parent.mkdir(exist_ok=True)
    path.write_text(head.token)
    if source != "home":
        monkeypatch.setenv(source, head.token if source == "RAY_AUTH_TOKEN" else str(path))
    assert _joined(tmp_path / "data", head.gcs) == 1


@pytest.mark.usefixtures("no_token")
@pytest.mark.parametrize("through", ["gcs", "client"])
def test_join_without_token_refused(head: Head, through: str, tmp_path: Path) -> None:
    """Joining without a token fails with an error that names the address and the variable to set."""
    with pytest.raises(RayRefused, match=r"has none.*RAY_AUTH_TOKEN_PATH") as refused:
        _joined(tmp_path, getattr(head, through))
    assert head.gcs in str(refused.value) or head.client.removeprefix("ray://") in str(refused.value)


@pytest.mark.usefixtures("no_token")
@pytest.mark.parametrize("through", ["gcs", "client"])
def test_join_wrong_token_refused(head: Head, through: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong RAY_AUTH_TOKEN is refused: it takes precedence over the valid token in the data directory."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", WRONG_TOKEN)
    with pytest.raises(RayRefused, match=r"refuses.*RAY_AUTH_TOKEN_PATH"):
        _joined(head.data_dir, getattr(head, through))


@pytest.mark.usefixtures("no_token")
def test_join_missing_token_file(head: Head, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A RAY_AUTH_TOKEN_PATH that points to a missing file is refused with an error that names the file."""
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "nothing"))
    with pytest.raises(RayRefused, match="nothing"):
        _joined(head.data_dir, head.gcs)


@pytest.mark.usefixtures("no_token")
def test_join_unreachable_address_fails(tmp_path: Path) -> None:
    """Joining where no cluster listens fails with an error that names the address."""
    address = f"{HOST}:{free_port()}"
    with pytest.raises(RayUnavailable, match=address):
        _joined(tmp_path, address)
