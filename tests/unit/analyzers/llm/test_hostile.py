"""The llm analyzer against an endpoint that does everything wrong: failures with the right code, never a result."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from rapray.analyzers.llm import wire
from rapray.analyzers.llm.analyzer import LlmAnalyzer, identify, preflight
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric
from rapray.errors import (
    ConfigError,
    CostLimitReached,
    ProviderNotConfigured,
    ProviderQuotaExceeded,
    ProviderRefused,
    ProviderRejected,
    ProviderUnavailable,
)
from rapray.pipelines.current import due_of
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections
from tests.support.hostile import (
    HostileServer,
    Reply,
    answers,
    cut,
    dripping,
    error,
    says,
    slow,
    status,
)

TEXT = "[Verse 1]\nI got the money and the city on my mind\nCounting every dollar, I am counting every dime"


def settings_for(server: HostileServer, **provider: Any) -> Settings:
    """Settings whose `qwen` is this server."""
    values = {
        "base_url": server.base_url,
        "api_key": "sk-very-secret",
        "max_retries": 1,
        "max_wait_s": 2,
        "logprobs": False,
        **provider,
    }
    return Settings.model_validate({"redis": {"enabled": False}, "llm": {"providers": {"qwen": values}}})


def lyric(text: str = TEXT, key: str = "1") -> Lyric:
    """A text as a lyric."""
    return Lyric(key, text, split_sections(text), content_hash(text), "Money")


def outcome(*script: Reply, text: str = TEXT, **provider: Any) -> Analysis | Failure:
    """What comes of one lyric when the server plays this script."""
    with HostileServer(*script) as server:
        return LlmAnalyzer(settings_for(server, **provider), "qwen").analyze([lyric(text)])[0]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ([error(401)], "provider_auth"),
        ([error(403)], "provider_auth"),
        ([error(402, "Insufficient balance")], "provider_quota"),
        ([error(429, kind="insufficient_quota")], "provider_quota"),
        ([error(429)], "provider_unavailable"),
        ([error(429, headers={"retry-after": "0"})], "provider_unavailable"),
        ([error(429, headers={"retry-after": "3600"})], "provider_unavailable"),
        ([error(500)], "provider_unavailable"),
        ([error(503)], "provider_unavailable"),
        ([status(500, b"<html>broken</html>", {"content-type": "text/html"})], "provider_unavailable"),
        ([error(404, "no such model")], "provider_rejected"),
        ([status(302, b"", {"location": "http://127.0.0.1:1/"})], "provider_rejected"),
        ([cut], "provider_unavailable"),
        ([status(200, b"<html>hello</html>", {"content-type": "text/html"})], "answer_invalid"),
        ([status(200, b"")], "answer_invalid"),
        ([status(200, {"hello": "world"})], "answer_invalid"),
        ([status(200, {"choices": []})], "answer_invalid"),
        ([status(200, [1, 2])], "answer_invalid"),
        ([says("")], "answer_invalid"),
        ([says(None)], "answer_invalid"),
        ([says("I cannot say")], "answer_invalid"),
        ([says('{"genre": "rap"}')], "answer_invalid"),
        ([says("{" * 100_000)], "answer_invalid"),
        ([says("[" * 100_000 + '{"a":' * 100_000)], "answer_invalid"),
        ([says(None, refusal="I will not read that.")], "answer_refused"),
        ([says("", finish="content_filter")], "answer_refused"),
        ([says('{"summary": "It', finish="length")], "answer_invalid"),
        ([status(200, b" " * 10_000_000)], "provider_unavailable"),
        ([status(500, b"x" * 10_000_000)], "provider_unavailable"),
        ([status(200, b"packed", {"content-encoding": "gzip"})], "provider_unavailable"),
    ],
)
def test_bad_endpoint_gives_a_failure_with_its_code(script: list[Reply], code: str) -> None:
    """Whatever comes, it is a stored failure that names the reason, and the key is in none of them."""
    found = outcome(*script)
    assert isinstance(found, Failure)
    assert found.code == code
    assert found.stage.startswith("analyze/qwen/1.0.0/")
    assert "sk-very-secret" not in found.detail
    assert len(found.detail) < 2000


def test_failure_is_kept_under_the_stage_that_its_due_query_reads() -> None:
    """The model's name is a path there; what an actor writes and what a job reads must still be one stage."""
    with HostileServer(error(404)) as server:
        settings = settings_for(server, model="org/model:4b", revision="r@2")
        [found] = LlmAnalyzer(settings, "qwen").analyze([lyric()])
        assert isinstance(found, Failure)
        assert found.stage == due_of(identify(settings, "qwen")).stage


