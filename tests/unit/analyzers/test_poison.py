"""Poisoned lyrics beside good ones in one batch: each ends by itself, and its neighbours notice nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rapray.analyzers import create
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric
from rapray.samples.corpus import songs
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections
from tests.support.hostile import HostileServer, describing
from tests.support.model_results import assert_same_results, dtype_of

GOOD = {song.title: song.lyrics for song in songs()[:3]}
POISON = {
    "a quarter megabyte": "\n".join(song.lyrics for song in songs())[:15_000] * 17,
    "one token": "la " * 50_000,
    "one word": "la" * 50_000,
    "one line each": "la\n" * 5_000,
    "control characters": "\x00\x01 red \x1b[31m alert \x07 \x7f \u202e of the \u200b night",
    "a lone surrogate": "I light the night \ud800 and hold it tight",
    "no letter": "\x00\x01\x02 … \u200b",
    "nothing": "",
}
# What no analyzer can read; the rest is read by those that do not name it here.
EMPTY = {"no letter": "lyrics_empty", "nothing": "lyrics_empty"}
FAILS = {
    "algorithmic": EMPTY,
    "emotion": {**EMPTY, "a lone surrogate": "lyrics_invalid"},
    "qwen": {**EMPTY, **dict.fromkeys(("a quarter megabyte", "one token", "one word"), "lyrics_too_long")},
}


def lyric(title: str, text: str) -> Lyric:
    """A text as the analyzer gets it."""
    digest = content_hash(text.encode("utf-8", "replace").decode())
    return Lyric(title, text, split_sections(text), digest, title)


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """The built-in emotion model, and a language model that gives each text an answer of its own."""
    with HostileServer(describing) as server:
        provider = {"base_url": server.base_url, "api_key": "k", "logprobs": False, "max_retries": 0}
        providers = {"qwen": {**provider, "max_parts": 1}}
        yield Settings.model_validate(
            {"redis": {"enabled": False}, "emotion": {"model": "builtin"}, "llm": {"providers": providers}}
        )


@pytest.mark.parametrize("name", ["algorithmic", "emotion", "qwen"])
def test_poisoned_lyric_fails_alone(settings: Settings, name: str) -> None:
    """Every text has its own outcome in the order of the batch; the good ones have what they have without the poison."""
    if name != "algorithmic":
        pytest.importorskip({"emotion": "torch", "qwen": "openai"}[name])
    good = [lyric(title, text) for title, text in GOOD.items()]
    poison = [lyric(title, text) for title, text in POISON.items()]
    assert len(POISON["a quarter megabyte"]) > 250_000
    mixed = [good[0], *poison[:4], good[1], *poison[4:], good[2]]
    analyzer = create(name, settings)
    alone = analyzer.analyze(good)
    assert all(isinstance(outcome, Analysis) for outcome in alone), alone
    outcomes = analyzer.analyze(mixed)
    assert [outcome.key for outcome in outcomes] == [one.key for one in mixed]
    ends = {outcome.key: outcome for outcome in outcomes}
    assert_same_results([ends[title] for title in GOOD], alone, dtype_of(settings.emotion))
    codes = {title: one.code for title, one in ends.items() if isinstance(one, Failure)}
    assert codes == FAILS[name]
