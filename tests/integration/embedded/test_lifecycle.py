"""The embedded servers through starts, stops and SIGKILLs, with the real programs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis

import rapray
from rapray.config.settings import Settings
from rapray.embedded import Endpoints, ServerStatus, down, resolve_endpoints, status, up
from rapray.embedded.account import service_account
from rapray.embedded.binaries import Binaries, find_binaries, reachable
from rapray.embedded.paths import SYSTEM_ROOT, Paths
from rapray.embedded.processes import birth_of, find_servers
from rapray.embedded.record import EndpointRecord, read_endpoint
from rapray.errors import EmbeddedServerError

Found = TypeVar("Found")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that the servers' account can enter; everything in it is stopped at the end."""
    parent = Path(tempfile.mkdtemp(prefix="rapray-test-"))
    parent.chmod(0o711)
    yield parent / "data"
    down(parent / "data")
    shutil.rmtree(parent)


def start(data_dir: Path) -> Endpoints:
    """The endpoints; whatever this starts ends with this test process at the latest."""
    return resolve_endpoints(Settings(data_dir=data_dir), owner_pid=os.getpid())


def until(look: Callable[[], Found], patience_s: float = 30.0) -> Found:
    """Look again and again until there is something."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.02)
    return found


def record_of(data_dir: Path) -> EndpointRecord:
    """What the supervisor publishes."""
    found = read_endpoint(Paths.of(data_dir).endpoint)
    assert found is not None
    return found


def servers_of(data_dir: Path) -> tuple[ServerStatus, ServerStatus]:
    """PostgreSQL and Valkey as they are now."""
    postgres, valkey = status(data_dir).servers
    return postgres, valkey


def running_pids(data_dir: Path) -> set[int]:
    """Every server process that works in this directory, found without the endpoint file."""
    paths = Paths.of(data_dir)
    found = find_servers("postgres", paths.postgres) + find_servers("valkey-server", paths.valkey)
    return {process.pid for process in found}


def kill(*pids: int | None) -> None:
    """SIGKILL each, and wait until all are gone."""
    for pid in pids:
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        assert pid is not None
        until(lambda pid=pid: birth_of(pid) is None)


def remember(endpoints: Endpoints) -> None:
    """Put a row into PostgreSQL and a value into Valkey."""
    with psycopg.connect(endpoints.database_url) as connection:
        connection.execute("CREATE TABLE songs (title text)")
        connection.execute("INSERT INTO songs VALUES ('Nocturne')")
    assert endpoints.redis_url is not None
    with redis.Redis.from_url(endpoints.redis_url) as client:
        client.set("song", "Nocturne")


def recall(endpoints: Endpoints) -> tuple[str, bytes]:
    """Read both back."""
    with psycopg.connect(endpoints.database_url) as connection:
        row = connection.execute("SELECT title FROM songs").fetchone()
    assert row is not None
    assert endpoints.redis_url is not None
    with redis.Redis.from_url(endpoints.redis_url) as client:
        return row[0], client.get("song")


REMEMBERED = ("Nocturne", b"Nocturne")


def test_up_then_down_leaves_no_process(data_dir: Path):
    """`up` reports both servers ready, `down` ends them and withdraws the endpoint; the data stay."""
    found = up(Settings(data_dir=data_dir), owner_pid=os.getpid())
    assert found.is_up
    assert [server.name for server in found.servers] == ["PostgreSQL", "Valkey"]
    assert all(server.version and server.data_bytes > 0 for server in found.servers)
    remember(start(data_dir))
    assert down(data_dir) is True
    assert running_pids(data_dir) == set()
    assert not Paths.of(data_dir).endpoint.exists()
    assert [server.state for server in servers_of(data_dir)] == ["stopped", "stopped"]
    assert down(data_dir) is False
    assert recall(start(data_dir)) == REMEMBERED


def test_start_again_keeps_the_addresses(data_dir: Path):
    """Ports and passwords are chosen once, so that an address in a shell history stays good."""
    first = start(data_dir)
    down(data_dir)
    assert start(data_dir) == first


def test_start_port_taken_meanwhile_moves_on(data_dir: Path):
    """Another program on the old port costs a new port, not the start."""
    first = start(data_dir)
    remember(first)
    port = record_of(data_dir).postgres.port
    down(data_dir)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        second = start(data_dir)
    assert second.database_url != first.database_url
    assert recall(second) == REMEMBERED


def test_cluster_new_has_the_promised_settings(data_dir: Path):
    """Checksums, the built-in C.UTF-8, scram on loopback alone, durable commits, and no socket file."""
    with psycopg.connect(start(data_dir).database_url) as connection:
        shown = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]  # type: ignore[index]
            for name in (
                "data_checksums",
                "password_encryption",
                "listen_addresses",
                "synchronous_commit",
                "unix_socket_directories",
                "server_encoding",
            )
        }
        locale = connection.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert shown == {
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
        "listen_addresses": "127.0.0.1",
        "synchronous_commit": "on",
        "unix_socket_directories": "",
        "server_encoding": "UTF8",
    }
    assert locale == ("b", "C.UTF-8")
    assert methods == [("scram-sha-256",)]


def test_valkey_new_has_the_promised_settings(data_dir: Path):
    """A password, an append-only file, and eviction of expiring keys alone."""
    url = start(data_dir).redis_url
    assert url is not None
    with redis.Redis.from_url(url, decode_responses=True) as client:
        assert client.config_get("appendonly")["appendonly"] == "yes"
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "volatile-lru"
        assert client.config_get("bind")["bind"] == "127.0.0.1"
    port = record_of(data_dir).valkey.port
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_endpoint_file_is_for_its_owner_alone(data_dir: Path):
    """Both files with passwords have mode 0600."""
    start(data_dir)
    paths = Paths.of(data_dir)
    assert stat.S_IMODE(paths.endpoint.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.credentials.stat().st_mode) == 0o600


def test_process_list_shows_no_password(data_dir: Path):
    """No command line carries a password, because everybody on the host can read it."""
    start(data_dir)
    credentials = record_of(data_dir).credentials
    lines = b"".join(path.read_bytes() for path in _command_lines())
    assert credentials.postgres_password.encode() not in lines
    assert credentials.valkey_password.encode() not in lines


def _command_lines() -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]


def test_two_clients_at_once_share_one_supervisor(data_dir: Path):
    """Simultaneous first starts end in one supervisor and one server of each kind."""
    program = (
        "import os, sys; from pathlib import Path; from rapray.config.settings import Settings;"
        "from rapray.embedded import resolve_endpoints, status;"
        f"resolve_endpoints(Settings(data_dir=Path({str(data_dir)!r})), owner_pid={os.getpid()});"
        f"print(status(Path({str(data_dir)!r})).supervisor_pid)"
    )
    clients = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = [client.communicate(timeout=60)[0].strip() for client in clients]
    assert [client.returncode for client in clients] == [0, 0, 0]
    assert len(set(answers)) == 1
    assert len(running_pids(data_dir)) == 2


def test_postmaster_killed_comes_back_with_its_data(data_dir: Path):
    """SIGKILL of the postmaster: the same address answers again after crash recovery."""
    endpoints = start(data_dir)
    remember(endpoints)
    old = servers_of(data_dir)[0].pid
    kill(old)
    until(lambda: servers_of(data_dir)[0].state == "ready" and servers_of(data_dir)[0].pid != old)
    assert recall(endpoints) == REMEMBERED
    assert servers_of(data_dir)[0].restarts >= 1


def test_resolve_while_postmaster_restarts_waits(data_dir: Path):
    """A client that comes between death and recovery gets an address that answers."""
    remember(start(data_dir))
    kill(servers_of(data_dir)[0].pid)
    assert recall(start(data_dir)) == REMEMBERED


def test_valkey_killed_comes_back_with_its_keys(data_dir: Path):
    """SIGKILL of Valkey: the same address answers again, from the append-only file."""
    endpoints = start(data_dir)
    remember(endpoints)
    old = servers_of(data_dir)[1].pid
    kill(old)
    until(lambda: servers_of(data_dir)[1].state == "ready" and servers_of(data_dir)[1].pid != old)
    assert recall(endpoints) == REMEMBERED


def test_supervisor_killed_next_start_adopts_the_running_servers(data_dir: Path):
    """SIGKILL of the supervisor interrupts nobody: the next one takes over the same processes."""
    endpoints = start(data_dir)
    remember(endpoints)
    before = [server.pid for server in servers_of(data_dir)]
    kill(status(data_dir).supervisor_pid)
    assert recall(endpoints) == REMEMBERED
    assert start(data_dir) == endpoints
    assert [server.pid for server in servers_of(data_dir)] == before
    kill(before[0])
    until(lambda: servers_of(data_dir)[0].state == "ready")
    assert recall(endpoints) == REMEMBERED


def test_supervisor_killed_endpoint_lost_still_adopts(data_dir: Path):
    """Running servers are found by what they work in, not by what a file says."""
    endpoints = start(data_dir)
    before = running_pids(data_dir)
    kill(status(data_dir).supervisor_pid)
    Paths.of(data_dir).endpoint.unlink()
    assert start(data_dir) == endpoints
    assert running_pids(data_dir) == before


def test_everything_killed_recovers(data_dir: Path):
    """After a loss of power, the next start recovers what was committed."""
    endpoints = start(data_dir)
    remember(endpoints)
    pids = [server.pid for server in servers_of(data_dir)]
    kill(status(data_dir).supervisor_pid, *pids)
    assert recall(start(data_dir)) == REMEMBERED


def test_down_after_supervisor_killed_stops_the_orphans(data_dir: Path):
    """`down` ends servers that nobody supervises any more."""
    start(data_dir)
    kill(status(data_dir).supervisor_pid)
    assert [server.state for server in servers_of(data_dir)] == ["orphaned", "orphaned"]
    assert down(data_dir) is True
    assert running_pids(data_dir) == set()


def test_owner_killed_takes_everything_along(data_dir: Path):
    """SIGKILL of the owner leaves no server, no supervisor and no endpoint behind."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        found = up(Settings(data_dir=data_dir), owner_pid=owner.pid)
        assert found.owner_pid == owner.pid
        owner.kill()
    assert found.supervisor_pid is not None
    until(lambda: birth_of(found.supervisor_pid or 0) is None)
    assert running_pids(data_dir) == set()
    assert not Paths.of(data_dir).endpoint.exists()


