"""Private directories for the sockets, logs and spilled objects of this user's Ray clusters.

Ray opens its own directories to everybody and puts sockets into them that ask for no token. So each cluster
gets a directory inside one that only the user can enter. A record in it names the process that started the
cluster: by these records the doctor finds running clusters, and the next start removes what a killed process
left. A socket's path must be short and a data directory's may be long, so all this lies below the system's
directory for temporary files.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rapray.embedded.processes import ProcessId, identify
from rapray.embedded.record import read_json, write_private
from rapray.errors import RayUnavailable
from rapray.telemetry import logger

log = logger(__name__)

_RECORD = "cluster.json"
_RAY = "ray"
# The longest path of a socket below the root. With the root's own it may have 107 bytes, on macOS 103.
_LONGEST_SOCKET = f"/12345678/{_RAY}/session_2026-11-28_16-00-53_243176_4194304/sockets/plasma_store"
_LONGEST_PATH = 107 if sys.platform == "linux" else 103


@dataclass(frozen=True, slots=True)
class RayCluster:
    """A cluster that a process of this user started inside itself."""

    process: ProcessId
    data_dir: str
    asks_for_token: bool
    directory: Path

    @property
    def temp_dir(self) -> Path:
        """What Ray calls its temporary directory. Ray opens it to everybody, but others cannot get there."""
        return self.directory / _RAY


@contextmanager
def ray_directory(data_dir: Path, *, asks_for_token: bool) -> Generator[Path]:
    """Create a new cluster's directory, after removing what killed processes left, and remove it at the end.

    If the block raises RayUnavailable, the directory stays until the next start.

    Raises:
        RayUnavailable: the directory cannot be created.
    """
    try:
        root = private_root()
        _remove_stale(root)
        directory = Path(tempfile.mkdtemp(prefix="", dir=root))  # eight letters
        cluster = RayCluster(_this_process(), str(data_dir), asks_for_token, directory)
        write_private(directory / _RECORD, asdict(cluster) | {"directory": ""})
    except OSError as error:
        reason = f"its private directory cannot be created: {error.strerror}: {error.filename}"
        advice = "set RAY_TMPDIR to a directory with a short path in which you may write"
        raise RayUnavailable(reason=f"{reason}; {advice}") from error
    is_kept = False
    try:
        yield cluster.temp_dir
    except RayUnavailable:
        is_kept = True  # its logs say why, until the next start
        log.warning("ray_logs_kept", directory=str(cluster.temp_dir))
        raise
    finally:
        if not is_kept:
            _remove(cluster)


def ray_clusters() -> list[RayCluster]:
    """Return this user's clusters whose processes are alive."""
    root = _root()
    if not _is_private(root):
        return []
    return [cluster for cluster in _recorded(root) if cluster.process.is_alive]


def private_root() -> Path:
    """Return a directory with a short path that only this user can enter; create it if there is none."""
    root = _root()
    try:
        root.mkdir(mode=0o700)
    except FileExistsError:
        if not _is_private(root):  # anybody may create this name first
            return Path(tempfile.mkdtemp(prefix="rapray-", dir=root.parent))
    return root


def _root() -> Path:
    """Return the temporary directory if only this user can enter it, else a path for rapray's own in it."""
    for base in _bases():
        root = base if _is_private(base) else base / f"rapray-{os.geteuid()}"
        if len(os.fsencode(root)) + len(_LONGEST_SOCKET) <= _LONGEST_PATH:
            return root
    raise RayUnavailable(
        reason="the path of the temporary directory is too long; set RAY_TMPDIR to one with a short path"
    )


def _bases() -> Iterator[Path]:
    if "RAY_TMPDIR" in os.environ:
        yield Path(os.environ["RAY_TMPDIR"]).absolute()
    yield Path(tempfile.gettempdir()).absolute()
    yield Path("/tmp")  # noqa: S108 (only a directory below it is used, and only one that is ours)


def _is_private(directory: Path) -> bool:
    """Return True if this is a directory of ours that nobody else can enter; a link is not followed."""
    try:
        entry = directory.lstat()
    except OSError:
        return False
    is_closed = not entry.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return stat.S_ISDIR(entry.st_mode) and entry.st_uid == os.geteuid() and is_closed


def _recorded(root: Path) -> Iterator[RayCluster]:
    for path in root.glob(f"*/{_RECORD}"):
        content = read_json(path) or {}
        try:
            process = ProcessId(**content["process"])
            yield RayCluster(process, content["data_dir"], content["asks_for_token"], path.parent)
        except (KeyError, TypeError):
            continue  # the record is being removed, or another version wrote it


def _remove_stale(root: Path) -> None:
    for cluster in _recorded(root):
        if not cluster.process.is_alive:
            _remove(cluster)


def _remove(cluster: RayCluster) -> None:
    """Remove the record last: by it, the next start finds what Ray's last processes wrote in the meantime."""
    shutil.rmtree(cluster.temp_dir, ignore_errors=True)
    if not cluster.temp_dir.exists():
        shutil.rmtree(cluster.directory, ignore_errors=True)


def _this_process() -> ProcessId:
    process = identify(os.getpid())
    assert process is not None
    return process
