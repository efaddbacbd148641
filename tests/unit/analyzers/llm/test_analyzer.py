"""What the llm analyzer makes of the answers of a model."""

from __future__ import annotations

import json

import pytest

from rapray.analyzers.llm.analyzer import LlmAnalyzer
from rapray.analyzers.llm.extract import without_thinking
from rapray.domain import Analysis
from tests.support.growth import assert_linear
from tests.support.hostile import ANSWER, HostileServer, answers, error, says
from tests.support.qwen import lyric, outcome, settings_for


def test_result_origin_and_cost() -> None:
    """Model, revision, prompt, tokens and cost; figures as shares of one."""
    found = outcome(answers(), input_usd_per_million=2, output_usd_per_million=4, revision="fp8")
    assert isinstance(found, Analysis)
    made_by = found.provenance
    assert (made_by.model, made_by.model_revision) == ("qwen/qwen3-4b-fp8", "fp8")
    assert made_by.prompt_version is not None
    assert made_by.prompt_version.startswith("v1-")
    assert (found.input_tokens, found.output_tokens) == (100, 50)
    assert found.cost_usd == pytest.approx((100 * 2 + 50 * 4) / 1e6)
    assert (found.sentiment, found.data["energy"], found.data["quality"]["coherence"]["score"]) == (
        0.2,
        0.6,
        0.5,
    )
    assert found.embedding is not None
    assert len(found.embedding) == 256
    assert sum(value * value for value in found.embedding) == pytest.approx(1, abs=1e-4)
    assert found.confidence is None
    assert json.loads(json.dumps(found.data)) == found.data


def test_invalid_answer_is_repaired() -> None:
    """The model is told what is wrong, and its second answer counts."""
    with HostileServer(answers(energy=99), answers()) as server:
        (found,) = LlmAnalyzer(settings_for(server), "qwen").analyze([lyric()])
        again = server.asked[1]["messages"]
    assert isinstance(found, Analysis)
    assert (found.data["reading"]["requests"], found.data["reading"]["repairs"]) == (2, 1)
    assert found.input_tokens == 200
    assert "energy" in again[-1]["content"]
    assert again[-2]["role"] == "assistant"


def test_answer_inside_prose() -> None:
    """Thinking models and chatty ones are read all the same."""
    text = f'<think>{{"genre": "nonsense"}}</think>Sure!\n```json\n{json.dumps(ANSWER)}\n```\nAnything else?'
    found = outcome(says(text))
    assert isinstance(found, Analysis)
    assert found.data["genre"] == "hip hop"


def test_invented_quote_is_flagged() -> None:
    """A quote is looked for word by word, whatever its case and punctuation."""
    plays = [
        {"device": "pun", "quote": "The CITY, on my mind!", "explanation": "x"},
        {"device": "pun", "quote": "diamonds in the sky", "explanation": "x"},
    ]
    found = outcome(answers(wordplay=plays, references=[{"name": "Nas", "kind": "person"}]))
    assert isinstance(found, Analysis)
    assert [play["is_in_lyric"] for play in found.data["wordplay"]] == [True, False]
    assert found.data["checks"]["missing_quotes"] == ["diamonds in the sky"]
    assert found.data["checks"]["missing_references"] == ["Nas"]


def test_structured_output_falls_back() -> None:
    """JSON schema, then JSON mode, then text; the schema is in the prompt where the request does not carry it."""
    refuses = error(400, "response_format json_schema is not supported")
    with HostileServer(refuses, refuses, answers()) as server:
        analyzer = LlmAnalyzer(settings_for(server), "qwen")
        first, second = (analyzer.analyze([lyric()])[0] for _ in range(2))
        kinds = [asked.get("response_format", {}).get("type") for asked in server.asked]
        texts = [asked["messages"][1]["content"] for asked in server.asked]
    assert isinstance(first, Analysis)
    assert isinstance(second, Analysis)
    assert kinds == ["json_schema", "json_object", None, None]
    assert second.data["reading"]["structured_output"] == "extract"
    assert ["maxItems" in text for text in texts] == [False, True, True, True]


def test_refused_logprobs_are_dropped() -> None:
    """An API without log-probabilities still answers, bound by the schema."""
    with HostileServer(error(400, "logprobs is not supported"), answers()) as server:
        analyzer = LlmAnalyzer(settings_for(server, logprobs=True), "qwen")
        (found,) = analyzer.analyze([lyric()])
        assert ["logprobs" in asked for asked in server.asked] == [True, False]
        assert server.asked[1]["response_format"]["type"] == "json_schema"
    assert isinstance(found, Analysis)
    assert found.confidence is None


def test_partial_agreement_sets_confidence() -> None:
    """Two moods of four: the agreement is neither 0 nor 1, and the answer is one that a model gave."""
    found = outcome(answers(), answers(mood="dark", valence=-6), answers(), answers(energy=7), samples=4)
    assert isinstance(found, Analysis)
    assert found.confidence is not None
    assert 0.5 < found.confidence < 1
    assert (found.data["confidence_from"], found.data["mood"]) == ("agreement", "determined")
    assert found.data["reading"]["requests"] == 4


@pytest.mark.parametrize("mark", ["<think>", "</think>", "<think></think>", "{"])
def test_thinking_marks_linear_time(mark: str) -> None:
    """Removing thinking takes linear time however often a mark repeats, and leaves the final JSON in place."""
    assert without_thinking(mark * 300_000 + "</think>{}").endswith("{}")
    assert_linear(lambda size: without_thinking(mark * size + "</think>{}"), 300_000)