def test_recorded_pid_recycled_is_left_alone(data_dir: Path):
    """After a reboot, the recorded pids belong to strangers: nothing of theirs is adopted or stopped."""
    remember(start(data_dir))
    down(data_dir)
    paths = Paths.of(data_dir)
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        process = f'{{"pid": {stranger.pid}, "birth": "another boot"}}'
        server = f'{{"name": "x", "state": "ready", "port": 1, "version": "1", "process": {process}}}'
        paths.endpoint.write_text(
            f'{{"supervisor": {process}, "started_at": 0, "owner": null, "postgres": {server}, '
            f'"valkey": {server}, "credentials": {paths.credentials.read_text()}}}'
        )
        assert status(data_dir).supervisor_pid is None
        assert down(data_dir) is False
        assert recall(start(data_dir)) == REMEMBERED
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


def test_start_another_major_version_is_refused(data_dir: Path):
    """A cluster of another PostgreSQL is named as that, and not touched."""
    start(data_dir)
    down(data_dir)
    (Paths.of(data_dir).postgres / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedServerError, match=r"made by PostgreSQL 17, and this is 18"):
        start(data_dir)
    assert status(data_dir).supervisor_pid is None


def test_start_damaged_cluster_shows_the_log(data_dir: Path):
    """What PostgreSQL says about a damaged cluster reaches the user, and nothing keeps running."""
    start(data_dir)
    down(data_dir)
    control = Paths.of(data_dir).postgres / "global" / "pg_control"
    control.write_bytes(bytes(control.stat().st_size))
    with pytest.raises(EmbeddedServerError, match=r"(?i)pg_control|checksum|control file"):
        start(data_dir)
    assert running_pids(data_dir) == set()


