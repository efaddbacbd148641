"""How fast does rapray read emotions, against transformers' own pipeline with the same model on the same texts?

A model of about distilroberta's size (6 layers, 768 wide, 67 million weights; the default one has more only in its
vocabulary) with random weights: what it says means nothing, what it costs is what the default model costs. A B A B in
one process, ratio of medians. Three comparisons:

* sections: every text fits the window, so both do the same work on the same strings;
* float32: the same with rapray held to float32 too, so that the ratio shows batching and threads alone;
* tracks: the analyzer (whole text, arc, vector) against one pipeline call a track, which cuts at the window. Not the
  same work; printed because it is what a user would call.

and how many tracks a second the built-in model reads.

    python -m benchmarks.emotion [--lyrics 24] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, DistilBertConfig, DistilBertForSequenceClassification, pipeline

from benchmarks.lyrics import as_lyric, synthetic_lyrics
from benchmarks.timing import seconds
from rapray.analyzers.emotion import EmotionAnalyzer
from rapray.analyzers.emotion_choice import load_emotion_model
from rapray.config import EmotionSettings, Settings
from rapray.embeddings.builtin import packaged_folder
from rapray.embeddings.passages import passages
from rapray.ml.labelled import EKMAN

CORES = torch.get_num_threads()


def median_seconds(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median seconds of both, taken in turn so that a busy machine slows both; a first round warms up."""
    pairs = [(on_threads(1, ours), on_threads(CORES, theirs)) for _ in range(rounds + 1)][1:]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def on_threads(threads: int, run: Callable[[], object]) -> float:
    """Seconds of one call; rapray gives torch one thread and uses threads of its own, the pipeline gets them all."""
    torch.set_num_threads(threads)
    return seconds(run)


def make_model(folder: Path) -> str:
    """A model of distilroberta's size with random weights and MiniLM's word pieces."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(packaged_folder())
    tokenizer.model_max_length = 512
    config = DistilBertConfig(
        id2label=dict(enumerate(EKMAN)), label2id={label: n for n, label in enumerate(EKMAN)}
    )
    DistilBertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def main() -> None:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lyrics", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    lyrics = [as_lyric(text, str(n)) for n, text in enumerate(synthetic_lyrics(arguments.lyrics, seed=1))]
    # A chorus once: rapray reads a text that comes back once, which would flatter it here.
    sections = list(dict.fromkeys(p.text for lyric in lyrics for p in passages(lyric)[1:]))
    whole = [passages(lyric)[0].text for lyric in lyrics]
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = make_model(Path(place))
        reference = pipeline("text-classification", folder, device="cpu", top_k=None, truncation=True)
        settings = EmotionSettings(model=folder, device="cpu")
        model = load_emotion_model(settings)
        exact = load_emotion_model(settings.model_copy(update={"dtype": "float32"}))
        analyzer = EmotionAnalyzer(Settings(emotion=settings))
        expected = [{a["label"]: a["score"] for a in answers} for answers in reference(sections)]
        scores = np.array([[answers[label] for label in EKMAN] for answers in expected])
        for name, count, ours, theirs, note in (
            (
                "sections",
                len(sections),
                lambda: model.classify(sections),
                lambda: reference(sections),
                f"greatest difference {np.abs(model.classify(sections) - scores).max():.4f}",
            ),
            (
                "float32",
                len(sections),
                lambda: exact.classify(sections),
                lambda: reference(sections),
                f"greatest difference {np.abs(exact.classify(sections) - scores).max():.6f}",
            ),
            (
                "tracks",
                len(lyrics),
                lambda: analyzer.analyze(lyrics),
                lambda: reference(whole),
                "the pipeline drops all beyond 512 tokens",
            ),
        ):
            fast, slow = median_seconds(ours, theirs, arguments.rounds)
            found |= {
                f"{name}_rapray": count / fast,
                f"{name}_pipeline": count / slow,
                f"{name}_ratio": slow / fast,
            }
            print(
                f"{name:9} {count:4} texts   rapray {count / fast:7.1f}/s   pipeline {count / slow:7.1f}/s"
                f"   ratio {slow / fast:5.2f}   {note}",
                flush=True,
            )
    builtin = EmotionAnalyzer(Settings(emotion=EmotionSettings(model="builtin", device="cpu")))
    fast = statistics.median(
        on_threads(1, lambda: builtin.analyze(lyrics)) for _ in range(arguments.rounds + 1)
    )
    found["builtin_tracks"] = len(lyrics) / fast
    print(f"built-in  {len(lyrics):4} tracks  rapray {len(lyrics) / fast:7.1f}/s")
    if arguments.json:
        print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main()
