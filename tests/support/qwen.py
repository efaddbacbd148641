"""The analyzer `qwen`, asked about one lyric by an endpoint that plays a script."""

from __future__ import annotations

from typing import Any

from rapray.analyzers.llm.analyzer import LlmAnalyzer
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections
from tests.support.hostile import HostileServer, Reply

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
