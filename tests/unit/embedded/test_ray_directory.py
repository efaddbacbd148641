"""The private directory of a Ray cluster: closed, short, removed, also after its process was killed."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapray.embedded import ray_directory as module
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
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")


def _line(holder: subprocess.Popen[str]) -> Path:
    assert holder.stdout is not None
    return Path(holder.stdout.readline().strip())


def _is_closed(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o700


def test_directory_private_then_removed(base: Path) -> None:
    """The directory is private, identifies its cluster while it exists, and is removed afterwards."""
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


def test_directory_unique_per_cluster() -> None:
    """Two clusters of one process that exist at the same time have separate directories."""
    with ray_directory(Path("/a"), asks_for_token=True) as one:
        with ray_directory(Path("/a"), asks_for_token=True) as other:
            assert one != other
        assert one.parent.exists()


def test_directory_removed_after_kill() -> None:
    """The next start removes the directory of a killed process and spares that of a running one."""
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


def test_directory_survives_failed_start() -> None:
    """If Ray fails to start, its directory stays, so that its logs can be read."""
    with pytest.raises(RayUnavailable):
        _fail()
    (temp_dir,) = private_root().glob("c-*/ray")
    assert ray_clusters() == []
    with ray_directory(Path("/data"), asks_for_token=True):
        assert not temp_dir.exists()


def _fail() -> None:
    with ray_directory(Path("/data"), asks_for_token=True) as temp_dir:
        temp_dir.mkdir()
        raise RayUnavailable(reason="it did not start")


def test_directory_of_container_spared() -> None:
    """A cluster of another container, whose pid does not exist here, keeps its directory as long as it runs."""
    with ray_directory(Path("/data"), asks_for_token=True) as temp_dir:
        record = temp_dir.parent / "cluster.json"
        content = json.loads(record.read_text(encoding="utf-8"))
        content["process"] = {"pid": 2**22 + 1, "birth": "elsewhere"}
        record.write_text(json.dumps(content), encoding="utf-8")
        with ray_directory(Path("/data"), asks_for_token=True):
            assert record.exists()
            assert len(ray_clusters()) == 2


def test_directory_unfinished_is_removed() -> None:
    """What a process left that was killed before it wrote its record goes after an hour; other files stay."""
    root = private_root()
    unfinished, young, foreign = (root / name for name in ("c-aaaaaaaa", "c-bbbbbbbb", "c-cccccccc"))
    for directory in (unfinished, young, foreign):
        directory.mkdir()
    (unfinished / "cluster.lock").touch()
    (foreign / "diary").touch()
    for directory in (unfinished, foreign):
        os.utime(directory, (0, 0))
    with ray_directory(Path("/data"), asks_for_token=True):
        assert [directory.exists() for directory in (unfinished, young, foreign)] == [False, True, True]


def test_root_avoids_untrusted_directory(base: Path) -> None:
    """If an open directory or a link has taken the name that rapray would use, another directory is used."""
    taken = base / f"rapray-{os.geteuid()}"
    taken.mkdir(mode=0o755)
    root = private_root()
    assert root != taken
    assert root == private_root()
    assert _is_closed(root)
    taken.rmdir()
    elsewhere = base / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    taken.symlink_to(elsewhere)
    assert private_root() not in (taken, elsewhere)


def test_root_falls_to_home(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If others have taken the names in every temporary directory, the home directory is used, or the error names them."""
    monkeypatch.setattr(tempfile, "tempdir", str(base))
    monkeypatch.setattr(module, "_SHORT_BASE", base)
    monkeypatch.setenv("HOME", str(base / "h"))
    (base / "h").mkdir()
    taken = base / f"rapray-{os.geteuid()}"
    taken.mkdir(mode=0o755)
    with ray_directory(Path("/data"), asks_for_token=True) as temp_dir:
        assert temp_dir.is_relative_to(base / "h" / ".rapray")
        assert len(ray_clusters()) == 1
    (base / "h" / ".rapray").chmod(0o755)
    with pytest.raises(RayUnavailable, match=str(taken)):
        private_root()


def test_root_missing_base_fails(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A RAY_TMPDIR that does not exist is an error that names it."""
    monkeypatch.setenv("RAY_TMPDIR", str(base / "no"))
    with pytest.raises(RayUnavailable, match=str(base / "no")):
        private_root()


def test_root_reuses_private_directory(base: Path) -> None:
    """A temporary directory that nobody else can enter is used directly."""
    base.chmod(0o700)
    assert private_root() == base


def test_root_avoids_long_path(monkeypatch: pytest.MonkeyPatch, base: Path) -> None:
    """A long RAY_TMPDIR is not used, because the path of a Unix socket holds only about a hundred bytes."""
    monkeypatch.setenv("RAY_TMPDIR", str(base / ("long" * 20)))
    assert len(os.fsencode(private_root())) < 40
