"""What the embedded Valkey is set to, asked of the server itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from tests.support.embedded import record_of, start


def test_new_valkey_settings(data_dir: Path):
    """A password, an append-only file, and eviction of expiring keys only."""
    url = start(data_dir).redis_url
    assert url is not None
    with redis.Redis.from_url(url, decode_responses=True) as client:
        assert client.config_get("appendonly")["appendonly"] == "yes"
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "volatile-lru"
        assert client.config_get("bind")["bind"] == "127.0.0.1"
    port = record_of(data_dir).valkey.port
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
