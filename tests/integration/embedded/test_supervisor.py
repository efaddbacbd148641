"""The embedded servers through SIGKILLs of each of their processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg

from rapray.config.settings import Settings
from rapray.embedded import down, status, up
from rapray.embedded.paths import Paths
from rapray.embedded.processes import birth_of
from tests.support.embedded import (
    REMEMBERED,
    kill,
    recall,
    record_of,
    remember,
    running_pids,
    servers_of,
    start,
)
from tests.support.waiting import wait_for


def test_killed_postmaster_keeps_data(data_dir: Path):
    """SIGKILL of the postmaster: the same address answers again after crash recovery."""
    endpoints = start(data_dir)
    remember(endpoints)
    old = servers_of(data_dir)[0].pid
    kill(old)
    wait_for(lambda: servers_of(data_dir)[0].state == "ready" and servers_of(data_dir)[0].pid != old)
    assert recall(endpoints) == REMEMBERED
    assert servers_of(data_dir)[0].restarts >= 1


def test_resolve_waits_for_postmaster(data_dir: Path):
    """A client that comes between death and recovery gets an address that answers."""
    remember(start(data_dir))
    kill(servers_of(data_dir)[0].pid)
    assert recall(start(data_dir)) == REMEMBERED


def test_killed_valkey_keeps_data(data_dir: Path):
    """SIGKILL of Valkey: the same address answers again, from the append-only file."""
    endpoints = start(data_dir)
    remember(endpoints)
    old = servers_of(data_dir)[1].pid
    kill(old)
    wait_for(lambda: servers_of(data_dir)[1].state == "ready" and servers_of(data_dir)[1].pid != old)
    assert recall(endpoints) == REMEMBERED


def test_unstartable_valkey_spares_postgres(data_dir: Path):
    """Where Valkey cannot even be started, as on a full disk, PostgreSQL and the supervisor stay."""
    endpoints = start(data_dir)
    supervisor = record_of(data_dir).supervisor
    directory = Paths.of(data_dir).valkey
    configuration = directory / "valkey.conf"
    configuration.unlink()
    configuration.mkdir()
    kill(servers_of(data_dir)[1].pid)
    wait_for(lambda: servers_of(data_dir)[1].error)
    assert supervisor.is_alive
    with psycopg.connect(endpoints.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    configuration.rmdir()
    wait_for(lambda: servers_of(data_dir)[1].state == "ready")


def test_killed_supervisor_servers_adopted(data_dir: Path):
    """SIGKILL of the supervisor interrupts nobody: the next one takes over the same processes."""
    endpoints = start(data_dir)
    remember(endpoints)
    before = [server.pid for server in servers_of(data_dir)]
    kill(status(data_dir).supervisor_pid)
    assert recall(endpoints) == REMEMBERED
    assert start(data_dir) == endpoints
    assert [server.pid for server in servers_of(data_dir)] == before
    kill(before[0])
    wait_for(lambda: servers_of(data_dir)[0].state == "ready")
    assert recall(endpoints) == REMEMBERED


def test_lost_endpoint_servers_adopted(data_dir: Path):
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


def test_down_stops_orphaned_servers(data_dir: Path):
    """`down` ends servers that nobody supervises any more."""
    start(data_dir)
    kill(status(data_dir).supervisor_pid)
    assert [server.state for server in servers_of(data_dir)] == ["orphaned", "orphaned"]
    assert down(data_dir) is True
    assert running_pids(data_dir) == set()


def test_killed_owner_stops_everything(data_dir: Path):
    """SIGKILL of the owner leaves no server, no supervisor and no endpoint behind."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        found = up(Settings(data_dir=data_dir), owner_pid=owner.pid)
        assert found.owner_pid == owner.pid
        owner.kill()
    assert found.supervisor_pid is not None
    wait_for(lambda: birth_of(found.supervisor_pid or 0) is None)
    assert running_pids(data_dir) == set()
    assert not Paths.of(data_dir).endpoint.exists()
