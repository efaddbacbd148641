"""The embedded servers over files that are lost, broken or of another time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from rapray.embedded import down, status
from rapray.embedded.paths import Paths
from rapray.embedded.record import read_endpoint
from rapray.errors import EmbeddedServerError
from tests.support.embedded import (
    REMEMBERED,
    recall,
    record_of,
    remember,
    running_pids,
    servers_of,
    start,
)
from tests.support.waiting import wait_for


def test_recycled_pid_is_ignored(data_dir: Path):
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
            f'"valkey": {server}, "credentials": {paths.credentials.read_text(encoding="utf-8")}}}'
        )
        assert status(data_dir).supervisor_pid is None
        assert down(data_dir) is False
        assert recall(start(data_dir)) == REMEMBERED
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


def test_start_other_major_version(data_dir: Path):
    """A cluster of another PostgreSQL is named as that, and not touched."""
    start(data_dir)
    down(data_dir)
    (Paths.of(data_dir).postgres / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedServerError, match=r"made by PostgreSQL 17, and this is 18"):
        start(data_dir)
    assert status(data_dir).supervisor_pid is None


def test_start_damaged_cluster_log(data_dir: Path):
    """What PostgreSQL says about a damaged cluster reaches the user, and nothing keeps running."""
    start(data_dir)
    down(data_dir)
    control = Paths.of(data_dir).postgres / "global" / "pg_control"
    control.write_bytes(bytes(control.stat().st_size))
    with pytest.raises(EmbeddedServerError, match=r"(?i)pg_control|checksum|control file"):
        start(data_dir)
    assert running_pids(data_dir) == set()


def test_start_lost_credentials_file(data_dir: Path):
    """Without its password, the cluster is closed: the message names the file that is missing."""
    start(data_dir)
    down(data_dir)
    Paths.of(data_dir).credentials.unlink()
    with pytest.raises(EmbeddedServerError, match=r"credentials\.json"):
        start(data_dir)


def test_start_after_killed_initdb(data_dir: Path):
    """A half-made cluster of a killed first start is thrown away."""
    start(data_dir)
    down(data_dir)
    paths = Paths.of(data_dir)
    paths.postgres.rename(paths.servers / "initdb-half")
    paths.credentials.unlink()
    remember(start(data_dir))
    assert not (paths.servers / "initdb-half").exists()


def test_start_with_broken_valkey(data_dir: Path):
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


def test_endpoint_removed_is_rewritten(data_dir: Path):
    """Whoever loses the endpoint file, or half of it, does not lose the servers: the same supervisor publishes again."""
    before = start(data_dir)
    endpoint = Paths.of(data_dir).endpoint
    supervisor = record_of(data_dir).supervisor
    endpoint.unlink()
    wait_for(lambda: read_endpoint(endpoint))
    assert record_of(data_dir).supervisor == supervisor
    endpoint.write_text("{")
    wait_for(lambda: read_endpoint(endpoint))
    assert record_of(data_dir).supervisor == supervisor
    assert start(data_dir) == before


def test_down_without_endpoint_file(data_dir: Path):
    """A missing endpoint file does not make `down` kill the servers under a supervisor that starts them again."""
    start(data_dir)
    supervisor = record_of(data_dir).supervisor
    Paths.of(data_dir).endpoint.unlink()
    assert down(data_dir)
    assert not supervisor.is_alive
    assert not running_pids(data_dir)
