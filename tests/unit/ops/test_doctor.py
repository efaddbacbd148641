"""What the doctor finds where a server is missing."""

from __future__ import annotations

import socket
from pathlib import Path

from pydantic import SecretStr

from rapray.config import DatabaseSettings, RedisSettings, Settings
from rapray.ops.doctor import examine


def test_examine_without_servers(tmp_path: Path) -> None:
    """Without PostgreSQL nothing works, without Redis something is slower; the doctor itself never breaks."""
    with socket.socket() as bound_but_deaf:
        bound_but_deaf.bind(("127.0.0.1", 0))
        port = bound_but_deaf.getsockname()[1]
        settings = Settings(
            data_dir=tmp_path,
            database=DatabaseSettings(url=SecretStr(f"postgresql://someone:hidden@127.0.0.1:{port}/rap")),
            redis=RedisSettings(url=SecretStr(f"redis://:hidden@127.0.0.1:{port}/0")),
        )
        found = {finding.subject: finding for finding in examine(settings)}
    assert (found["PostgreSQL"].state, found["PostgreSQL"].summary) == ("fail", "database_unavailable")
    assert (found["Redis"].state, found["Redis"].summary) == ("warn", "redis_unavailable")
    assert not any("hidden" in str(finding) for finding in found.values())
