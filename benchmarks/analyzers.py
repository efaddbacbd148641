"""How many tracks a second does each analyzer read, and how much of its server's speed reaches a language model's user?

One process, the same synthetic lyrics for each. The language model is that of the tests, Gemma 3 270M on llama.cpp, on
one thread with two slots; `qwen` stands for every provider. Against it: a bare loop that posts the very requests that
the analyzer sends (recorded before) to the same server, as many at once, and reads nothing out of the answers. In
turns, so that a busy machine slows both; the server may reuse no prompt. What the model says means nothing.

    python -m benchmarks.analyzers [--tracks 4] [--rounds 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.lyrics import synthetic_lyrics
from rapray.analyzers import create
from rapray.analyzers.base import Analyzer
from rapray.config import EmotionSettings, Settings
from rapray.config.settings import LlmSettings
from rapray.domain import Analysis, Lyric
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections
from tests.support.hostile import HostileServer, answers
from tests.support.llm_server import SHORT_ANSWERS, SLOTS, LanguageModelServer

COMPUTING = ("algorithmic", "emotion")
COMPUTING_ROUNDS = 5
TIMEOUT_S = 600


@dataclass(frozen=True)
class Pass:
    """All texts once: wall clock, and the tokens that the model wrote."""

    seconds: float
    tokens: int = 0


def settings_at(base_url: str) -> Settings:
    """The built-in emotion model, and the model's server behind `qwen`."""
    provider: dict[str, Any] = {
        "base_url": base_url,
        "needs_key": False,
        "context_tokens": 8192,
        "max_output_tokens": 3000,
        "timeout_s": TIMEOUT_S,
        "concurrency": SLOTS,
        "extra_body": {**SHORT_ANSWERS, "cache_prompt": False},
    }
    return Settings.model_validate(
        {
            "redis": {"enabled": False},
            "emotion": EmotionSettings(model="builtin", device="cpu"),
            "llm": LlmSettings.model_validate({"providers": {"qwen": provider}}),
        }
    )


def requests_about(lyrics: Sequence[Lyric]) -> list[dict[str, Any]]:
    """The bodies that the analyzer sends, as a server that notes them down receives them."""
    with HostileServer(answers()) as server:
        create("qwen", settings_at(server.base_url)).analyze(lyrics)
    return server.asked


def through_rapray(analyzer: Analyzer, lyrics: Sequence[Lyric]) -> Pass:
    """Every lyric through the analyzer; none may fail."""
    started = time.perf_counter()
    found = analyzer.analyze(lyrics)
    seconds = time.perf_counter() - started
    results = [outcome for outcome in found if isinstance(outcome, Analysis)]
    assert len(results) == len(lyrics), found
    return Pass(seconds, sum(result.output_tokens or 0 for result in results))


def bare(base_url: str, bodies: Sequence[dict[str, Any]]) -> Pass:
    """Every request by itself."""
    with httpx.Client(timeout=TIMEOUT_S) as client, ThreadPoolExecutor(SLOTS) as threads:

        def ask(body: dict[str, Any]) -> int:
            answer = client.post(f"{base_url}/chat/completions", json=body)
            return int(answer.raise_for_status().json()["usage"]["completion_tokens"])

        started = time.perf_counter()
        tokens = sum(threads.map(ask, bodies))
        return Pass(time.perf_counter() - started, tokens)


def computed(name: str, settings: Settings, lyrics: Sequence[Lyric]) -> float:
    """Tracks a second, the median of several passes after a warm one."""
    analyzer = create(name, settings)
    passes = [through_rapray(analyzer, lyrics).seconds for _ in range(COMPUTING_ROUNDS + 1)][1:]
    return len(lyrics) / statistics.median(passes)


def asked(settings: Settings, base_url: str, lyrics: Sequence[Lyric], rounds: int) -> dict[str, float]:
    """A language model's figures; medians over the rounds."""
    analyzer, bodies = create("qwen", settings), requests_about(lyrics)
    bare(base_url, bodies[:1])  # the first request of a server is slow
    pairs = [(through_rapray(analyzer, lyrics), bare(base_url, bodies)) for _ in range(rounds)]
    ours = statistics.median(one.tokens / one.seconds for one, _ in pairs)
    theirs = statistics.median(one.tokens / one.seconds for _, one in pairs)
    return {
        "tracks_per_second": len(lyrics) / statistics.median(one.seconds for one, _ in pairs),
        "tokens_per_second": ours,
        "bare_tokens_per_second": theirs,
        "share_of_bare": statistics.median((a.tokens / a.seconds) / (b.tokens / b.seconds) for a, b in pairs),
        "tokens_a_track": statistics.median(one.tokens for one, _ in pairs) / len(lyrics),
    }


def main() -> None:
    """Measure and print a table, or one JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    lyrics = [
        Lyric(str(number), text, split_sections(text), content_hash(text))
        for number, text in enumerate(synthetic_lyrics(options.tracks))
    ]
    with LanguageModelServer() as server:
        settings = settings_at(server.base_url)
        model = asked(settings, server.base_url, lyrics, options.rounds)
    found = {name: computed(name, settings, lyrics) for name in COMPUTING}
    if options.json:
        rates = {name: round(rate, 2) for name, rate in found.items()}
        shown = {name: round(value, 3) for name, value in model.items()}
        print(json.dumps({"benchmark": "analyzers", "tracks": len(lyrics), **rates, "qwen": shown}))
        return
    for name, rate in {**found, "qwen": model["tracks_per_second"]}.items():
        print(f"{name:12} {rate:8.2f} tracks/s")
    print(
        f"{'qwen':12} {model['tokens_per_second']:8.2f} tokens/s   a bare loop of the same requests "
        f"{model['bare_tokens_per_second']:.2f} tokens/s   share {model['share_of_bare']:.2f}   "
        f"{model['tokens_a_track']:.0f} tokens a track"
    )


if __name__ == "__main__":
    main()
