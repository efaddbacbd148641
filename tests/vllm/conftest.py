"""Settings that host a small real model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from rapray.config import DatabaseSettings, RedisSettings, ServeSettings, Settings
from rapray.config.llm import LlmSettings
from tests.support.serving import free_port, local_ray

MODEL = "gemma-3-270m"


@pytest.fixture(scope="session")
def hosted_llm() -> LlmSettings:
    """The model as the provider `local`; a base model repeats itself without a penalty."""
    from tests.support.hosted import model_folder

    local = {
        "max_output_tokens": 900,
        "timeout_s": 600,
        "extra_body": {"repetition_penalty": 1.3},
    }
    hosted = {"model": str(model_folder()), "revision": "q4-k-m"}
    return LlmSettings.model_validate({"hosted": hosted, "providers": {"local": local}})


@pytest.fixture
def settings(database_url: str, redis_url: str, hosted_llm: LlmSettings) -> Settings:
    """Every analyzer that is set up, on servers of the test's own."""
    return Settings(
        database=DatabaseSettings(url=SecretStr(database_url)),
        redis=RedisSettings(url=SecretStr(redis_url)),
        serve=ServeSettings(port=free_port()),
        llm=hosted_llm,
    )


@pytest.fixture
def cluster() -> Iterator[None]:
    """A Ray of the test's own."""
    with local_ray(4):
        yield
