"""How much faster is the algorithmic analyzer here than at another commit, on the same machine in the same minute?

    python -m benchmarks.commits b1b6346 [--tracks 200] [--rounds 9] [--json]

The other commit is unpacked beside this tree. Each tree has a process of its own, at `nice 19`; they measure the same
texts in turn, ten at a time, so that what else the machine does slows both alike. Figures are CPU seconds of warm
caches; a round is one pass over all texts, and the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from statistics import median

_HERE = Path(__file__).resolve().parents[1]
_BATCH = 10
_CHILD = f"""
import sys, time
from benchmarks.lyrics import as_lyric, synthetic_lyrics
from rapray.analyzers import create
from rapray.config import Settings
lyrics = [as_lyric(text) for text in synthetic_lyrics(int(sys.argv[1]))]
analyzer = create("algorithmic", Settings())
analyzer.analyze(lyrics)
for start in map(int, sys.stdin):
    started = time.process_time()
    analyzer.analyze(lyrics[start : start + {_BATCH}])
    print(time.process_time() - started, flush=True)
"""


class _Tree:
    """A tree of sources and the process that measures with it."""

    def __init__(self, root: Path, tracks: int) -> None:
        command = ["nice", "-n", "19", sys.executable, "-c", _CHILD, str(tracks)]
        self._process = subprocess.Popen(
            command,
            cwd=root,
            env={"PYTHONPATH": str(root)},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def seconds(self, start: int) -> float:
        """CPU seconds for the batch of texts from `start` on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(start, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _rounds(before: _Tree, here: _Tree, tracks: int, rounds: int) -> tuple[list[float], list[float]]:
    """CPU seconds of each round at the other commit and here."""
    totals: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        batches = [(before.seconds(start), here.seconds(start)) for start in range(0, tracks, _BATCH)]
        for total, seconds in zip(totals, zip(*batches, strict=True), strict=True):
            total.append(sum(seconds))
    return totals


def main() -> None:
    """Measure and print the milliseconds a track and the ratio, or one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    archive = subprocess.run(
        ["git", "archive", options.commit], cwd=_HERE, check=True, capture_output=True
    ).stdout
    with tempfile.TemporaryDirectory() as directory:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(directory, filter="data")
        before, here = _Tree(Path(directory), options.tracks), _Tree(_HERE, options.tracks)
        seconds_before, seconds_here = _rounds(before, here, options.tracks, options.rounds)
        before.close()
        here.close()
    result = {
        "benchmark": "commits",
        "commit": options.commit,
        "ms_a_track_before": round(median(seconds_before) / options.tracks * 1e3, 2),
        "ms_a_track_here": round(median(seconds_here) / options.tracks * 1e3, 2),
        "ratio": round(median(seconds_before) / median(seconds_here), 3),
        "ratios": [round(b / h, 2) for b, h in zip(seconds_before, seconds_here, strict=True)],
    }
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