def test_start_credentials_lost_says_which_file(data_dir: Path):
    """Without its password, the cluster is closed: the message names the file that is missing."""
    start(data_dir)
    down(data_dir)
    Paths.of(data_dir).credentials.unlink()
    with pytest.raises(EmbeddedServerError, match=r"credentials\.json"):
        start(data_dir)


def test_start_initdb_was_killed_begins_anew(data_dir: Path):
    """A half-made cluster of a killed first start is thrown away."""
    start(data_dir)
    down(data_dir)
    paths = Paths.of(data_dir)
    paths.postgres.rename(paths.servers / "initdb-half")
    paths.credentials.unlink()
    remember(start(data_dir))
    assert not (paths.servers / "initdb-half").exists()


def test_start_valkey_broken_leaves_postgres_usable(data_dir: Path):
    """Redis may vanish: a Valkey that cannot start is reported, and PostgreSQL is there all the same."""
    start(data_dir)
    down(data_dir)
    manifest = Paths.of(data_dir).valkey / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("nonsense\n")
    endpoints = start(data_dir)
    with psycopg.connect(endpoints.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    valkey = servers_of(data_dir)[1]
    assert valkey.state != "ready"
    assert "manifest" in valkey.error


@root_only
def test_root_programs_in_a_closed_directory_are_copied(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """A virtual environment below a closed directory: the servers' account gets a copy that it can run."""
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
    moved = reachable(Binaries(inside / "initdb", inside / "postgres", closed / found.valkey.name), account)
    assert moved.postgres.is_relative_to(copies)
    for program in (moved.initdb, moved.postgres, moved.valkey):
        subprocess.run([program, "--version"], check=True, capture_output=True, cwd="/", **account.drop())
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@root_only
def test_root_closed_parent_keeps_its_mode(data_dir: Path):
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
def test_root_servers_run_as_another_user(data_dir: Path):
    """Neither server has root's rights."""
    start(data_dir)
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in running_pids(data_dir)}
    assert len(owners) == 1
    assert 0 not in owners


@root_only
def test_ordinary_user_runs_the_whole_cycle(data_dir: Path):
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
        text=True,
        check=False,
        timeout=120,
    )
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


