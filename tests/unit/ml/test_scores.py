"""F1, calibration and thresholds against sklearn and against cases done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from rapray.ml.calibration import platt
from rapray.ml.scores import best_thresholds, calibration_error, decide, dominant_calibration_error, f1


@given(st.integers(0, 2**32 - 1))
def test_f1_equals_sklearn(seed: int) -> None:
    """The same figures as the common library, labels that never occur included."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((30, 4)) < 0.3).astype(np.float32)
    targets[:, 3] = 0
    found = rng.random((30, 4)) < 0.4
    theirs = f1_score(targets.astype(int), found.astype(int), average=None, zero_division=0)
    np.testing.assert_allclose(f1(found, targets), theirs)


def test_decide_threshold_or_best() -> None:
    """Labels that reach their threshold; where none does, the most probable; without thresholds always that one."""
    probabilities = np.array([[0.6, 0.5, 0.1], [0.2, 0.3, 0.1]], np.float32)
    np.testing.assert_array_equal(decide(probabilities, (0.5, 0.5, 0.5)), [[1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(decide(probabilities, None), [[1, 0, 0], [0, 1, 0]])


def test_calibration_error_by_hand() -> None:
    """Probabilities of 0.8 that come true half the time are 0.3 off; those that come true 8 times in 10 are not."""
    sure = np.full((10, 1), 0.8, np.float32)
    half = np.array([[1.0]] * 5 + [[0.0]] * 5, np.float32)
    assert calibration_error(sure, half)[0] == pytest.approx(0.3, abs=1e-6)
    assert calibration_error(sure, np.array([[1.0]] * 8 + [[0.0]] * 2, np.float32))[0] == pytest.approx(
        0, abs=1e-6
    )
    both = np.hstack([sure, np.full((10, 1), 0.1, np.float32)])
    assert dominant_calibration_error(both, np.hstack([half, half])) == pytest.approx(0.3, abs=1e-6)


def test_platt_recovers_scale() -> None:
    """Logits that are twice too sure and shifted come back as probabilities."""
    rng = np.random.default_rng(1)
    true = rng.normal(0, 2, (20_000, 1)).astype(np.float32)
    targets = (rng.random(true.shape) < 1 / (1 + np.exp(-true))).astype(np.float32)
    slope, shift = platt(2 * true + 1, targets)
    assert slope[0] == pytest.approx(0.5, abs=0.03)
    assert shift[0] == pytest.approx(-0.5, abs=0.08)


def test_platt_without_positives() -> None:
    """A label that the held-out sentences never have does not break the others."""
    slope, shift = platt(np.linspace(-4, -2, 50, dtype=np.float32)[:, None], np.zeros((50, 1), np.float32))
    assert np.isfinite([*slope, *shift]).all()


def test_best_thresholds_find_step() -> None:
    """Where everything above 0.4 is true, the threshold lies about there."""
    probabilities = np.linspace(0, 1, 1001, dtype=np.float32)[:, None]
    (threshold,) = best_thresholds(probabilities, (probabilities > 0.4).astype(np.float32))
    assert threshold == pytest.approx(0.4, abs=0.02)
