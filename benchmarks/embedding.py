"""How much faster does rapray embed than sentence-transformers with its defaults, and how equal are the vectors?

Three comparisons over the same synthetic lyrics, A B A B in one process, ratio of medians:

* sections: every text fits the window, so both do the same work on the same strings;
* windows: whole lyrics cut into windows of at most 254 tokens, the longest that sentence-transformers reads whole;
* tracks: `embed_lyrics` (every section and the whole track, nothing cut) against one vector for each track, which
  sentence-transformers cuts at 256 tokens. Not the same work; printed because it is what a user would call.

    python -m benchmarks.embedding [--lyrics 64] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from benchmarks.lyrics import as_lyric, synthetic_lyrics
from rapray.config import EmbeddingSettings
from rapray.embeddings import Embedder, embed_lyrics, load_embedder, passages
from rapray.embeddings.builtin import packaged_folder
from rapray.embeddings.windows import windows

CORES = torch.get_num_threads()


@dataclass(frozen=True)
class Cost:
    """Median seconds of both sides: on the clock, and of processor time, which other programs disturb less."""

    wall: tuple[float, float]
    cpu: tuple[float, float]


def seconds(run: Callable[[], object]) -> tuple[float, float]:
    """Wall clock and processor time of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def alternate(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> Cost:
    """Median seconds of both, taken in turn so that a busy machine slows both; a first round warms up."""
    pairs = [(seconds(ours), seconds(with_all_cores(theirs))) for _ in range(rounds + 1)][1:]
    wall, cpu = (
        (statistics.median(a[clock] for a, _ in pairs), statistics.median(b[clock] for _, b in pairs))
        for clock in (0, 1)
    )
    return Cost(wall, cpu)


def with_all_cores(theirs: Callable[[], object]) -> Callable[[], object]:
    """Give torch its default number of threads back: rapray's model sets it to one and uses threads of its own."""

    def run() -> object:
        torch.set_num_threads(CORES)
        try:
            return theirs()
        finally:
            torch.set_num_threads(1)

    return run


def cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of each pair of rows."""
    return (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def report(name: str, unit: str, count: int, *, tokens: int, timed: Cost, note: str) -> None:
    """Print one comparison."""
    ours, theirs = timed.wall
    print(
        f"{name:9} {count:5} texts, {tokens / count:4.0f} tokens each   rapray {count / ours:7.1f} {unit}/s"
        f"   sentence-transformers {count / theirs:7.1f} {unit}/s   ratio {theirs / ours:5.2f}"
        f" (of processor time {timed.cpu[1] / timed.cpu[0]:.2f})   {note}",
        flush=True,
    )


def compare_texts(
    name: str, texts: Sequence[str], embedder: Embedder, reference: SentenceTransformer, rounds: int
) -> None:
    """Compare on texts that both read whole."""
    counts = embedder.count_tokens(texts)
    assert max(counts) <= embedder.max_tokens, "sentence-transformers would cut"
    least = float(cosines(embedder.encode(texts), reference.encode(list(texts))).min())
    timed = alternate(lambda: embedder.encode(texts), lambda: reference.encode(list(texts)), rounds)
    report(
        name,
        "texts",
        len(texts),
        tokens=sum(counts),
        timed=timed,
        note=f"least cosine to its fp32 {least:.5f}",
    )


def main() -> None:
    """Run the three comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lyrics", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    embedder = load_embedder(EmbeddingSettings(device="cpu"))
    reference = SentenceTransformer(str(packaged_folder()), device="cpu")
    lyrics = [
        as_lyric(text, str(number), f"Track {number}")
        for number, text in enumerate(synthetic_lyrics(arguments.lyrics, seed=1))
    ]
    whole = [passages(lyric)[0].text for lyric in lyrics]
    sections = [passage.text for lyric in lyrics for passage in passages(lyric)[1:]]
    cut = [
        window.text
        for text, count in zip(whole, embedder.count_tokens(whole), strict=True)
        for window in windows(text, count, embedder.count_tokens, embedder.max_tokens)
    ]
    fitting = [text for text, n in zip(sections, embedder.count_tokens(sections), strict=True) if n <= 254]
    compare_texts("sections", fitting, embedder, reference, arguments.rounds)
    compare_texts("windows", cut, embedder, reference, arguments.rounds)
    timed = alternate(
        lambda: embed_lyrics(embedder, lyrics), lambda: reference.encode(whole), arguments.rounds
    )
    tokens = sum(embedder.count_tokens(whole))
    note = "sentence-transformers drops all beyond 256 tokens"
    report("tracks", "tracks", len(lyrics), tokens=tokens, timed=timed, note=note)


if __name__ == "__main__":
    main()
