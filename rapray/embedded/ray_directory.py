"""Private directories for the sockets, logs and spilled objects of this user's Ray clusters.

Ray opens its own directories to everybody and puts sockets into them that ask for no token. So each cluster
gets a directory inside one that only the user can enter. A record in it names the process that started the
cluster, which holds a lock as long as the cluster runs: by these the doctor finds running clusters, and the
next start removes what a killed process left. A socket's path must be short and a data directory's may be
long, so all this lies below the system's directory for temporary files.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from rapray.embedded.processes import ProcessId, identify, is_locked
from rapray.embedded.record import read_json, write_private
from rapray.errors import RayUnavailable
from rapray.telemetry import logger

log = logger(__name__)

_PREFIX = "c-"
_RECORD, _LOCK = "cluster.json", "cluster.lock"
_RAY = "ray"
_STARTED_S = 3600  # by then a cluster's directory has its record
# The longest path of a socket below the root. With the root's own it may have 107 bytes, on macOS 103.
_LONGEST_SOCKET = f"/{_PREFIX}12345678/{_RAY}/session_2026-11-28_16-00-53_243176_4194304/sockets/plasma_store"
_LONGEST_PATH = 107 if sys.platform == "linux" else 103
_SHORT_BASE = Path("/tmp")  # noqa: S108 (only a directory below it is used, and only one that is ours)


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

    @property
    def is_running(self) -> bool:
        """True while the process that started the cluster holds its lock."""
        return is_locked(self.directory / _LOCK)


@contextmanager
def ray_directory(data_dir: Path, *, asks_for_token: bool) -> Generator[Path]:
    """Create a new cluster's directory, after removing what killed processes left, and remove it at the end.

    If the block raises RayUnavailable, the directory stays until the next start.

    Raises:
        RayUnavailable: the directory cannot be created.
    """
    root = private_root()
    try:
        _remove_stale(root)
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))  # with eight letters
        lock = FileLock(directory / _LOCK)
        lock.acquire(timeout=0)
        cluster = RayCluster(
            _this_process(), str(data_dir.expanduser().absolute()), asks_for_token, directory
        )
        _write_record(cluster)
    except OSError as error:
        raise _unusable(error) from error
    keeps_logs = False
    try:
        yield cluster.temp_dir
    except RayUnavailable:
        keeps_logs = True  # they say why, until the next start
        log.warning("ray_logs_kept", directory=str(cluster.temp_dir))
        raise
    finally:
        if not keeps_logs:
            _remove(cluster)
        lock.release()


def ray_clusters() -> list[RayCluster]:
    """Return this user's running clusters.

    Raises:
        RayUnavailable: there is no place for them.
    """
    root = _root()
    if not _is_private(root):
        return []
    return [cluster for cluster in _recorded(root) if cluster.is_running]


def private_root() -> Path:
    """Return a directory with a short path that only this user can enter; create it if there is none.

    Raises:
        RayUnavailable: it cannot be created, or others have taken every name for it.
    """
    root = _root()
    try:
        with suppress(
            FileExistsError
        ):  # another process of this user was faster, or it is the temporary directory
            root.mkdir(mode=0o700)
    except OSError as error:
        raise _unusable(error) from error
    if not _is_private(root):
        raise _taken([root])
    return root


def _root() -> Path:
    """Return the first place that is ours or free. It is the same for every process of this user."""
    taken: list[Path] = []
    for root in _places():
        if len(os.fsencode(root)) + len(_LONGEST_SOCKET) > _LONGEST_PATH:
            if _is_below_ray_tmpdir(root):
                log.warning(
                    "ray_tmpdir_not_used", directory=str(root), reason="its path is too long for sockets"
                )
        elif _is_private(root) or not os.path.lexists(root):
            return root
        else:
            taken.append(root)  # anybody may create a name in a temporary directory first
    raise _taken(taken)


def _places() -> Iterator[Path]:
    """Yield temporary directories that only this user can enter, or names in them for rapray; then one at home."""
    bases = [Path(tempfile.gettempdir()), _SHORT_BASE]
    if "RAY_TMPDIR" in os.environ:
        bases.insert(0, Path(os.environ["RAY_TMPDIR"]))
    for base in map(Path.absolute, bases):
        yield base if _is_private(base) else base / f"rapray-{os.geteuid()}"
    with suppress(RuntimeError):  # this user has none
        yield Path.home() / ".rapray"


def _is_below_ray_tmpdir(root: Path) -> bool:
    return "RAY_TMPDIR" in os.environ and root.is_relative_to(Path(os.environ["RAY_TMPDIR"]).absolute())


def _taken(places: Sequence[Path]) -> RayUnavailable:
    names = ", ".join(dict.fromkeys(map(str, places)))
    reason = f"its files would not be private: {names} is another user's, a link, or open to others"
    return RayUnavailable(reason=f"{reason}; set RAY_TMPDIR to a directory that only you can enter")


def _unusable(error: OSError) -> RayUnavailable:
    reason = f"its private directory cannot be created: {error.strerror}: {error.filename}"
    advice = "set RAY_TMPDIR to a directory with a short path in which you may write"
    return RayUnavailable(reason=f"{reason}; {advice}")


def _is_private(directory: Path) -> bool:
    """Return True if this is a directory of ours that nobody else can enter; a link is not followed."""
    try:
        entry = directory.lstat()
    except OSError:
        return False
    is_closed = not entry.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return stat.S_ISDIR(entry.st_mode) and entry.st_uid == os.geteuid() and is_closed


def _write_record(cluster: RayCluster) -> None:
    content = {
        "process": asdict(cluster.process),
        "data_dir": cluster.data_dir,
        "asks_for_token": cluster.asks_for_token,
    }
    write_private(cluster.directory / _RECORD, content)


def _recorded(root: Path) -> Iterator[RayCluster]:
    for path in root.glob(f"{_PREFIX}*/{_RECORD}"):
        content = read_json(path) or {}
        try:
            process = ProcessId(**content["process"])
            yield RayCluster(process, content["data_dir"], content["asks_for_token"], path.parent)
        except (KeyError, TypeError):
            continue  # the record is being removed, or another version wrote it


def _remove_stale(root: Path) -> None:
    for cluster in _recorded(root):
        if not cluster.is_running:
            _remove(cluster)
    for directory in root.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if not (directory / _RECORD).exists() and directory.stat().st_mtime < time.time() - _STARTED_S:
                _remove_unfinished(directory)


def _remove_unfinished(directory: Path) -> None:
    """Remove what a process left that was killed before it wrote the record, and nothing else: Ray had not started."""
    for path in (directory / _LOCK, *directory.glob(f".{_RECORD}-*")):
        path.unlink(missing_ok=True)
    directory.rmdir()


def _remove(cluster: RayCluster) -> None:
    """Remove the record last: by it, the next start finds what Ray's last processes wrote in the meantime."""
    shutil.rmtree(cluster.temp_dir, ignore_errors=True)
    if not cluster.temp_dir.exists():
        shutil.rmtree(cluster.directory, ignore_errors=True)


def _this_process() -> ProcessId:
    process = identify(os.getpid())
    assert process is not None
    return process
