"""Where the embedded servers keep what they keep, under the data directory.

Knows no process. `servers` is a link into /var/lib/rapray where root's data directory cannot be entered by the
account that the servers run as.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rapray.embedded.account import Account
from rapray.errors import DataDirUnsafe, EmbeddedServerError

SYSTEM_ROOT = Path("/var/lib/rapray")
# PostgreSQL's MAXPGPATH is 1024 and it appends names of its own.
_MAX_PATH = 800


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one data directory; make it with `Paths.of`."""

    data_dir: Path

    @classmethod
    def of(cls, data_dir: Path) -> Paths:
        """The layout of this data directory; nothing is created."""
        return cls(data_dir.expanduser().resolve())

    @property
    def endpoint(self) -> Path:
        """Who runs where, with passwords; 0600. Exists while a supervisor runs."""
        return self.data_dir / "run" / "endpoint.json"

    @property
    def failure(self) -> Path:
        """Why the last supervisor gave up."""
        return self.data_dir / "run" / "failure.json"

    @property
    def start_lock(self) -> Path:
        """Held by a client while it starts or stops the supervisor."""
        return self.data_dir / "run" / "start.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.data_dir / "run" / "supervisor.lock"

    @property
    def credentials(self) -> Path:
        """Passwords and ports, kept from one start to the next; 0600."""
        return self.data_dir / "credentials.json"

    @property
    def ray_token(self) -> Path:
        """The token of the Ray clusters that are started with this data directory; 0600."""
        return self.data_dir / "ray-token"

    @property
    def log_dir(self) -> Path:
        """One log file a process."""
        return self.data_dir / "log"

    @property
    def servers(self) -> Path:
        """The servers' own files, with links resolved: a server's working directory is a real path."""
        return (self.data_dir / "servers").resolve()

    @property
    def postgres(self) -> Path:
        """PGDATA."""
        return self.servers / "postgresql"

    @property
    def valkey(self) -> Path:
        """Valkey's append-only file and configuration."""
        return self.servers / "valkey"

    def log(self, name: str) -> Path:
        """The log file of one process."""
        return self.log_dir / f"{name}.log"

    def prepare(self, account: Account) -> None:
        """Make the directories that clients and the supervisor share; safe to call from several at once.

        Raises:
            EmbeddedServerError: the path is too long, or may not be written.
        """
        if len(os.fsencode(self.data_dir)) > _MAX_PATH:
            raise EmbeddedServerError(server="PostgreSQL", reason=f"the path of {self.data_dir} is too long")
        try:
            make_data_dir(self.data_dir, is_passed_through=account.is_other)
            for directory in (self.endpoint.parent, self.log_dir):
                directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def prepare_servers(self, account: Account) -> None:
        """Make the servers' own directory; only the holder of the supervisor lock may call this.

        Raises:
            EmbeddedServerError: it may not be written, or belongs to somebody else, or cannot be entered.
        """
        try:
            self._make_servers(account)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> EmbeddedServerError:
        reason = f"the data directory {self.data_dir} cannot be used: {error.strerror}: {error.filename}"
        return EmbeddedServerError(server="PostgreSQL", reason=reason)

    def _make_servers(self, account: Account) -> None:
        link = self.data_dir / "servers"
        if not os.path.lexists(link):
            _create_servers(link, account)
        owner = link.stat().st_uid
        if owner != account.uid:
            reason = f"{self.servers} belongs to user {owner}, and the server would run as {account.name}"
            raise EmbeddedServerError(server="PostgreSQL", reason=reason)
        if not account.can_enter(link):
            reason = (
                f"user {account.name} may not enter {self.servers}: move RAPRAY_DATA_DIR or open its parents"
            )
            raise EmbeddedServerError(server="PostgreSQL", reason=reason)


def make_data_dir(directory: Path, *, is_passed_through: bool) -> None:
    """Create a data directory for its owner only, whatever the umask; an existing one keeps its mode.

    Args:
        directory: with the parents that it lacks.
        is_passed_through: the servers run as another account, which must be able to pass, and only that.
    """
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o711 if is_passed_through else 0o700)


def require_own(directory: Path) -> None:
    """Refuse a data directory in which any other user could put files in the place of ours.

    Members of the directory's group are trusted, for volumes of Kubernetes are writable to them (`fsGroup`); so is
    whoever may rename the directory itself. A directory that does not exist passes.

    Raises:
        DataDirUnsafe: it belongs to a user other than root and this one, or everyone may write to it.
    """
    try:
        entry = directory.stat()
    except FileNotFoundError:
        return
    if entry.st_uid not in (0, os.geteuid()):
        raise DataDirUnsafe(path=directory, reason=f"it belongs to user {entry.st_uid}")
    if entry.st_mode & stat.S_IWOTH:
        raise DataDirUnsafe(path=directory, reason="everyone may write to it")


def make_open(directory: Path) -> None:
    """Create a directory that every account may enter, whatever the umask; an existing one keeps its mode."""
    with suppress(FileExistsError):
        directory.mkdir()
        directory.chmod(0o755)


def _create_servers(link: Path, account: Account) -> None:
    if account.can_enter(link.parent):
        link.mkdir(mode=0o700)
        account.own(link)
        return
    # Root's home is closed to others, and rapray opens nobody's directories.
    make_open(SYSTEM_ROOT)
    target = Path(tempfile.mkdtemp(prefix=f"{link.parent.name}-", dir=SYSTEM_ROOT))
    account.own(target)
    link.symlink_to(target)
