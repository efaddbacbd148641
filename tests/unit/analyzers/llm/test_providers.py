"""A provider of a language model: its settings, its key, and when it is left alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from rapray.analyzers.llm.analyzer import LlmAnalyzer, identify, preflight
from rapray.config import Settings
from rapray.domain import Analysis, Failure
from rapray.errors import (
    ConfigError,
    ProviderNotConfigured,
    ProviderQuotaExceeded,
    ProviderRefused,
    ProviderRejected,
    ProviderUnavailable,
)
from tests.support.hostile import HostileServer, Reply, answers, error
from tests.support.qwen import TEXT, lyric, settings_for


def test_unconfigured_provider_names_setting() -> None:
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
def test_preflight_errors_exit_4(reply: Reply, kind: type[Exception]) -> None:
    """All of them end a command with exit code 4."""
    with HostileServer(reply) as server, pytest.raises(kind) as caught:
        preflight(settings_for(server), "qwen")
    assert getattr(caught.value, "exit_code", None) == 4
    assert "sk-very-secret" not in str(caught.value)


def test_preflight_rejects_small_context() -> None:
    """Whatever the titles are, no lyric fails for it later."""
    with HostileServer(answers()) as server, pytest.raises(ConfigError, match="context_tokens: at least"):
        preflight(settings_for(server, context_tokens=4096), "qwen")
    assert not server.asked
    with HostileServer(answers()) as server:
        with pytest.raises(ConfigError) as caught:
            preflight(settings_for(server, context_tokens=5000), "qwen")
        least = int(re.findall("at least ([0-9]+)", str(caught.value))[0])
        settings = settings_for(server, context_tokens=least)
        preflight(settings, "qwen")
        long_title = replace(lyric(), title="\N{MUSICAL SYMBOL G CLEF}" * 1000)
        assert isinstance(LlmAnalyzer(settings, "qwen").analyze([long_title])[0], Analysis)


def test_key_only_in_header() -> None:
    """The key travels in the header alone."""
    with HostileServer(answers()) as server:
        LlmAnalyzer(settings_for(server), "qwen").analyze([lyric()])
        headers = {name.lower(): value for name, value in server.headers[0].items()}
        assert "sk-very-secret" not in json.dumps(server.asked)
    assert headers["authorization"] == "Bearer sk-very-secret"


def test_revoked_key_pauses_provider() -> None:
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


def test_failing_provider_is_paused() -> None:
    """The breaker opens, by short questions too; the requests that are not sent cost nobody anything."""
    with HostileServer(error(500)) as server:
        analyzer = LlmAnalyzer(settings_for(server, max_retries=0, max_wait_s=0), "qwen")
        found = [analyzer.analyze([lyric(TEXT, str(n))])[0] for n in range(8)]
        assert len(server.asked) == 5
    codes = [one.code for one in found if isinstance(one, Failure)]
    assert codes == ["provider_unavailable"] * 3 + ["provider_paused"] * 5


def test_extra_body_reaches_request() -> None:
    """Members that only one API knows are a matter of configuration."""
    with HostileServer(answers()) as server:
        LlmAnalyzer(settings_for(server, extra_body={"enable_thinking": False}), "qwen").analyze([lyric()])
        assert server.asked[0]["enable_thinking"] is False
        assert server.asked[0]["temperature"] == 0


def test_extra_body_secret_hidden() -> None:
    """A server that repeats the request tells it to nobody."""
    reply = error(400, "not allowed: {'proxy_key': 'another-secret'}")
    with HostileServer(reply) as server:
        settings = settings_for(server, extra_body={"proxy_key": "another-secret"})
        (found,) = LlmAnalyzer(settings, "qwen").analyze([lyric()])
        assert server.asked[0]["proxy_key"] == "another-secret"
    assert isinstance(found, Failure)
    assert "proxy_key" in found.detail
    assert "another-secret" not in found.detail
