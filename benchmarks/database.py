"""A migrated PostgreSQL, and a Valkey, for one benchmark: started from wheels in a folder that is removed afterwards.

Knows nothing of what is measured.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rapray.config.settings import RedisSettings, Settings
from rapray.embedded import Endpoints, down, resolve_endpoints
from rapray.store.migrate import upgrade


@contextmanager
def fresh_servers(*, with_redis: bool = True) -> Generator[Endpoints]:
    """An empty database with rapray's schema, and a Valkey; gone at the end, also where this process is killed."""
    data_dir = Path(tempfile.mkdtemp(prefix="rapray-benchmark-"))
    data_dir.chmod(0o711)  # root's servers run as another user, who has to get through
    try:
        settings = Settings(data_dir=data_dir, redis=RedisSettings(enabled=with_redis))
        endpoints = resolve_endpoints(settings, owner_pid=os.getpid())
        upgrade(endpoints.database_url)
        yield endpoints
    finally:
        down(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


@contextmanager
def fresh_database() -> Generator[str]:
    """The address of such a database alone."""
    with fresh_servers(with_redis=False) as endpoints:
        yield endpoints.database_url
