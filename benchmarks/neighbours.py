"""Do tracks of like style lie close? How often the nearest of the sample songs is by the same artist, against chance.

Each `analysis_embedding` beside the vector that search by meaning uses, on the same songs: every English one, each text
once, by ten artists of clearly different styles. The style vector's scales come from these songs, which flatters it.

    python -m benchmarks.neighbours [--json]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.lyrics import as_lyric
from rapray.analyzers import create
from rapray.config import EmbeddingSettings, EmotionSettings, Settings
from rapray.domain import Analysis
from rapray.embeddings import load_embedder
from rapray.samples.corpus import SampleSong, songs

ANALYZERS = ("algorithmic", "emotion")


def vectors_by(name: str, chosen: Sequence[SampleSong]) -> list[tuple[float, ...]]:
    """The `analysis_embedding` of every song."""
    analyzer = create(name, Settings(emotion=EmotionSettings(model="builtin", device="cpu")))
    lyrics = [as_lyric(song.lyrics, str(song.id), song.title) for song in chosen]
    found = [outcome.embedding for outcome in analyzer.analyze(lyrics) if isinstance(outcome, Analysis)]
    return [vector for vector in found if vector is not None]


def closeness(vectors: ArrayLike, artists: Sequence[str]) -> dict[str, float]:
    """How the songs of an artist lie among those of the others.

    `nearest`, `nearest_3`: the share of nearest songs, of three nearest songs, by the same artist. `above`: how often a
    song of the same artist lies nearer than one of another (0.5 is chance).
    """
    values, by = np.asarray(vectors, np.float64), np.array(artists)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    itself = np.eye(len(by), dtype=bool)
    is_same = (by[:, None] == by[None]) & ~itself
    cosine = values @ values.T
    order = np.argsort(-np.where(itself, -np.inf, cosine), axis=1)
    same, other = cosine[is_same], cosine[~is_same & ~itself]
    return {
        "nearest": float((by[order[:, 0]] == by).mean()),
        "nearest_3": float((by[order[:, :3]] == by[:, None]).mean()),
        "above": float((same[:, None] > other[None]).mean()),
        "chance": float(is_same.sum(1).mean() / (len(by) - 1)),
    }


def main() -> None:
    """Print a table, or one JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chosen = [song for song in songs() if song.language == "en" and song.duplicate_of is None]
    artists = [song.artist for song in chosen]
    found = {name: closeness(vectors_by(name, chosen), artists) for name in ANALYZERS}
    meaning = load_embedder(EmbeddingSettings()).encode([song.lyrics for song in chosen])
    found["search by meaning"] = closeness(meaning, artists)
    if options.json:
        print(json.dumps({"benchmark": "neighbours", "songs": len(chosen), **found}))
        return
    print(f"{len(chosen)} songs by {len(set(artists))} artists")
    print(f"{'vector':18} {'nearest':>8} {'of three':>9} {'chance':>7} {'ratio':>6} {'above':>6}")
    for name, one in found.items():
        nearest, of_three, above, chance = one.values()
        print(f"{name:18} {nearest:8.2f} {of_three:9.2f} {chance:7.2f} {nearest / chance:6.1f} {above:6.2f}")


if __name__ == "__main__":
    main()
