"""Fixtures for every test: real servers, a fresh database, an empty Redis, one Ray, one language model.

Each pytest process starts its own servers when a test first asks for them; they end with it, also if it is killed.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from hypothesis import HealthCheck, settings

from rapray.config.settings import Settings
from rapray.embedded import Endpoints, down, resolve_endpoints
from tests.support.commands import EQUAL_PRIORITY
from tests.support.databases import create_database, drop_database, with_database
from tests.support.llm_server import API_KEY, LanguageModelServer

if TYPE_CHECKING:
    from tests.support.ray_cluster import RayCluster, SharedRay

pytest_plugins = ["tests.support.run_order", "tests.support.durations", "tests.support.failures"]

# Ray starts its workers at nice 15: beside the tests of another worker they would get next to no time.
os.environ.update(EQUAL_PRIORITY)

# `make test` tries a few examples of each property, `make fuzz` (--hypothesis-profile=fuzz) very many. By
# default Hypothesis fails an example that takes over 0.2 s, or whose data is slow to make: a busy machine may
# take longer.
_ANY_MACHINE = settings(settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("small", _ANY_MACHINE, max_examples=30)
settings.register_profile("fuzz", _ANY_MACHINE, max_examples=2000, print_blob=True)
settings.load_profile("small")

_DATABASES = 15  # a Redis server has 16; number 0 belongs to what a whole run shares
_numbers = itertools.count()
_redis_numbers = itertools.cycle(range(1, _DATABASES + 1))


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

    migrate.upgrade(create_database(servers.database_url, "template_migrated"))
    return "template_migrated"


@pytest.fixture
def database_url(servers: Endpoints, template_database: str) -> Iterator[str]:
    """A migrated, empty database of this test's own."""
    name = f"test_{next(_numbers)}"
    yield create_database(servers.database_url, name, template=template_database)
    drop_database(servers.database_url, name)


@pytest.fixture
def empty_database_url(servers: Endpoints) -> Iterator[str]:
    """A database of this test's own with nothing in it."""
    name = f"empty_{next(_numbers)}"
    yield create_database(servers.database_url, name)
    drop_database(servers.database_url, name)


@pytest.fixture
def redis_url(servers: Endpoints) -> str:
    """An empty database of the Redis server; the next fourteen tests that ask for one get others."""
    assert servers.redis_url is not None
    url = with_database(servers.redis_url, next(_redis_numbers))
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


_shared_ray = pytest.StashKey["SharedRay[Any]"]()


@pytest.fixture(scope="session")
def shared_ray(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SharedRay[Any]]:
    """Yield what runs on Ray for this whole run; tests ask for `cluster` or `served_app`."""
    from tests.support.ray_cluster import SharedRay

    shared = SharedRay[Any](Settings(data_dir=tmp_path_factory.mktemp("raylets")))
    request.config.stash[_shared_ray] = shared
    yield shared
    shared.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stop the shared Ray before the first test that does not use it.

    It would use CPU until the end. Some of these tests change Ray's environment, and Ray aborts a process that has
    joined a cluster when that happens.
    """
    from tests.support.run_order import SHARED, group_of  # a plugin: pytest imports it after this file

    shared = item.config.stash.get(_shared_ray, None)
    if shared is not None and group_of(item.nodeid) != SHARED:
        shared.close()


@pytest.fixture
def cluster(shared_ray: SharedRay[Any]) -> RayCluster:
    """The Ray cluster of this run, joined by this process."""
    return shared_ray.cluster()


@pytest.fixture(scope="module")
def own_ray(shared_ray: SharedRay[Any]) -> None:
    """Stop the shared Ray: the tests of this module start one of their own, and say why."""
    shared_ray.close()


@pytest.fixture(scope="session")
def language_model() -> Iterator[LanguageModelServer]:
    """The small language model of this run, behind an OpenAI-compatible API that asks for a key."""
    with LanguageModelServer(API_KEY) as server:
        yield server


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of facts and data beside the checkout; tests that need it are skipped where it is absent."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("there is no ../shared beside this checkout")
    return folder
