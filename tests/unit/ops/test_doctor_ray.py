"""What the doctor says about Ray's token, and where no cluster runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapray.config import Settings
from rapray.embedded.paths import Paths
from rapray.embedded.ray_token import ensure_token
from rapray.ops.doctor_ray import ray_findings

# Listens on every interface, says where, and waits for the end of its input.
SERVER = """
import socket, sys
with socket.create_server(("0.0.0.0", 0)) as server:
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A data directory and a place for clusters in which there is nothing."""
    with tempfile.TemporaryDirectory(prefix="r-", dir="/tmp") as place:  # pytest's paths are too long
        monkeypatch.setenv("RAY_TMPDIR", place)
        yield Settings(data_dir=tmp_path / "data")


def test_ray_without_cluster_ok(settings: Settings) -> None:
    """Without a cluster the doctor reports no problem and creates no token file."""
    finding = ray_findings(settings)[0]  # other tests' Ray may run beside this one
    assert (finding.state, finding.summary) == ("ok", "no cluster of rapray runs here")
    assert not Paths.of(settings.data_dir).ray_token.exists()


def test_ray_exposed_token_fails(settings: Settings) -> None:
    """A token file that other users can read fails the check, and the advice names the file."""
    path = ensure_token(Paths.of(settings.data_dir).ray_token)
    assert ray_findings(settings)[0].state == "ok"
    path.chmod(0o644)
    finding = ray_findings(settings)[0]
    assert (finding.state, finding.summary) == ("fail", "ray_token_unusable")
    assert str(path) in finding.advice


@pytest.mark.parametrize(("mode", "state"), [("token", "ok"), ("disabled", "warn")])
def test_ray_start_is_reported(settings: Settings, mode: str, state: str) -> None:
    """Processes of `ray start` are found by their names, with their open ports and whether a token protects them."""
    server = subprocess.Popen(
        ["/ray/core/src/ray/gcs/gcs_server", "-c", SERVER],
        executable=sys.executable,
        env={**os.environ, "RAY_AUTH_MODE": mode},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert server.stdout is not None
    port = server.stdout.readline().strip()
    findings = ray_findings(settings)
    server.communicate(timeout=30)
    finding = findings[-1]
    assert str(server.pid) in finding.summary
    assert f"{port} (GCS" in finding.summary
    assert finding.state == state
