"""The llm analyzer against an endpoint that does everything wrong: failures with the right code, never a result."""

from __future__ import annotations

import time
from typing import Any

import pytest

from rapray.analyzers.llm import wire
from rapray.analyzers.llm.analyzer import LlmAnalyzer, identify
from rapray.domain import Analysis, Failure
from rapray.store.due import DueAnalyses
from tests.support.hostile import (
    HostileServer,
    Reply,
    answers,
    cut,
    dripping,
    dripping_header,
    dripping_hints,
    error,
    says,
    slow,
    status,
)
from tests.support.qwen import lyric, outcome, settings_for


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
        ([status(200, b"<html>hello</html>", {"content-type": "text/html"})], "provider_unavailable"),
        ([status(200, b"")], "provider_unavailable"),
        ([status(200, {"hello": "world"})], "provider_unavailable"),
        ([status(200, {"choices": []})], "provider_unavailable"),
        ([status(200, [1, 2])], "provider_unavailable"),
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
def test_bad_endpoint_failure_code(script: list[Reply], code: str) -> None:
    """Whatever comes, it is a stored failure that names the reason, and the key is in none of them."""
    found = outcome(*script)
    assert isinstance(found, Failure)
    assert found.code == code
    assert found.stage.startswith("analyze/qwen/")
    assert "sk-very-secret" not in found.detail
    assert len(found.detail) < 2000


def test_failure_stage_matches_query() -> None:
    """The model's name is a path there; what an actor writes and what a job reads must still be one stage."""
    with HostileServer(error(404)) as server:
        settings = settings_for(server, model="org/model:4b", revision="r@2")
        [found] = LlmAnalyzer(settings, "qwen").analyze([lyric()])
        assert isinstance(found, Failure)
        assert found.stage == DueAnalyses(identify(settings, "qwen")).stage


@pytest.mark.parametrize("reply", [slow(250), dripping, dripping_header, dripping_hints])
def test_slow_endpoint_times_out(reply: Reply) -> None:
    """Also where a byte comes now and then, which a read time-out never ends."""
    found = outcome(reply, timeout_s=0.5, max_retries=0)
    assert isinstance(found, Failure)
    assert found.code == "provider_unavailable"


def test_unreachable_endpoint_fails() -> None:
    """The address is named by the settings, the reason by the failure."""
    with HostileServer(answers()) as server:
        settings = settings_for(server, max_retries=0)
    (found,) = LlmAnalyzer(settings, "qwen").analyze([lyric()])
    assert isinstance(found, Failure)
    assert found.code == "provider_unavailable"


@pytest.mark.parametrize(
    "first", [error(500), error(429), error(429, headers={"retry-after": "0"}), cut, status(200, b"?")]
)
def test_temporary_error_is_retried(first: Reply) -> None:
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


def test_body_limit_fits_answers() -> None:
    """10 MB is refused while it comes, not after."""
    assert 1_000_000 < wire.MAX_BODY_BYTES < 10_000_000


def breaks_on_lyrics(reply: Reply) -> Reply:
    """A server that answers short questions, and every lyric with this."""

    def one(handler: Any) -> None:
        is_short = handler.asked.get("max_tokens") == 1
        (says("yes") if is_short else reply)(handler)

    return one


@pytest.mark.parametrize("reply", [slow(30), cut, error(500), error(502)])
def test_crashing_text_is_blamed(reply: Reply) -> None:
    """It counts as an attempt: a lyric that no server survives would stay due for ever."""
    found = outcome(breaks_on_lyrics(reply), timeout_s=3, max_retries=0)
    assert isinstance(found, Failure)
    assert (found.code, found.blames_text) == ("provider_unavailable", True)


@pytest.mark.parametrize("reply", [slow(30), cut, error(500), error(429), error(503)])
def test_outage_never_blames_text(reply: Reply) -> None:
    """The lyric stays due, and no attempt is counted."""
    found = outcome(reply, timeout_s=0.5, max_retries=0)
    assert isinstance(found, Failure)
    assert (found.code, found.blames_text) == ("provider_unavailable", False)


@pytest.mark.parametrize("reply", [error(429), error(503), error(500, headers={"retry-after": "1"})])
def test_busy_server_not_probed(reply: Reply) -> None:
    """A server that says wait is busy: what it would answer to others says nothing about the text."""
    found = outcome(breaks_on_lyrics(reply), max_retries=0)
    assert isinstance(found, Failure)
    assert (found.code, found.blames_text) == ("provider_unavailable", False)


@pytest.mark.parametrize("code", [429, 500])
def test_error_with_lone_surrogate(code: int) -> None:
    """A server that cuts a prompt inside an emoji: the reason can be stored, and the slot is free again."""
    broken = status(code, b'{"error": {"message": "cannot read \\ud83d", "type": "x", "code": "x"}}')
    with HostileServer(broken, broken, answers()) as server:
        analyzer = LlmAnalyzer(settings_for(server, max_retries=0, concurrency=1), "qwen")
        found = [analyzer.analyze([lyric()])[0] for _ in range(2)]
    first, second = found
    assert isinstance(first, Failure)
    assert first.code == "provider_unavailable"
    assert first.detail.encode()
    assert isinstance(second, Analysis | Failure)