@pytest.mark.parametrize("reply", [slow(30), dripping])
def test_slow_endpoint_ends_at_the_time_out(reply: Reply) -> None:
    """Also where a byte comes now and then, which a read time-out never ends."""
    started = time.monotonic()
    found = outcome(reply, timeout_s=0.5, max_retries=0)
    assert isinstance(found, Failure)
    assert found.code == "provider_unavailable"
    assert time.monotonic() - started < 10


def test_nobody_listening_is_a_failure() -> None:
    """The address is named by the settings, the reason by the failure."""
    with HostileServer(answers()) as server:
        settings = settings_for(server, max_retries=0)
    (found,) = LlmAnalyzer(settings, "qwen").analyze([lyric()])
    assert isinstance(found, Failure)
    assert found.code == "provider_unavailable"


@pytest.mark.parametrize(
    "first", [error(500), error(429), error(429, headers={"retry-after": "0"}), cut, status(200, b"?")]
)
def test_passing_trouble_is_repeated(first: Reply) -> None:
    """One bad answer of the server is no failure of the lyric."""
    found = outcome(first, answers())
    assert isinstance(found, Analysis), found
    assert found.data["reading"]["requests"] == 2


def test_retry_after_is_honoured() -> None:
    """The repeat does not leave before the time that the server named."""
    started = time.monotonic()
    found = outcome(error(503, headers={"retry-after": "1"}), answers())
    assert isinstance(found, Analysis)
    assert time.monotonic() - started >= 1


def test_result_says_where_it_comes_from_and_what_it_cost() -> None:
    """Model, revision, prompt, tokens and cost; figures as shares of one."""
    found = outcome(answers(), input_usd_per_million=2, output_usd_per_million=4, revision="fp8")
    assert isinstance(found, Analysis)
    assert (found.model, found.model_revision) == ("qwen/qwen3-4b-fp8", "fp8")
    assert found.prompt_version is not None
    assert found.prompt_version.startswith("v1-")
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


def test_cost_of_unknown_prices_is_not_invented() -> None:
    """No price, no figure."""
    found = outcome(answers())
    assert isinstance(found, Analysis)
    assert found.cost_usd is None


def test_bad_answer_is_repaired_once() -> None:
    """The model is told what is wrong, and its second answer counts."""
    with HostileServer(answers(energy=99), answers()) as server:
        (found,) = LlmAnalyzer(settings_for(server), "qwen").analyze([lyric()])
        again = server.asked[1]["messages"]
    assert isinstance(found, Analysis)
    assert (found.data["reading"]["requests"], found.data["reading"]["repairs"]) == (2, 1)
    assert found.input_tokens == 200
    assert "energy" in again[-1]["content"]
    assert again[-2]["role"] == "assistant"


def test_thinking_and_prose_around_the_answer_are_left_out() -> None:
    """Thinking models and chatty ones are read all the same."""
    good = answers()
    with HostileServer(good) as server:
        LlmAnalyzer(settings_for(server), "qwen").analyze([lyric()])
    from tests.support.hostile import ANSWER

    text = f'<think>{{"genre": "nonsense"}}</think>Sure!\n```json\n{json.dumps(ANSWER)}\n```\nAnything else?'
    found = outcome(says(text))
    assert isinstance(found, Analysis)
    assert found.data["genre"] == "hip hop"


def test_quote_that_is_not_in_the_lyric_is_flagged() -> None:
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


def test_structured_output_falls_back_and_is_remembered() -> None:
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


def test_logprobs_that_are_refused_are_not_asked_for_again() -> None:
    """An API without log-probabilities still answers, bound by the schema."""
    with HostileServer(error(400, "logprobs is not supported"), answers()) as server:
        analyzer = LlmAnalyzer(settings_for(server, logprobs=True), "qwen")
        (found,) = analyzer.analyze([lyric()])
        assert ["logprobs" in asked for asked in server.asked] == [True, False]
        assert server.asked[1]["response_format"]["type"] == "json_schema"
    assert isinstance(found, Analysis)
    assert found.confidence is None


