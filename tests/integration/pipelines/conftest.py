"""Settings of jobs that point at a test's own database."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from rapray.config import DatabaseSettings, JobSettings, RedisSettings, Settings


@pytest.fixture
def job_settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings of a job on this test's database: small blocks, so that there are several, and few worker processes."""
    return Settings(
        data_dir=tmp_path,
        database=DatabaseSettings(url=SecretStr(database_url)),
        redis=RedisSettings(url=SecretStr(redis_url)),
        jobs=JobSettings(
            workers=1,  # each takes seconds of CPU to start
            writers=1,
            fetchers=2,
            compute_block_rows=16,
            fetch_block_rows=8,
            retry_delay_s=60,
            progress_interval_s=60,
        ),
    )
