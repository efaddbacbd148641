"""How many tracks a second does the algorithmic analyzer measure, and how does its time grow with length?

    python -m benchmarks.algorithmic [--tracks 1000] [--json]

Texts: `benchmarks.lyrics`. Worker processes are warm before the clock starts; the first, cold pass is shown too.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from concurrent.futures import ProcessPoolExecutor

from benchmarks.lyrics import as_lyric, lyric_of, synthetic_lyrics
from rapray.analyzers import create
from rapray.config import Settings
from rapray.domain import Analysis, Lyric

_LENGTHS = (500, 2_000, 10_000, 50_000, 200_000)  # words; the last is a megabyte
_CHUNK = 64


def _seconds(batch: list[Lyric]) -> float:
    analyzer = create("algorithmic", Settings())
    started = time.perf_counter()
    found = analyzer.analyze(batch)
    elapsed = time.perf_counter() - started
    assert all(isinstance(outcome, Analysis) for outcome in found)
    return elapsed


def _cpu_seconds(batch: list[Lyric]) -> float:
    """Processor time, the figure to compare where the machine is busy with other things."""
    started = time.process_time()
    _seconds(batch)
    return time.process_time() - started


def _rate_of_processes(batch: list[Lyric], processes: int) -> float:
    chunks = [batch[start : start + _CHUNK] for start in range(0, len(batch), _CHUNK)]
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(_seconds, chunks))  # warm: dictionary and word cache
        started = time.perf_counter()
        list(pool.map(_seconds, chunks))
        return len(batch) / (time.perf_counter() - started)


def _curve() -> list[dict[str, float]]:
    rows: list[dict[str, float]] = []
    for count in _LENGTHS:
        lyric = as_lyric(lyric_of(count))
        seconds = _seconds([lyric])
        rows.append({"words": count, "characters": len(lyric.lyrics), "seconds": round(seconds, 4)})
    return rows


def main() -> None:
    """Measure and print a table, or one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    batch = [as_lyric(text) for text in synthetic_lyrics(options.tracks)]
    result = {
        "benchmark": "algorithmic",
        "machine": f"{platform.machine()} {platform.python_version()}",
        "tracks": len(batch),
        "cold_tracks_per_second": round(len(batch) / _seconds(batch), 1),
        "one_process_tracks_per_second": round(len(batch) / _seconds(batch), 1),
        "tracks_per_cpu_second": round(len(batch) / _cpu_seconds(batch), 1),
        "two_processes_tracks_per_second": round(_rate_of_processes(batch, 2), 1),
        "length": _curve(),
    }
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        if name != "length":
            print(f"{name:34} {value}")
    print(f"\n{'words':>8} {'characters':>11} {'seconds':>9} {'µs a word':>10}")
    for row in result["length"]:
        print(
            f"{row['words']:8} {row['characters']:11} {row['seconds']:9.3f} {row['seconds'] / row['words'] * 1e6:10.1f}"
        )


if __name__ == "__main__":
    main()
