"""Every analyzer behind one live ingress: two that compute, a real language model, three presets, and two that cannot answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from rapray.analyzers.registry import specs
from tests.integration.serve.conftest import COMPUTING, HASTY, KEYLESS, REAL, ServedApplication

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]  # real answers on two cores, shared
LYRIC = "[Verse 1]\nI got the money and the city on my mind\nCounting every dollar, I am counting every dime"
# Presets as they are, the address aside: each result must name the model of its own provider.
MODELS = {"qwen": "qwen/qwen3-4b-fp8", "gemma": "gemma-3-27b-it", "ollama": "llama3.1:8b", "local": "local"}


@pytest.mark.slow("a real language model writes an answer")
def test_analyze_all_answers(served_app: ServedApplication) -> None:
    """Each result says where it comes from; asked again it is the same bytes; what cannot answer is a problem beside them."""
    with served_app.client() as client:
        first = client.post("/analyze", json={"lyrics": LYRIC, "analyzers": "all"})
        assert first.status_code == 200, first.text
        answer = first.json()
        codes = {name: problem["code"] for name, problem in answer["problems"].items()}
        assert codes == {HASTY: "answer_invalid", KEYLESS: "provider_not_configured"}
        assert "rapray llm check" in answer["problems"][KEYLESS]["detail"]
        assert set(answer["results"]) == {*COMPUTING, *MODELS}
        _check_computed(answer["results"])
        for name, model in MODELS.items():
            _check_language_model(answer["results"][name], model)
        assert 0 < answer["results"][REAL]["confidence"] < 1  # from log-probabilities
        _check_cached(client, first, sorted(answer["results"]))


def test_unconfigured_analyzer_says_so(served_app: ServedApplication) -> None:
    """Asked for by itself it is a 503 that names the command to run; the analyzers that compute are in /health."""
    with served_app.client() as client:
        refused = client.post("/analyze", json={"lyrics": LYRIC, "analyzers": [KEYLESS]})
        health = client.get("/health").json()
    assert (refused.status_code, refused.json()["code"]) == (503, "provider_not_configured")
    assert {f"analyzer {name}" for name in COMPUTING} <= set(health["dependencies"])
    # An operator reads here that the built-in emotion model stands in for the default one.
    assert "stands in" in health["dependencies"]["analyzer emotion"]["version"]


def _check_computed(results: dict[str, Any]) -> None:
    algorithmic, emotion = results["algorithmic"], results["emotion"]
    assert algorithmic["version"] == specs()["algorithmic"].version
    assert (algorithmic["model"], algorithmic["prompt_version"], algorithmic["confidence"]) == (None,) * 3
    assert algorithmic["data"]["rhyme"]["chains"]
    assert emotion["version"] == specs()["emotion"].version
    model = emotion["data"]["model"]
    assert (emotion["model"], emotion["model_revision"]) == (model["name"], model["revision"])
    assert model["is_builtin"]
    assert emotion["input_tokens"]


def _check_language_model(result: dict[str, Any], model_name: str) -> None:
    assert (result["model"], result["model_revision"]) == (model_name, "unpinned")
    assert result["prompt_version"].startswith("v1-")
    assert result["data"]["reading"]["structured_output"] == "json_schema"
    assert result["data"]["reading"]["mode"] == "whole"
    assert result["input_tokens"] >= 100
    assert result["output_tokens"] >= 50
    assert result["sentiment"] == result["data"]["valence"]
    assert result["seconds"] > 0


def _check_cached(client: httpx.Client, first: httpx.Response, names: list[str]) -> None:
    assert first.headers["x-cache"] == "miss"
    again = client.post("/analyze", json={"lyrics": LYRIC, "analyzers": names})
    assert again.headers["x-cache"] == "hit"
    assert again.json()["results"] == first.json()["results"]
    streamed = client.post("/analyze/stream", json={"lyrics": LYRIC, "analyzers": names}).text
    events = [block.splitlines() for block in streamed.split("\n\n") if block.startswith("event: result")]
    results = [json.loads(line.removeprefix("data: ")) for _, line in events]
    assert {event["analyzer"]: event["cache"] for event in results} == dict.fromkeys(names, "hit")
    assert {event["analyzer"]: event["result"] for event in results} == first.json()["results"]