def test_samples_that_agree_in_part_give_a_confidence_between() -> None:
    """Two moods of four: the agreement is neither 0 nor 1, and the answer is one that a model gave."""
    found = outcome(answers(), answers(mood="dark", valence=-6), answers(), answers(energy=7), samples=4)
    assert isinstance(found, Analysis)
    assert found.confidence is not None
    assert 0.5 < found.confidence < 1
    assert (found.data["confidence_from"], found.data["mood"]) == ("agreement", "determined")
    assert found.data["reading"]["requests"] == 4


def test_long_lyric_is_read_by_section_and_says_so() -> None:
    """Every line of it is in some request, and the figures are means."""
    lines = [f"line number {number} of a very long song about the city on my mind" for number in range(600)]
    text = "\n\n".join("\n".join(["[Verse]", *lines[at : at + 20]]) for at in range(0, 600, 20))
    with HostileServer(answers(energy=2), answers(energy=8)) as server:
        settings = settings_for(server, context_tokens=12_000)
        (found,) = LlmAnalyzer(settings, "qwen").analyze([lyric(text)])
        asked = "\n".join(asked["messages"][1]["content"] for asked in server.asked)
    assert isinstance(found, Analysis), found
    assert found.data["reading"]["mode"] == "by_section"
    assert len(found.data["reading"]["parts"]) == found.data["reading"]["requests"] > 1
    assert all(line in asked for line in lines)
    assert 0.2 <= found.data["energy"] <= 0.8


def test_context_that_is_smaller_than_configured_is_found_out() -> None:
    """A server that refuses the whole lyric gets it in parts."""
    text = "\n\n".join(f"[Verse {n}]\n" + "\n".join([f"the city on my mind {n}"] * 40) for n in range(30))
    found = outcome(error(400, "maximum context length is 4096 tokens"), answers(), text=text, max_parts=100)
    assert isinstance(found, Analysis)
    assert found.data["reading"]["mode"] == "by_section"


def test_lyric_of_a_megabyte_fails_alone_and_costs_nothing() -> None:
    """Too many parts is a failure, never a cut lyric; its neighbour has its answer."""
    huge, strange = "la " * 350_000, "\x00\x01\x02 \ufeff"
    with HostileServer(answers()) as server:
        batch = [lyric(huge, "1"), lyric(TEXT, "2"), lyric(strange, "3")]
        found = LlmAnalyzer(settings_for(server), "qwen").analyze(batch)
        assert len(server.asked) == 1
    assert [getattr(one, "code", "ok") for one in found] == ["lyrics_too_long", "ok", "lyrics_empty"]
    assert [one.key for one in found] == ["1", "2", "3"]


def test_analyze_a_batch_asks_no_more_at_once_than_allowed() -> None:
    """The order of a batch is kept, and concurrency bounded."""
    with HostileServer(slow(0.05)) as server:
        batch = [lyric(TEXT + f"\nline {n}", str(n)) for n in range(6)]
        found = LlmAnalyzer(settings_for(server, concurrency=3), "qwen").analyze(batch)
    assert [one.key for one in found] == [str(n) for n in range(6)]
    assert all(isinstance(one, Analysis) for one in found)


def test_not_configured_provider_says_which_setting() -> None:
    """No key, no request."""
    settings = Settings(redis={"enabled": False})  # pyright: ignore[reportArgumentType]
    for name, variable in (
        ("qwen", "QWEN__API_KEY"),
        ("gemma", "GEMMA__API_KEY"),
        ("ollama", "OLLAMA__ENABLED"),
    ):
        with pytest.raises(ProviderNotConfigured, match=f"RAPRAY_LLM__PROVIDERS__{variable}"):
            identify(settings, name)
        with pytest.raises(ProviderNotConfigured):
            preflight(settings, name)
        (found,) = LlmAnalyzer(settings, name).analyze([lyric()])
        assert isinstance(found, Failure)
        assert found.code == "provider_not_configured"
    assert ProviderNotConfigured.exit_code == 4


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401), ProviderRefused),
        (error(402), ProviderQuotaExceeded),
        (error(429, "You exceeded your current quota, check billing"), ProviderQuotaExceeded),
        (error(404, "no such model"), ProviderRejected),
        (error(503), ProviderUnavailable),
    ],
)
def test_preflight_raises_before_the_first_lyric(reply: Reply, kind: type[Exception]) -> None:
    """All of them end a command with exit code 4."""
    with HostileServer(reply) as server, pytest.raises(kind) as caught:
        preflight(settings_for(server), "qwen")
    assert getattr(caught.value, "exit_code", None) == 4
    assert "sk-very-secret" not in str(caught.value)


