"""The hosted model behind a live ingress: as an analyzer, for a job of the same cluster, for OpenAI's own client."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

from rapray.config import Settings
from rapray.pipelines.analyze import analyze
from rapray.samples.corpus import songs
from tests.support.collection import failures_of, results_of, song_of, store
from tests.vllm.conftest import MODEL

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.ray,
    pytest.mark.slow("hosts a language model"),
    pytest.mark.timeout(1200),
]
LYRIC = "[Verse 1]\nI got the money and the city on my mind\nCounting every dollar, I am counting every dime"
SCHEMA = {
    "type": "object",
    "properties": {"mood": {"enum": ["calm", "angry"]}},
    "required": ["mood"],
    "additionalProperties": False,
}
TRACKS = 2


def test_served_model_answers_clients(cluster: None, settings: Settings, database_url: str) -> None:
    """One deployment for all three; without any key, and the providers that need one say so."""
    from rapray.serve.app import served

    store(database_url, [song_of(song) for song in songs()[:TRACKS]])
    with served(settings) as address, httpx.Client(base_url=address, timeout=900) as client:
        _check_analyze(client)
        _check_openai(openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0, timeout=600))
        _check_refusals(client)
        _check_job(settings, database_url)
        health = client.get("/health").json()
        assert health["dependencies"]["language model"]["version"] == MODEL, health


def _check_analyze(client: httpx.Client) -> None:
    """Three answer; the local one says where it comes from, and its second answer comes from the cache."""
    first = client.post("/analyze", json={"lyrics": LYRIC, "analyzers": "all"})
    assert first.status_code == 200, first.text
    found = first.json()
    assert set(found["results"]) == {"algorithmic", "emotion", "local"}
    assert {name: problem["code"] for name, problem in found["problems"].items()} == dict.fromkeys(
        ("qwen", "gemma", "ollama"), "provider_not_configured"
    )
    local = found["results"]["local"]
    assert (local["model"], local["model_revision"]) == (MODEL, "q4-k-m")
    assert local["prompt_version"].startswith("v1-")
    assert local["data"]["reading"]["structured_output"] == "json_schema"
    assert local["input_tokens"] > 100
    assert local["output_tokens"] > 50
    assert 0 < local["confidence"] < 1  # from log-probabilities
    assert local["cost_usd"] == 0
    again = client.post("/analyze", json={"lyrics": LYRIC, "analyzers": ["local"]})
    assert again.headers["x-cache"] == "hit"
    assert again.json()["results"]["local"] == local


def _check_openai(client: openai.OpenAI) -> None:
    """The official client lists, asks, binds an answer to a schema and streams."""
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).owned_by == "rapray"
    asked: list[Any] = [{"role": "user", "content": "How does a slow song feel?"}]
    bound: Any = {"type": "json_schema", "json_schema": {"name": "mood", "schema": SCHEMA}}
    whole = client.chat.completions.create(
        model=MODEL, messages=asked, response_format=bound, max_tokens=50, temperature=0
    )
    assert whole.choices[0].message.content in ('{"mood": "calm"}', '{"mood": "angry"}')
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 0
    pieces = list(
        client.chat.completions.create(model=MODEL, messages=asked, max_tokens=12, stream=True, temperature=0)
    )
    assert len(pieces) > 5
    assert pieces[-1].choices[0].finish_reason == "length"
    with pytest.raises(openai.NotFoundError, match="v1/models"):
        client.chat.completions.create(model="another", messages=asked)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "word " * 9000}], max_tokens=5
        )


def _check_refusals(client: httpx.Client) -> None:
    """What is wrong with a request is a problem of ours that OpenAI's clients read too; members are bounded."""
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    refused = client.post("/v1/chat/completions", json={**asked, "chat_template": "{{ 1 }}"})
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert refused.json()["error"]["code"] == "validation_failed"
    streamed = client.post("/v1/chat/completions", json={**asked, "model": "another", "stream": True})
    assert (streamed.status_code, streamed.json()["code"]) == (404, "chat_model_unknown")


def _check_job(settings: Settings, database_url: str) -> None:
    """A job of this cluster uses the model that is served; what it read is not due again."""
    from ray import serve

    report = analyze(settings, ["local"])
    assert report.new + report.failed == TRACKS
    assert report.new >= 1, failures_of(database_url)
    assert set(serve.status().applications) == {"rapray"}
    results = results_of(database_url)
    assert {result["model"] for result in results.values()} == {MODEL}
    assert {result["data"]["reading"]["mode"] for result in results.values()} == {"whole"}
