"""Looking at embedded servers from outside, and killing them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psycopg
import redis

from rapray.config.settings import Settings
from rapray.embedded import Endpoints, ServerStatus, resolve_endpoints, status
from rapray.embedded.paths import Paths
from rapray.embedded.processes import birth_of, find_servers
from rapray.embedded.record import EndpointRecord, read_endpoint
from tests.support.waiting import wait_for

REMEMBERED = ("Nocturne", b"Nocturne")


def start(data_dir: Path) -> Endpoints:
    """The endpoints; whatever this starts ends with this test process at the latest."""
    return resolve_endpoints(Settings(data_dir=data_dir), owner_pid=os.getpid())


def record_of(data_dir: Path) -> EndpointRecord:
    """What the supervisor publishes."""
    record = read_endpoint(Paths.of(data_dir).endpoint)
    assert record is not None
    return record


def servers_of(data_dir: Path) -> tuple[ServerStatus, ServerStatus]:
    """PostgreSQL and Valkey as they are now."""
    postgres, valkey = status(data_dir).servers
    return postgres, valkey


def running_pids(data_dir: Path) -> set[int]:
    """Every server process that works in this directory, found without the endpoint file."""
    paths = Paths.of(data_dir)
    processes = find_servers("postgres", paths.postgres) + find_servers("valkey-server", paths.valkey)
    return {process.pid for process in processes}


def kill(*pids: int | None) -> None:
    """SIGKILL each, and wait until all are gone."""
    for pid in pids:
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        assert pid is not None
        wait_for(lambda pid=pid: birth_of(pid) is None)


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