def test_key_is_sent_to_the_provider_and_nobody_is_named() -> None:
    """The key travels in the header alone."""
    with HostileServer(answers()) as server:
        LlmAnalyzer(settings_for(server), "qwen").analyze([lyric()])
        headers = {name.lower(): value for name, value in server.headers[0].items()}
        assert "sk-very-secret" not in json.dumps(server.asked)
    assert headers["authorization"] == "Bearer sk-very-secret"


def test_key_that_is_revoked_on_the_way_pauses_the_provider() -> None:
    """After a 401 nothing more is sent: the rest is left for later."""
    with HostileServer(answers(), error(401)) as server:
        analyzer = LlmAnalyzer(settings_for(server, concurrency=1), "qwen")
        found = [analyzer.analyze([lyric(TEXT, str(n))])[0] for n in range(4)]
        assert len(server.asked) == 2
    assert [getattr(one, "code", "ok") for one in found] == [
        "ok",
        "provider_auth",
        "provider_paused",
        "provider_paused",
    ]


def test_provider_that_fails_again_and_again_is_paused() -> None:
    """The breaker opens; the requests that are not sent cost nobody anything."""
    with HostileServer(error(500)) as server:
        analyzer = LlmAnalyzer(settings_for(server, max_retries=0, max_wait_s=0), "qwen")
        found = [analyzer.analyze([lyric(TEXT, str(n))])[0] for n in range(8)]
        assert len(server.asked) == 5
    codes = [one.code for one in found if isinstance(one, Failure)]
    assert codes == ["provider_unavailable"] * 5 + ["provider_paused"] * 3


class Purse:
    """A budget of so many dollars."""

    def __init__(self, usd: float) -> None:
        self.left, self.settled = usd, 0.0

    def reserve(self, provider: str, usd: float) -> None:
        """Take it out of the purse."""
        if usd > self.left:
            raise CostLimitReached(provider=provider, spent_usd=0, limit_usd=self.left)
        self.left -= usd

    def settle(self, provider: str, *, reserved_usd: float, cost_usd: float, **_: int) -> None:
        """Put back what was not needed."""
        self.left += reserved_usd - cost_usd
        self.settled += cost_usd


def test_cost_limit_ends_requests_before_they_are_sent() -> None:
    """What a request may cost at most is set aside first, so the limit is never passed."""
    purse = Purse(0.02)
    with HostileServer(answers()) as server:
        settings = settings_for(server, input_usd_per_million=1, output_usd_per_million=5)
        analyzer = LlmAnalyzer(settings, "qwen")
        analyzer.charge_to(purse)
        found = [analyzer.analyze([lyric(TEXT, str(n))])[0] for n in range(60)]
        sent = len(server.asked)
    codes = [getattr(one, "code", "ok") for one in found]
    assert codes == ["ok"] * sent + ["cost_limit"] * (60 - sent)
    assert 0 < sent < 60
    assert purse.settled == pytest.approx(sent * (100 + 5 * 50) / 1e6)
    assert purse.settled <= 0.02


def test_cost_limit_without_prices_is_refused() -> None:
    """A limit that nobody can keep to is no limit."""
    with HostileServer(answers()) as server:
        settings = settings_for(server)
        limited = settings.model_copy(update={"llm": settings.llm.model_copy(update={"max_cost_usd": 1.0})})
        with pytest.raises(ConfigError, match="input_usd_per_million"):
            LlmAnalyzer(limited, "qwen").charge_to(Purse(1))


def test_extra_body_and_samples_reach_the_request() -> None:
    """Members that only one API knows are a matter of configuration."""
    with HostileServer(answers()) as server:
        LlmAnalyzer(settings_for(server, extra_body={"enable_thinking": False}), "qwen").analyze([lyric()])
        assert server.asked[0]["enable_thinking"] is False
        assert server.asked[0]["temperature"] == 0


def test_body_limit_is_above_the_longest_answer() -> None:
    """10 MB is refused while it comes, not after."""
    assert 1_000_000 < wire.MAX_BODY_BYTES < 10_000_000
