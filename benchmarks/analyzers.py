"""How many tracks a second does each analyzer read, and how much of its server's speed reaches a language model's user?

One process, the same synthetic lyrics for each; a real language model gets the first of them alone, since it takes a
quarter of a minute for each. It is that of the tests, Gemma 3 270M on llama.cpp, on one thread with two slots; `qwen`
stands for every provider. Against it: a bare loop that posts the very requests that the analyzer sends (recorded
before) to the same server, as many at once, and reads nothing out of the answers. In turns, so that a busy machine
slows both; the server may reuse no prompt. What the model says means nothing.

The same once more with a server that answers in the same words after a tenth of a second, many at once: what a fast
model on an accelerator leaves to the analyzer's own work.

    python -m benchmarks.analyzers [--tracks 16] [--asked 2] [--rounds 1] [--at-once 16] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import httpx

from benchmarks.lyrics import as_lyric, synthetic_lyrics
from rapray.analyzers import create
from rapray.analyzers.base import Analyzer
from rapray.config import EmotionSettings, Settings
from rapray.config.settings import LlmSettings
from rapray.domain import Analysis, Lyric
from tests.support.hostile import HostileServer, answers, slow
from tests.support.llm_server import SHORT_ANSWERS, SLOTS, LanguageModelServer

COMPUTING = ("algorithmic", "emotion")
COMPUTING_ROUNDS = 5
QUICK_ANSWER_S = 0.1
QUICK_REQUESTS_EACH = 20
QUICK_ROUNDS = 5
TIMEOUT_S = 600


@dataclass(frozen=True)
class Pass:
    """All texts once: wall clock, answers, and the tokens that the model wrote."""

    seconds: float
    answers: int
    tokens: int = 0

    @property
    def tokens_per_second(self) -> float:
        """As a server counts."""
        return self.tokens / self.seconds


def settings_at(base_url: str, at_once: int) -> Settings:
    """The built-in emotion model, and the model's server behind `qwen`."""
    provider: dict[str, Any] = {
        "base_url": base_url,
        "needs_key": False,
        "context_tokens": 8192,
        "max_output_tokens": 3000,
        "timeout_s": TIMEOUT_S,
        "concurrency": at_once,
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
        create("qwen", settings_at(server.base_url, 1)).analyze(lyrics)
    return server.asked


def through_rapray(analyzer: Analyzer, lyrics: Sequence[Lyric]) -> Pass:
    """Every lyric through the analyzer; none may fail."""
    started = time.perf_counter()
    found = analyzer.analyze(lyrics)
    seconds = time.perf_counter() - started
    results = [outcome for outcome in found if isinstance(outcome, Analysis)]
    assert len(results) == len(lyrics), found
    return Pass(seconds, len(lyrics), sum(result.output_tokens or 0 for result in results))


def bare(base_url: str, bodies: Sequence[dict[str, Any]], at_once: int) -> Pass:
    """Every request by itself."""
    limits = httpx.Limits(max_connections=at_once)
    with httpx.Client(timeout=TIMEOUT_S, limits=limits) as client, ThreadPoolExecutor(at_once) as threads:

        def ask(body: dict[str, Any]) -> int:
            answer = client.post(f"{base_url}/chat/completions", json=body)
            return int(answer.raise_for_status().json()["usage"]["completion_tokens"])

        started = time.perf_counter()
        tokens = sum(threads.map(ask, bodies))
        return Pass(time.perf_counter() - started, len(bodies), tokens)


def compared(base_url: str, lyrics: Sequence[Lyric], at_once: int, rounds: int) -> dict[str, float]:
    """The analyzer beside the bare loop; medians over the rounds."""
    analyzer, bodies = create("qwen", settings_at(base_url, at_once)), requests_about(lyrics)
    bare(base_url, [{**bodies[0], "max_tokens": 1}], 1)  # the first request of a server is slow
    pairs = [(through_rapray(analyzer, lyrics), bare(base_url, bodies, at_once)) for _ in range(rounds)]
    return {
        "tracks_per_second": statistics.median(ours.answers / ours.seconds for ours, _ in pairs),
        "tokens_per_second": statistics.median(ours.tokens_per_second for ours, _ in pairs),
        "bare_tracks_per_second": statistics.median(theirs.answers / theirs.seconds for _, theirs in pairs),
        "bare_tokens_per_second": statistics.median(theirs.tokens_per_second for _, theirs in pairs),
        # Of tokens, not of tracks: a model does not write the same twice where its slots share a batch.
        "share": statistics.median(
            ours.tokens_per_second / theirs.tokens_per_second for ours, theirs in pairs
        ),
    }


def computed(name: str, lyrics: Sequence[Lyric]) -> float:
    """Tracks a second, the median of several passes after a warm one."""
    analyzer = create(name, settings_at("http://127.0.0.1:1/v1", 1))
    passes = [through_rapray(analyzer, lyrics).seconds for _ in range(COMPUTING_ROUNDS + 1)][1:]
    return len(lyrics) / statistics.median(passes)


@contextmanager
def quick_server() -> Iterator[str]:
    """The address of a server in a process of its own that answers soon and in the same words."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve_quickly, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.kill()
        process.join()


def _serve_quickly(parent: Connection) -> None:
    with HostileServer(slow(QUICK_ANSWER_S)) as server:
        parent.send(server.base_url)
        parent.recv()  # never: the parent ends this process


def main() -> None:
    """Measure and print a table, or one JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=int, default=16)
    parser.add_argument("--asked", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1, help="of the real model; each is a minute")
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    lyrics = [as_lyric(text, str(number)) for number, text in enumerate(synthetic_lyrics(options.tracks))]
    rates = {name: computed(name, lyrics) for name in COMPUTING}
    with quick_server() as address:
        many = (lyrics * (options.at_once * QUICK_REQUESTS_EACH))[: options.at_once * QUICK_REQUESTS_EACH]
        quick = compared(address, many, options.at_once, QUICK_ROUNDS)
    with LanguageModelServer() as server:
        model = compared(server.base_url, lyrics[: options.asked], SLOTS, options.rounds)
    if options.json:
        print(json.dumps({"benchmark": "analyzers", **rates, "qwen": model, "qwen_quick": quick}))
        return
    for name, rate in rates.items():
        print(f"{name:30} {rate:8.2f} tracks/s")
    for name, one in {
        "qwen, a model of 270M": model,
        f"qwen, quick, {options.at_once} at once": quick,
    }.items():
        print(
            f"{name:30} {one['tracks_per_second']:8.2f} tracks/s {one['tokens_per_second']:8.1f} tokens/s   bare loop "
            f"{one['bare_tracks_per_second']:.2f} tracks/s {one['bare_tokens_per_second']:.1f} tokens/s   "
            f"share {one['share']:.2f}"
        )


if __name__ == "__main__":
    main()
