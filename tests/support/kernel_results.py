"""Computes the same texts in one process with every model, number format and batch shape, and writes all of it.

    python -m tests.support.kernel_results OUT.npz

The libraries read their variables when a process starts, so each set of kernels is a process of its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rapray.analyzers import create
from rapray.analyzers.base import to_json
from rapray.analyzers.emotion_builtin import BuiltinEmotionModel
from rapray.config import EmbeddingSettings, EmotionSettings, Settings
from rapray.domain import Analysis, Lyric
from rapray.embeddings import load_embedder
from rapray.samples.corpus import songs
from rapray.text.sections import split_sections
from tests.support.model_results import dtype_of

# Two that pad to the same length and share a batch, one of a single token, one of several lines.
TEXTS = (
    "rain",
    "I walk the block with a notebook and a dream",
    "They said I would never make it to the end",
    "Glass half full and I'm sipping it slow\nno one on the corner but the moon and the snow\nso we go, so we go",
)
DTYPES = ("float32", "bfloat16")
SONGS = 3


def main(out: Path) -> None:
    """Write vectors and probabilities as arrays, and what rules say of some songs as the bytes of JSON."""
    arrays: dict[str, NDArray[Any]] = {
        "rules": np.frombuffer(_rules().encode(), np.uint8),
        "kernels": np.array(
            [torch.backends.cpu.get_cpu_capability(), dtype_of(EmbeddingSettings(device="cpu"))]
        ),
    }
    texts = list(TEXTS)
    for dtype in DTYPES:
        embedder = load_embedder(EmbeddingSettings(dtype=dtype, device="cpu"))
        emotions = BuiltinEmotionModel(EmotionSettings(dtype=dtype, device="cpu"))
        for name, compute in (("vectors", embedder.encode), ("probabilities", emotions.classify)):
            arrays[f"{name} {dtype} together"] = compute(texts)
            arrays[f"{name} {dtype} single"] = np.concatenate([compute([text]) for text in texts])
            # Each text twice, so that batches have other shapes.
            arrays[f"{name} {dtype} crowded"] = compute(texts * 2)[len(texts) :]
    np.savez(out, **arrays)  # pyright: ignore


def _rules() -> str:
    lyrics = [
        Lyric(str(song.id), song.lyrics, split_sections(song.lyrics), "hash", song.title)
        for song in songs()[:SONGS]
    ]
    outcomes = create("algorithmic", Settings()).analyze(lyrics)
    results = [
        to_json(outcome, include_embedding=True) for outcome in outcomes if isinstance(outcome, Analysis)
    ]
    assert len(results) == SONGS
    return json.dumps([{**result, "seconds": None} for result in results])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
