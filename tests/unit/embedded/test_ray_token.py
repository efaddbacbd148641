"""The file of Ray's token: who may read it, and that several processes agree on one."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import stat
from pathlib import Path

import pytest

from rapray.embedded.ray_token import ensure_token, has_token
from rapray.errors import DataDirUnsafe, RayTokenUnusable

PROCESSES = 8


def _token(path: Path) -> str:
    return ensure_token(path).read_text(encoding="ascii")


def test_token_private_and_stable(tmp_path: Path) -> None:
    """Only the owner can read the token file, whatever the umask, and a second call returns the same token."""
    umask = os.umask(0)
    try:
        token = _token(tmp_path / "data" / "ray-token")
    finally:
        os.umask(umask)
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    assert stat.S_IMODE((tmp_path / "data" / "ray-token").stat().st_mode) == 0o600
    assert _token(tmp_path / "data" / "ray-token") == token
    assert _token(tmp_path / "other" / "ray-token") != token


def test_token_processes_agree(tmp_path: Path) -> None:
    """Processes that start at the same time agree on one token and leave no other file behind."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        tokens = pool.map(_token, [tmp_path / "ray-token"] * PROCESSES, chunksize=1)
    assert len(set(tokens)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["ray-token"]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_token_directory_mode(tmp_path: Path, umask: int) -> None:
    """The data directory is closed; root's can be passed through, as the account of its servers must."""
    before = os.umask(umask)
    try:
        ensure_token(tmp_path / "parent" / "data" / "ray-token")
    finally:
        os.umask(before)
    mode = stat.S_IMODE((tmp_path / "parent" / "data").stat().st_mode)
    assert mode == (0o711 if os.geteuid() == 0 else 0o700)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_token_in_open_directory(tmp_path: Path, mode: int) -> None:
    """A token in a directory that everyone may write to is refused, and none is made there."""
    path = ensure_token(tmp_path / "data" / "ray-token")
    path.parent.chmod(mode)
    for token in (path, path.with_name("another")):
        with pytest.raises(DataDirUnsafe, match="everyone may write to it"):
            ensure_token(token)
    assert list(path.parent.iterdir()) == [path]
    path.parent.chmod(0o770)
    assert ensure_token(path) == path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_token_in_strangers_directory(tmp_path: Path) -> None:
    """The owner of a directory can replace every file in it, whoever may read them."""
    path = ensure_token(tmp_path / "data" / "ray-token")
    os.chown(path.parent, 65534, 65534)
    with pytest.raises(DataDirUnsafe, match="belongs to user 65534"):
        ensure_token(path)


def test_token_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links, which no test can mount, gets a private token too."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = ensure_token(tmp_path / "ray-token")
    assert re.fullmatch(r"[0-9a-f]{64}", path.read_text(encoding="ascii"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["ray-token"]


def test_token_unreachable_is_refused(tmp_path: Path) -> None:
    """If the system does not say whether there is a token, the error names its path."""
    path = tmp_path / ("long" * 100)
    with pytest.raises(RayTokenUnusable, match="long"):
        has_token(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_token_exposed_is_refused(tmp_path: Path, mode: int) -> None:
    """A token file that other users can read or write is refused: they may know the token already."""
    path = ensure_token(tmp_path / "ray-token")
    path.chmod(mode)
    with pytest.raises(RayTokenUnusable, match=re.escape(str(path))):
        ensure_token(path)


def test_token_link_is_refused(tmp_path: Path) -> None:
    """A symbolic link in place of the token file is refused: somebody else may have chosen its target."""
    elsewhere = ensure_token(tmp_path / "elsewhere")
    (tmp_path / "ray-token").symlink_to(elsewhere)
    with pytest.raises(RayTokenUnusable, match="regular file"):
        ensure_token(tmp_path / "ray-token")


def test_token_empty_is_refused(tmp_path: Path) -> None:
    """An empty token would be none."""
    (tmp_path / "ray-token").touch(mode=0o600)
    with pytest.raises(RayTokenUnusable, match="empty"):
        ensure_token(tmp_path / "ray-token")


def test_token_foreign_owner_refused(tmp_path: Path) -> None:
    """A token file that belongs to another user is refused, because that user knows the token."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = ensure_token(tmp_path / "ray-token")
    os.chown(path, 65534, 65534)
    with pytest.raises(RayTokenUnusable, match="65534"):
        ensure_token(path)


def test_token_directory_is_file(tmp_path: Path) -> None:
    """If a file stands in place of the token's directory, the error names the token file."""
    (tmp_path / "data").touch()
    with pytest.raises(RayTokenUnusable, match="ray-token"):
        ensure_token(tmp_path / "data" / "ray-token")
