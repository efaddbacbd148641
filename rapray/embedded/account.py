"""The system account that the servers run as when root starts them: PostgreSQL refuses to run as root.

Knows no server. Never changes the permissions of a directory that it did not make.
"""

from __future__ import annotations

import errno
import os
import pwd
import shutil
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from rapray.errors import EmbeddedServerError

ACCOUNT_NAME = "pgserver"


class DropPrivileges(TypedDict, total=False):
    """The keyword arguments of `subprocess.Popen` that start a process as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """Who the servers run as; `is_other` is True where that is not the user who runs rapray."""

    name: str
    uid: int
    gid: int
    is_other: bool

    def drop(self) -> DropPrivileges:
        """Arguments for `subprocess.Popen`; empty where there is nothing to drop."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Hand over a file or directory that rapray has just made."""
        if self.is_other:
            # Not what a link points to: the account may write here, and must not be given files of root by it.
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def write_private(self, path: Path, text: str) -> None:
        """Replace a file in a directory of the account by one that it alone may read.

        Through the directory's handle and never through a link: root writes where the account could put one.
        """
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(directory).st_uid != self.uid:
                raise PermissionError(errno.EPERM, f"not a directory of {self.name}", str(path.parent))
            with suppress(FileNotFoundError):
                os.unlink(path.name, dir_fd=directory)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(path.name, flags, 0o600, dir_fd=directory), "w", encoding="utf-8") as file:
                if self.is_other:
                    os.fchown(file.fileno(), self.uid, self.gid)
                file.write(text)
        finally:
            os.close(directory)

    def can_enter(self, directory: Path) -> bool:
        """True where every directory down to this one may be traversed (mode bits; ACLs are not read)."""
        if not self.is_other:
            return True
        resolved = directory.resolve()
        return all(self._may(part, stat.S_IXOTH) for part in (resolved, *resolved.parents))

    def can_run(self, program: Path) -> bool:
        """True where this account may read and execute the file."""
        if not self.is_other:
            return True
        return self.can_enter(program.parent) and self._may(program, stat.S_IROTH | stat.S_IXOTH)

    def _may(self, path: Path, others: int) -> bool:
        status = path.stat()
        if status.st_uid == self.uid:
            wanted = others << 6
        elif status.st_gid == self.gid:
            wanted = others << 3
        else:
            wanted = others
        return status.st_mode & wanted == wanted


def service_account() -> Account:
    """The user who runs this process, or `pgserver` where that is root; it is created if it is missing.

    Raises:
        EmbeddedServerError: root runs this and the account cannot be created.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(name=str(uid), uid=uid, gid=os.getegid(), is_other=False)
    entry = _lookup(ACCOUNT_NAME) or _create(ACCOUNT_NAME)
    return Account(name=ACCOUNT_NAME, uid=entry.pw_uid, gid=entry.pw_gid, is_other=True)


def _lookup(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create(name: str) -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        reason = f"root cannot run it, there is no user {name!r}, and no `useradd` to create one"
        raise EmbeddedServerError(server="PostgreSQL", reason=reason)
    command = [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    # Another process may have created it in the meantime: what counts is that it is there.
    entry = _lookup(name)
    if entry is None:
        reason = f"root cannot run it, and `useradd` could not create {name!r}: {done.stderr.strip()}"
        raise EmbeddedServerError(server="PostgreSQL", reason=reason)
    return entry
