"""What does the way over HTTP cost an analysis, against calling the analyzer in the same process?

`POST /analyze` with the algorithmic analyzer through Ray Serve as `rapray serve` starts it (proxy, ingress, analyzer),
held to one replica, beside `analyzer.analyze([lyric])` in this process: one text after the other in turns, so that a
busy machine slows both. No text comes twice, so every request misses the cache; then the same texts once more, which
hit it. At last as many requests at once as `--at-once`, with texts of their own. The request has the raw text: the
ingress cleans it, splits it and finds its language, which the call in the process is spared.

    python -m benchmarks.http_path [--texts 200] [--at-once 8] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from functools import partial
from typing import Any

import httpx
from pydantic import SecretStr

from benchmarks.database import fresh_servers
from benchmarks.lyrics import as_lyric, synthetic_lyrics
from benchmarks.timing import seconds, spread_of
from rapray.analyzers import create
from rapray.config import DatabaseSettings, RedisSettings, ServeSettings, Settings
from rapray.domain import Analysis
from tests.support.serving import free_port, local_ray

NAME = "algorithmic"
WARM_TEXTS = 50  # word caches fill on both sides
ONE_REPLICA: dict[str, Any] = {NAME: {"autoscaling_config": {"min_replicas": 1, "max_replicas": 1}}}


@contextmanager
def serving() -> Iterator[str]:
    """The address of a served application on a Ray of its own."""
    from rapray.serve.app import served

    with fresh_servers() as servers:
        settings = Settings(
            database=DatabaseSettings(url=SecretStr(servers.database_url)),
            redis=RedisSettings(url=SecretStr(servers.redis_url or "")),
            serve=ServeSettings(port=free_port(), analyzers=(NAME,)),
        )
        with local_ray(2), served(settings, ONE_REPLICA) as address:
            yield address


def post(client: httpx.Client, text: str, cache: str) -> None:
    """One request; its answer must have come from where it is meant to."""
    answer = client.post("/analyze", json={"lyrics": text, "analyzers": [NAME]})
    assert answer.raise_for_status().headers["x-cache"] == cache, answer.headers


def in_process(texts: Sequence[str]) -> Callable[[str], None]:
    """A call of the analyzer with a text that has been prepared before."""
    analyzer = create(NAME, Settings())
    lyrics = {text: as_lyric(text) for text in texts}

    def analyze(text: str) -> None:
        (outcome,) = analyzer.analyze([lyrics[text]])
        assert isinstance(outcome, Analysis)

    return analyze


def rate_of(run: Callable[[str], object], texts: Sequence[str], at_once: int) -> float:
    """Texts a second with so many at once."""
    with ThreadPoolExecutor(at_once) as threads:
        started = time.perf_counter()
        list(threads.map(run, texts))
        return len(texts) / (time.perf_counter() - started)


def measure(address: str, texts: int, at_once: int) -> dict[str, Any]:
    """Both ways over the same texts."""
    made = list(synthetic_lyrics(WARM_TEXTS + 2 * texts))
    warm, single, crowd = made[:WARM_TEXTS], made[WARM_TEXTS:-texts], made[-texts:]
    analyze = in_process(made)
    with httpx.Client(base_url=address, timeout=60) as client:
        for text in warm:
            analyze(text)
            post(client, text, "miss")
        pairs = [
            (seconds(partial(analyze, text)), seconds(partial(post, client, text, "miss"))) for text in single
        ]
        hits = [seconds(partial(post, client, text, "hit")) for text in single]
        over_http = rate_of(lambda text: post(client, text, "miss"), crowd, at_once)
        alone = rate_of(analyze, crowd, 1)
    called, asked = ([pair[side] for pair in pairs] for side in (0, 1))
    return {
        "texts": texts,
        "in_process": spread_of(called),
        "http": spread_of(asked),
        "http_hit": spread_of(hits),
        "more_each_p50_ms": 1000 * statistics.median(b - a for a, b in pairs),
        "ratio_p50": statistics.median(asked) / statistics.median(called),
        "at_once": at_once,
        "http_texts_per_second": over_http,
        "in_process_texts_per_second": alone,
    }


def main() -> None:
    """Print a table, or one JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with redirect_stdout(sys.stderr), serving() as address:  # Ray prints its raylet's troubles there
        found = measure(address, options.texts, options.at_once)
    if options.json:
        print(json.dumps({"benchmark": "http_path", **found}))
        return
    for name in ("in_process", "http", "http_hit"):
        p50, p95 = found[name].values()
        print(f"{name:12} one at a time   p50 {p50:7.2f} ms   p95 {p95:7.2f} ms")
    more, ratio = found["more_each_p50_ms"], found["ratio_p50"]
    print(f"over HTTP    {more:.2f} ms more a text, {ratio:.2f} x the time")
    over_http, alone = found["http_texts_per_second"], found["in_process_texts_per_second"]
    print(
        f"{found['at_once']} at once    {over_http:.1f} texts/s over HTTP; one by one in process {alone:.1f}"
    )


if __name__ == "__main__":
    main()
