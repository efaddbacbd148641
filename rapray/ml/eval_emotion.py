"""Scores an emotion model on labelled sentences.

Knows no training: any model that the analyzer can use can be scored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rapray.analyzers.emotion_model import EmotionModel
from rapray.errors import UsageError
from rapray.ml.labelled import Labelled
from rapray.ml.scores import calibration_error, decide, dominant_calibration_error, f1


def eval_emotion(model: EmotionModel, labelled: Labelled) -> dict[str, Any]:
    """Macro-F1, F1 and calibration of each label, and which model was scored.

    The model's labels are matched by name. A model with thresholds gives every label that reaches its own, else the
    most probable one.

    Raises:
        UsageError: the model lacks a label of the file.
    """
    places = _places(model, labelled.labels)
    probabilities = model.classify(labelled.texts)[:, places]
    thresholds = model.card.thresholds and tuple(model.card.thresholds[place] for place in places)
    scores = f1(decide(probabilities, thresholds), labelled.targets)
    errors = calibration_error(probabilities, labelled.targets)
    return {
        "model": model.card.info.name,
        "revision": model.card.info.revision,
        "is_builtin": model.card.is_builtin,
        "sentences": len(labelled.texts),
        "macro_f1": round(float(scores.mean()), 4),
        "f1": _named(labelled.labels, scores),
        "support": _named(labelled.labels, labelled.targets.sum(0)),
        "calibration_error": _named(labelled.labels, errors),
        "dominant_calibration_error": round(dominant_calibration_error(probabilities, labelled.targets), 4),
    }


def _places(model: EmotionModel, labels: tuple[str, ...]) -> list[int]:
    known = {label.lower(): place for place, label in enumerate(model.card.labels)}
    missing = [label for label in labels if label.lower() not in known]
    if missing:
        reason = f"{model.card.info.name} has no label {', '.join(missing)}; it has {', '.join(known)}"
        raise UsageError(reason=reason)
    return [known[label.lower()] for label in labels]


def _named(labels: tuple[str, ...], values: Any) -> dict[str, float]:
    return {label: round(float(value), 4) for label, value in zip(labels, np.asarray(values), strict=True)}
