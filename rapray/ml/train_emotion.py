"""Trains the built-in emotion model: low-rank changes to MiniLM's upper layers and a head, from labelled sentences.

Knows nothing of lyrics. The same seed on the same host gives a model with the same probabilities, within the
tolerance of models (`rapray/embeddings/README.md`). It takes about ten minutes of one core with bfloat16 for
43,000 sentences.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from tokenizers import Tokenizer

from rapray.analyzers.emotion_builtin import WEIGHTS, WINDOW, BuiltinEmotionModel
from rapray.config import EmotionSettings
from rapray.embeddings.builtin import MODEL as ENCODER
from rapray.embeddings.builtin import check_weights, load_network, packaged_folder
from rapray.embeddings.precision import pick_dtype
from rapray.errors import UsageError
from rapray.ml.adapters import Adapted, States, equal_lengths, lower_states
from rapray.ml.calibration import platt
from rapray.ml.card import CARD, card
from rapray.ml.labelled import Labelled
from rapray.ml.scores import best_thresholds, calibration_error, decide, dominant_calibration_error, f1

_WARM_UP = 100  # steps until the learning rate is whole
_REPORT_EVERY = 100
_CPU = EmotionSettings(device="cpu")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What was chosen on the dev file: how much is changed, and how fast.

    Layers from `first` get changes of this `rank`; `held_share` of the training sentences is kept for calibration.
    """

    first: int = 2
    rank: int = 16
    epochs: int = 3
    batch: int = 64
    learning_rate: float = 1e-3
    held_share: float = 0.1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What came out: the file's hash, and on the dev file F1 and calibration error of each label.

    `sentences` trained, `held` calibrated; `share` of the former have a label. `precision` is what was computed in.

    `macro_f1` is with thresholds from held-out training sentences, so that no sentence of dev had a say in it;
    `macro_f1_shipped` is with the thresholds in the file, which held-out and dev sentences set together.
    """

    sha256: str
    bytes: int
    seconds: float
    sentences: int
    held: int
    share: dict[str, float]
    precision: str
    macro_f1: float
    macro_f1_shipped: float
    f1: dict[str, float]
    f1_shipped: dict[str, float]
    calibration_error: dict[str, float]
    dominant_calibration_error: float


def train_emotion(
    train: Labelled,
    dev: Labelled,
    out: Path,
    recipe: Recipe | None = None,
    tell: Callable[[str], None] = lambda _: None,
    *,
    about: str | None = None,
) -> Report:
    """Train on `train`, measure on `dev`, and write weights and card into the folder `out`.

    `about` goes into the card: what the sentences are, as Markdown.

    Raises:
        MissingExtra, ModelUnavailable: the encoder is not there.
        UsageError: the two files have other labels, or there are too few sentences.
    """
    recipe, started = recipe or Recipe(), time.perf_counter()
    if train.labels != dev.labels or len(train.texts) < 50:
        raise UsageError(reason="train and dev need the same labels, and train at least 50 sentences")
    order = np.random.default_rng(recipe.seed).permutation(len(train.texts))
    count = max(1, int(len(order) * recipe.held_share))
    held, kept = train.pick(np.sort(order[:count])), train.pick(np.sort(order[count:]))
    tensors = _fit(kept, recipe, tell)
    out.mkdir(parents=True, exist_ok=True)
    tell("calibrating")
    report = _finish(tensors, kept, held, dev, out=out, recipe=recipe)
    report = replace(report, seconds=round(time.perf_counter() - started, 1))
    (out / CARD).write_text(card(asdict(report), asdict(recipe), about, WINDOW), encoding="utf-8")
    return report


def _fit(train: Labelled, recipe: Recipe, tell: Callable[[str], None]) -> dict[str, Any]:
    """The trained tensors."""
    # Small batches gain little from a second core, and wait for it wherever the machine has other work.
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)  # dropout
    packaged = packaged_folder()
    check_weights(packaged / "model.safetensors")
    encoder = load_network(packaged, "cpu", pick_dtype(_CPU, "cpu"))
    tokenizer = Tokenizer.from_file(str(packaged / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(WINDOW)
    tell(f"reading {len(train.texts)} sentences through the {recipe.first} layers that stay")
    states = lower_states(
        encoder, [encoding.ids for encoding in tokenizer.encode_batch(train.texts)], recipe.first
    )
    network = Adapted(encoder, recipe.first, recipe.rank, len(train.labels), recipe.seed)
    _descend(network.train(), states, torch.from_numpy(train.targets), recipe, tell)
    return network.tensors()


def _descend(
    network: Adapted, states: States, targets: torch.Tensor, recipe: Recipe, tell: Callable[[str], None]
) -> None:
    optimizer = torch.optim.AdamW(
        [*network.adapters(), *network.head.parameters()], lr=recipe.learning_rate, weight_decay=0.01
    )
    steps = list(_steps(states, recipe))
    total = 0.0
    for step, rows in enumerate(steps, start=1):
        rate = recipe.learning_rate * min(1.0, step / _WARM_UP) * (1 - (step - 1) / len(steps))
        optimizer.param_groups[0]["lr"] = rate
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            network(states.stack(rows)), targets[rows]
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.adapters(), 1.0)
        optimizer.step()
        total += loss.item()
        if step % _REPORT_EVERY == 0:
            tell(f"step {step} of {len(steps)}, loss {total / _REPORT_EVERY:.4f}")
            total = 0.0


def _steps(states: States, recipe: Recipe) -> Iterator[NDArray[np.int64]]:
    shuffle = np.random.default_rng(recipe.seed + 1)
    for _ in range(recipe.epochs):
        yield from equal_lengths(states.lengths, recipe.batch, shuffle)


def _finish(
    tensors: dict[str, Any], kept: Labelled, held: Labelled, dev: Labelled, *, out: Path, recipe: Recipe
) -> Report:
    """Calibrate and set thresholds with the very network that will be loaded, and write it."""
    width = len(dev.labels)
    plain = {"slope": torch.ones(width), "shift": torch.zeros(width)}
    _write(out, tensors | plain, dev.labels, (0.5,) * width, recipe)
    model = BuiltinEmotionModel(_CPU, out, sha256=None)
    logits_held, logits_dev = (_logit(model.classify(part.texts)) for part in (held, dev))
    slope, shift = platt(logits_held, held.targets)
    sure_held, sure_dev = (
        (1 / (1 + np.exp(-(logits * slope + shift)))).astype(np.float32)
        for logits in (logits_held, logits_dev)
    )
    unseen = best_thresholds(sure_held, held.targets)
    shipped = best_thresholds(
        np.concatenate([sure_held, sure_dev]), np.concatenate([held.targets, dev.targets])
    )
    scaled = {"slope": torch.from_numpy(slope), "shift": torch.from_numpy(shift)}
    sha256, size = _write(out, tensors | scaled, dev.labels, shipped, recipe)
    honest, final = (f1(decide(sure_dev, cuts), dev.targets) for cuts in (unseen, shipped))
    return Report(
        sha256=sha256,
        bytes=size,
        seconds=0.0,
        sentences=len(kept.texts),
        held=len(held.texts),
        share=_named(dev.labels, kept.targets.mean(0)),
        precision=str(pick_dtype(_CPU, "cpu")).removeprefix("torch."),
        macro_f1=round(float(honest.mean()), 4),
        macro_f1_shipped=round(float(final.mean()), 4),
        f1=_named(dev.labels, honest),
        f1_shipped=_named(dev.labels, final),
        calibration_error=_named(dev.labels, calibration_error(sure_dev, dev.targets)),
        dominant_calibration_error=round(dominant_calibration_error(sure_dev, dev.targets), 4),
    )


def _write(
    out: Path, tensors: dict[str, Any], labels: tuple[str, ...], thresholds: tuple[float, ...], recipe: Recipe
) -> tuple[str, int]:
    described = {
        "labels": labels,
        "thresholds": thresholds,
        "encoder": f"{ENCODER.name}@{ENCODER.revision}",
        "recipe": asdict(recipe),
    }
    body = save(dict(sorted(tensors.items())), {"rapray": json.dumps(described, sort_keys=True)})
    (out / WEIGHTS).write_bytes(body)
    return hashlib.sha256(body).hexdigest(), len(body)


def _logit(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    inside = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.log(inside / (1 - inside)).astype(np.float32)


def _named(labels: tuple[str, ...], values: NDArray[np.floating[Any]]) -> dict[str, float]:
    return {label: round(float(value), 4) for label, value in zip(labels, values, strict=True)}
