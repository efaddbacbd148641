"""The file of Ray's token: who may read it, and that several processes agree on one."""

from __future__ import annotations

import multiprocessing
import os
import re
import stat
from pathlib import Path

import pytest

from rapray.embedded.ray_token import ensure_token
from rapray.errors import RayTokenUnusable

PROCESSES = 8


def _token(path: Path) -> str:
    return ensure_token(path).read_text(encoding="ascii")


def test_token_is_private_and_stays(tmp_path: Path) -> None:
    """Only the owner reads it, whatever the umask is; the second call returns the same one."""
    umask = os.umask(0)
    try:
        token = _token(tmp_path / "data" / "ray-token")
    finally:
        os.umask(umask)
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    assert stat.S_IMODE((tmp_path / "data" / "ray-token").stat().st_mode) == 0o600
    assert _token(tmp_path / "data" / "ray-token") == token
    assert _token(tmp_path / "other" / "ray-token") != token


def test_token_of_many_processes_is_one(tmp_path: Path) -> None:
    """Whoever comes first creates it; nothing else is left in the directory."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        tokens = pool.map(_token, [tmp_path / "ray-token"] * PROCESSES, chunksize=1)
    assert len(set(tokens)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["ray-token"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_token_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    """It may be known already, so it is not used again, even by its owner."""
    path = ensure_token(tmp_path / "ray-token")
    path.chmod(mode)
    with pytest.raises(RayTokenUnusable, match=re.escape(str(path))):
        ensure_token(path)


def test_token_behind_link_is_refused(tmp_path: Path) -> None:
    """A link leads to a file that somebody else may have chosen."""
    elsewhere = ensure_token(tmp_path / "elsewhere")
    (tmp_path / "ray-token").symlink_to(elsewhere)
    with pytest.raises(RayTokenUnusable, match="regular file"):
        ensure_token(tmp_path / "ray-token")


def test_token_empty_is_refused(tmp_path: Path) -> None:
    """An empty token would be none."""
    (tmp_path / "ray-token").touch(mode=0o600)
    with pytest.raises(RayTokenUnusable, match="empty"):
        ensure_token(tmp_path / "ray-token")


def test_token_of_another_user_is_refused(tmp_path: Path) -> None:
    """Its owner knows it."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = ensure_token(tmp_path / "ray-token")
    os.chown(path, 65534, 65534)
    with pytest.raises(RayTokenUnusable, match="65534"):
        ensure_token(path)


def test_token_directory_that_is_none_is_an_error(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "data").touch()
    with pytest.raises(RayTokenUnusable, match="ray-token"):
        ensure_token(tmp_path / "data" / "ray-token")
