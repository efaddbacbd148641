"""Every analyzer behind one live ingress: with a real language model behind the providers, and with none set up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from rapray.analyzers.registry import specs
from rapray.config import AnalyzeSettings, DatabaseSettings, RedisSettings, ServeSettings, Settings
from rapray.config.llm import LlmSettings
from tests.support.llm_server import SHORT_ANSWERS, LanguageModelServer
from tests.support.serving import free_port, local_ray

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]  # four real answers on two cores, shared
LYRIC = "[Verse 1]\nI got the money and the city on my mind\nCounting every dollar, I am counting every dime"
COMPUTING = {"algorithmic", "emotion"}
# Presets as they are, the address aside: each result must name the model of its own provider.
MODELS = {"qwen": "qwen/qwen3-4b-fp8", "gemma": "gemma-3-27b-it", "ollama": "llama3.1:8b", "local": "local"}
HASTY = "hasty"  # a provider by configuration alone, whose answers are always cut


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """One Ray for both tests."""
    with local_ray(4):
        yield


def settings_for(database_url: str, redis_url: str, llm: LlmSettings | None = None) -> Settings:
    """An ingress of a test's own with every analyzer that is set up, and time for a model on two cores."""
    return Settings(
        database=DatabaseSettings(url=SecretStr(database_url)),
        redis=RedisSettings(url=SecretStr(redis_url)),
        analyze=AnalyzeSettings(deadline_s=600),
        serve=ServeSettings(port=free_port()),
        llm=llm or LlmSettings(),
    )


def providers_at(base_url: str) -> LlmSettings:
    """The four presets at one server; room for the longest answer that the schema allows, so that none is cut."""
    shared = {
        "base_url": base_url,
        "needs_key": False,
        "timeout_s": 600,
        "max_output_tokens": 3000,
        "extra_body": SHORT_ANSWERS,
    }
    hasty = {**shared, "model": "any", "max_output_tokens": 128}
    return LlmSettings.model_validate({"providers": {**dict.fromkeys(MODELS, shared), HASTY: hasty}})


def codes(answer: dict[str, Any]) -> dict[str, str]:
    """What each analyzer that has no result says."""
    return {name: problem["code"] for name, problem in answer["problems"].items()}


def test_all_with_providers_every_analyzer_answers_and_is_kept(
    cluster: None, database_url: str, redis_url: str
) -> None:
    """Each result says where it comes from; asked again it is the same bytes; an answer that is cut is a problem."""
    pytest.importorskip("openai", reason="the llm extra is not installed")
    from rapray.serve.app import served

    with LanguageModelServer() as model:
        settings = settings_for(database_url, redis_url, providers_at(model.base_url))
        with served(settings) as address, httpx.Client(base_url=address, timeout=700) as client:
            first = client.post("/analyze", json={"lyrics": LYRIC, "analyzers": "all"})
            assert first.status_code == 200, first.text
            found = first.json()
            assert codes(found) == {HASTY: "answer_invalid"}
            assert set(found["results"]) == COMPUTING | set(MODELS)
            _check_computed(found["results"])
            for name, model_name in MODELS.items():
                _check_answered(found["results"][name], model_name)
            _check_kept(client, first, sorted(found["results"]))


def _check_computed(results: dict[str, Any]) -> None:
    algorithmic, emotion = results["algorithmic"], results["emotion"]
    assert algorithmic["version"] == specs()["algorithmic"].version
    assert (algorithmic["model"], algorithmic["prompt_version"], algorithmic["confidence"]) == (None,) * 3
    assert algorithmic["data"]["rhyme"]["chains"]
    assert emotion["version"] == specs()["emotion"].version
    assert (emotion["model"], emotion["model_revision"]) == (
        emotion["data"]["model"]["name"],
        emotion["data"]["model"]["revision"],
    )
    assert emotion["data"]["model"]["is_builtin"]
    assert emotion["input_tokens"]


def _check_answered(result: dict[str, Any], model_name: str) -> None:
    assert (result["model"], result["model_revision"]) == (model_name, "unpinned")
    assert result["prompt_version"].startswith("v1-")
    assert result["data"]["reading"]["structured_output"] == "json_schema"
    assert result["data"]["reading"]["mode"] == "whole"
    assert result["input_tokens"] > 100
    assert result["output_tokens"] > 50
    assert result["sentiment"] == result["data"]["valence"]
    assert 0 < result["confidence"] < 1
    assert result["seconds"] > 0


def _check_kept(client: httpx.Client, first: httpx.Response, names: list[str]) -> None:
    assert first.headers["x-cache"] == "miss"
    again = client.post("/analyze", json={"lyrics": LYRIC, "analyzers": names})
    assert again.headers["x-cache"] == "hit"
    assert again.json()["results"] == first.json()["results"]
    streamed = client.post("/analyze/stream", json={"lyrics": LYRIC, "analyzers": names}).text
    events = [block.splitlines() for block in streamed.split("\n\n") if block.startswith("event: result")]
    told = [json.loads(line.removeprefix("data: ")) for _, line in events]
    assert {one["analyzer"]: one["cache"] for one in told} == dict.fromkeys(names, "hit")
    assert {one["analyzer"]: one["result"] for one in told} == first.json()["results"]


def test_all_without_providers_two_answer_and_the_rest_say_why(
    cluster: None, database_url: str, redis_url: str
) -> None:
    """A laptop with no key: algorithmic and emotion answer, the language models are not configured, and say so."""
    from rapray.serve.app import served

    settings = settings_for(database_url, redis_url)
    with served(settings) as address, httpx.Client(base_url=address, timeout=60) as client:
        answer = client.post("/analyze", json={"lyrics": LYRIC, "analyzers": "all"})
        alone = client.post("/analyze", json={"lyrics": LYRIC, "analyzers": ["qwen"]})
        health = client.get("/health").json()
    assert answer.status_code == 200
    found = answer.json()
    assert set(found["results"]) == COMPUTING
    _check_computed(found["results"])
    assert codes(found) == dict.fromkeys(MODELS, "provider_not_configured")
    assert all("rapray llm check" in problem["detail"] for problem in found["problems"].values())
    assert (alone.status_code, alone.json()["code"]) == (503, "provider_not_configured")
    assert {f"analyzer {name}" for name in COMPUTING} <= set(health["dependencies"])
    # Who asks the operators' page reads that the built-in emotion model stands in for the default one.
    assert "stands in" in health["dependencies"]["analyzer emotion"]["version"]
