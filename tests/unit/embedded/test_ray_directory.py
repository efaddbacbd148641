"""The private directory of a Ray cluster: closed, short, removed, also after its process was killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapray.embedded.ray_directory import private_root, ray_clusters, ray_directory
from rapray.errors import RayUnavailable

# Starts a cluster's directory, prints it, and waits for the end of its input.
HOLDER = """
import sys
from pathlib import Path
from rapray.embedded.ray_directory import ray_directory

with ray_directory(Path("/data"), asks_for_token=True) as temp_dir:
    temp_dir.mkdir()
    print(temp_dir, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for temporary files that everybody may enter, as /tmp is."""
    with tempfile.TemporaryDirectory(prefix="r-", dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o1777)
        monkeypatch.setenv("RAY_TMPDIR", name)
        yield place


def _holder() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(holder: subprocess.Popen[str]) -> Path:
    assert holder.stdout is not None
    return Path(holder.stdout.readline().strip())


def _is_closed(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o700


def test_directory_is_closed_and_gone_afterwards(base: Path) -> None:
    """While it exists the cluster can be found, by the process and the data directory that it belongs to."""
    with ray_directory(Path("/data"), asks_for_token=True) as temp_dir:
        temp_dir.mkdir()
        assert _is_closed(temp_dir.parent)
        assert _is_closed(temp_dir.parent.parent)
        (cluster,) = ray_clusters()
        assert (cluster.process.pid, cluster.data_dir) == (os.getpid(), "/data")
        assert cluster.temp_dir == temp_dir
    assert not temp_dir.parent.exists()
    assert ray_clusters() == []
    assert [entry.name for entry in base.iterdir()] == [f"rapray-{os.geteuid()}"]


def test_directories_of_two_clusters_differ() -> None:
    """In one process and at once."""
    with ray_directory(Path("/a"), asks_for_token=True) as one:
        with ray_directory(Path("/a"), asks_for_token=True) as other:
            assert one != other
        assert one.parent.exists()


def test_directory_of_killed_process_goes_at_next_start() -> None:
    """That of a process that lives stays."""
    holders = [_holder(), _holder()]
    killed, alive = (_line(holder) for holder in holders)
    holders[0].send_signal(signal.SIGKILL)
    holders[0].wait(30)
    with ray_directory(Path("/data"), asks_for_token=True):
        assert not killed.parent.exists()
        assert alive.exists()
    for holder in holders:
        holder.communicate(timeout=30)
    assert not alive.parent.exists()


def test_directory_is_kept_where_ray_failed() -> None:
    """Its logs say why; the next start of another process removes it."""
    with pytest.raises(RayUnavailable):
        _fail()
    (cluster,) = ray_clusters()
    assert cluster.temp_dir.exists()


def _fail() -> None:
    with ray_directory(Path("/data"), asks_for_token=True) as temp_dir:
        temp_dir.mkdir()
        raise RayUnavailable(reason="it did not start")


def test_root_that_somebody_else_made_is_not_used(base: Path) -> None:
    """An open directory, or a link, under the name that rapray would take."""
    taken = base / f"rapray-{os.geteuid()}"
    taken.mkdir(mode=0o755)
    root = private_root()
    assert root != taken
    assert _is_closed(root)
    taken.rmdir()
    elsewhere = base / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    taken.symlink_to(elsewhere)
    assert private_root() not in (taken, elsewhere)


def test_root_is_private_directory_of_the_user(base: Path) -> None:
    """A directory for temporary files that nobody else can enter needs none below it."""
    base.chmod(0o700)
    assert private_root() == base


def test_root_with_long_path_is_not_used(monkeypatch: pytest.MonkeyPatch, base: Path) -> None:
    """A Unix socket's path may have about a hundred bytes."""
    monkeypatch.setenv("RAY_TMPDIR", str(base / ("long" * 20)))
    assert len(os.fsencode(private_root())) < 40
