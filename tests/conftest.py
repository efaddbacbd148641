"""Fixtures for every test: real servers, a fresh database, an empty Redis, the shared folder.

The servers start once a pytest process and end with it, also where it is killed.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
import redis

from rapray.config.settings import Settings
from rapray.embedded import Endpoints, down, resolve_endpoints

_numbers = itertools.count()

# Hypothesis gives each example 0.2 s and complains of data that is slow to make: a busy machine takes longer.
hypothesis.settings.register_profile(
    "any-machine",
    parent=hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def servers() -> Iterator[Endpoints]:
    """An embedded PostgreSQL and Valkey in a directory of their own."""
    # Not tmp_path: pytest's is closed to others, and root's servers run as another user.
    data_dir = Path(tempfile.mkdtemp(prefix="rapray-test-"))
    data_dir.chmod(0o711)
    try:
        yield resolve_endpoints(Settings(data_dir=data_dir), owner_pid=os.getpid())
    finally:
        down(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(servers: Endpoints) -> str:
    """The name of a database with every migration applied; nobody may be connected to it."""
    from rapray.store import migrate

    url = _create(servers.database_url, "template_migrated")
    migrate.upgrade(url)
    return "template_migrated"


@pytest.fixture
def database_url(servers: Endpoints, template_database: str) -> Iterator[str]:
    """A migrated, empty database of this test's own."""
    name = f"test_{next(_numbers)}"
    yield _create(servers.database_url, name, template=template_database)
    _execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database_url(servers: Endpoints) -> Iterator[str]:
    """A database of this test's own with nothing in it."""
    name = f"empty_{next(_numbers)}"
    yield _create(servers.database_url, name)
    _execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url(servers: Endpoints) -> str:
    """A Redis with nothing in it."""
    assert servers.redis_url is not None
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of facts and data beside the checkout; tests that need it are skipped where it is absent."""
    found = Path(__file__).parents[2] / "shared"
    if not found.is_dir():
        pytest.skip("there is no ../shared beside this checkout")
    return found


def _create(server_url: str, name: str, template: str = "template1") -> str:
    _execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
