"""The fixtures that every other test stands on."""

from __future__ import annotations

import psycopg
import redis


def test_database_url_is_empty(database_url: str):
    """A test gets every table and no row."""
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM tracks").fetchone() == (0,)


def test_redis_url_is_empty(redis_url: str):
    """A test finds no keys of an earlier one."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
