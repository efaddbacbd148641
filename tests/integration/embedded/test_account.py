"""The account that the embedded servers run as: never root, and whoever else starts them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import rapray
from rapray.embedded import down, status
from rapray.embedded.account import service_account
from rapray.embedded.binaries import Binaries, find_binaries, reachable
from rapray.embedded.paths import SYSTEM_ROOT
from tests.support.embedded import REMEMBERED, recall, remember, running_pids, start

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges")


@root_only
def test_root_copies_closed_programs(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """A virtual environment in a closed directory: the servers' account gets a copy it can run, whatever the umask."""
    closed, copies = data_dir.parent / "closed", data_dir.parent / "copies"
    closed.mkdir(mode=0o700)
    found = find_binaries()
    package = found.postgres.parents[2]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    shutil.copy2(found.valkey, closed)
    inside = closed / package.name / "pginstall" / "bin"
    monkeypatch.setattr("rapray.embedded.binaries.SYSTEM_ROOT", copies)
    account = service_account()
    umask = os.umask(0o077)
    try:
        moved = reachable(
            Binaries(inside / "initdb", inside / "postgres", closed / found.valkey.name), account
        )
    finally:
        os.umask(umask)
    assert moved.postgres.is_relative_to(copies)
    for program in (moved.initdb, moved.postgres, moved.valkey):
        subprocess.run([program, "--version"], check=True, capture_output=True, cwd="/", **account.drop())
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@root_only
def test_root_closed_parent_untouched(data_dir: Path):
    """Below a directory that only root may enter, the servers' files go to /var/lib/rapray, behind a link."""
    data_dir.parent.chmod(0o700)
    remember(start(data_dir))
    servers = status(data_dir).servers_dir
    try:
        assert servers.parent == SYSTEM_ROOT
        assert (data_dir / "servers").is_symlink()
        assert stat.S_IMODE(data_dir.parent.stat().st_mode) == 0o700
        down(data_dir)
        assert recall(start(data_dir)) == REMEMBERED
    finally:
        down(data_dir)
        shutil.rmtree(servers)


@root_only
def test_root_servers_drop_privileges(data_dir: Path):
    """Neither server has root's rights."""
    start(data_dir)
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in running_pids(data_dir)}
    assert len(owners) == 1
    assert 0 not in owners


@root_only
def test_ordinary_user_full_cycle(data_dir: Path):
    """A user without rights starts, uses and stops servers, as itself."""
    python = _python_for_everyone()
    data_dir.mkdir(parents=True)
    os.chown(data_dir, 65534, 65534)
    program = (
        "import os; from pathlib import Path; from rapray.config.settings import Settings; import psycopg;"
        "from rapray.embedded import resolve_endpoints, down, status;"
        f"d = Path({str(data_dir)!r});"
        "e = resolve_endpoints(Settings(data_dir=d), owner_pid=os.getpid());"
        "pid = status(d).servers[0].pid;"
        "assert Path(f'/proc/{pid}').stat().st_uid == os.getuid() == 65534;"
        "print(psycopg.connect(e.database_url).execute('SELECT 40 + 2').fetchone()[0]);"
        "assert down(d)"
    )
    done = subprocess.run(
        [python, "-c", program],
        user=65534,
        group=65534,
        extra_groups=[],
        cwd="/",
        env={
            "HOME": str(data_dir),
            "PATH": os.defpath,
            "PYTHONPATH": _search_path(),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    os.chown(data_dir, 0, 0)  # root stops nothing in a directory of others, and the fixture looks there
    assert done.stdout.strip() == "42", done.stderr


def _search_path() -> str:
    return os.pathsep.join((str(Path(rapray.__file__).parent.parent), sysconfig.get_path("purelib")))


def _python_for_everyone() -> str:
    """An interpreter of this version that any user may run; root's own may lie in root's home."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        command = [candidate, "-c", "import psycopg, psutil, filelock, pydantic_settings"]
        try:
            subprocess.run(
                command,
                user=65534,
                group=65534,
                env={"PYTHONPATH": _search_path()},
                cwd="/",
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip(f"no {version} that an ordinary user may run")
