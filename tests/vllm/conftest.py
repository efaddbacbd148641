"""Settings that host a small real model, and the Ray that it runs on."""

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
    """The model as the provider `local`, which answers in few words: what it says matters to no test."""
    from tests.support.hosted import model_folder, short_answers

    folder = model_folder()
    local = {"max_output_tokens": 900, "timeout_s": 600, "extra_body": short_answers(folder)}
    hosted = {"model": str(folder), "revision": "q4-k-m"}
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


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """One Ray of a single node for all tests of this folder: the engine's workers need its CPUs side by side."""
    with local_ray(4):
        yield