def test_endpoint_removed_while_running_is_written_again(data_dir: Path):
    """Whoever loses the endpoint file, or half of it, does not lose the servers: the same supervisor publishes again."""
    before = start(data_dir)
    endpoint = Paths.of(data_dir).endpoint
    supervisor = record_of(data_dir).supervisor
    endpoint.unlink()
    until(lambda: read_endpoint(endpoint))
    assert record_of(data_dir).supervisor == supervisor
    endpoint.write_text("{")
    until(lambda: read_endpoint(endpoint))
    assert record_of(data_dir).supervisor == supervisor
    assert start(data_dir) == before


def test_down_endpoint_removed_stops_the_supervisor_too(data_dir: Path):
    """A missing endpoint file does not make `down` kill the servers under a supervisor that starts them again."""
    start(data_dir)
    supervisor = record_of(data_dir).supervisor
    Paths.of(data_dir).endpoint.unlink()
    assert down(data_dir)
    assert not supervisor.is_alive
    assert not running_pids(data_dir)


def test_valkey_killed_on_a_file_system_that_takes_nothing_leaves_postgres_up(data_dir: Path):
    """Where Valkey cannot even be started, as on a full disk, PostgreSQL and the supervisor stay."""
    endpoints = start(data_dir)
    supervisor = record_of(data_dir).supervisor
    directory = Paths.of(data_dir).valkey
    configuration = directory / "valkey.conf"
    configuration.unlink()
    configuration.mkdir()
    kill(servers_of(data_dir)[1].pid)
    until(lambda: servers_of(data_dir)[1].error)
    assert supervisor.is_alive
    with psycopg.connect(endpoints.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    configuration.rmdir()
    until(lambda: servers_of(data_dir)[1].state == "ready")


def test_database_url_somebody_else_on_the_port_gets_no_password(data_dir: Path):
    """Another program on the port that asks for the password in clear is refused, not served."""
    url = start(data_dir).database_url
    with socket.create_server(("127.0.0.1", 0)) as impostor:
        received: list[bytes] = []
        thread = threading.Thread(target=_ask_for_password, args=(impostor, received), daemon=True)
        thread.start()
        address = urlsplit(url)
        forged = address._replace(
            netloc=address.netloc.replace(f":{address.port}", f":{impostor.getsockname()[1]}")
        )
        with pytest.raises(psycopg.OperationalError, match="scram-sha-256"):
            psycopg.connect(urlunsplit(forged), sslmode="disable", gssencmode="disable")
        thread.join(5)
    assert address.password is not None
    assert not any(address.password.encode() in part for part in received)


def _ask_for_password(impostor: socket.socket, received: list[bytes]) -> None:
    connection, _ = impostor.accept()
    with connection:
        received.append(connection.recv(4096))
        connection.sendall(b"R\0\0\0\x08\0\0\0\x03")  # AuthenticationCleartextPassword
        received.append(connection.recv(4096))
