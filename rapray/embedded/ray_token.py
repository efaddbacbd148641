"""The token of the Ray clusters that rapray starts with this data directory: one file for its owner only.

Anyone who has the token can run code as the owner of the cluster. So a file that others could have read is
refused, not repaired: they may have the token already.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from rapray.embedded.paths import make_data_dir, require_own
from rapray.errors import RayTokenUnusable

_TOKEN_BYTES = 32
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}


def has_token(path: Path) -> bool:
    """Return True if there is something in the token's place, even if it cannot be used.

    Raises:
        RayTokenUnusable: this user may not look there.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise RayTokenUnusable(path=path, reason=error.strerror or str(error)) from error
    return True


def ensure_token(path: Path) -> Path:
    """Create the token if there is none, and return its file; safe when several processes do so at once.

    Raises:
        RayTokenUnusable: the file cannot be written or read, belongs to another user, or others can read it.
        DataDirUnsafe: others could replace it.
    """
    try:
        make_data_dir(path.parent, is_passed_through=os.geteuid() == 0)
        require_own(path.parent)
        if not path.exists():
            _create(path)
        _check(path)
    except OSError as error:
        raise RayTokenUnusable(path=path, reason=error.strerror or str(error)) from error
    return path


def _create(path: Path) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600
    try:
        _write(handle)
        # A link, not a rename: the first of several processes wins, and all of them use its token.
        os.link(name, path)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _create_in_place(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _create_in_place(path: Path) -> None:
    """Create the file on a file system without hard links: a process that reads it in this moment finds it empty."""
    with suppress(FileExistsError):
        _write(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _write(handle: int) -> None:
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(_TOKEN_BYTES))
        stream.flush()
        os.fsync(stream.fileno())


def _check(path: Path) -> None:
    entry = path.lstat()
    if not stat.S_ISREG(entry.st_mode):
        raise RayTokenUnusable(path=path, reason="it is not a regular file")
    if entry.st_uid != os.geteuid():
        raise RayTokenUnusable(path=path, reason=f"it belongs to user {entry.st_uid}")
    if entry.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise RayTokenUnusable(path=path, reason="other users may read it, and may have done so")
    if not path.read_text(encoding="ascii", errors="replace").strip():
        raise RayTokenUnusable(path=path, reason="it is empty")
