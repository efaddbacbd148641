"""What the doctor says of the emotion model."""

from __future__ import annotations

from pathlib import Path

import pytest

from rapray.analyzers.emotion_choice import choose
from rapray.config import EmotionSettings, Settings
from rapray.ops.doctor import Finding, examine


def finding(data_dir: Path, model: str) -> Finding:
    """The doctor's finding for a setting."""
    settings = Settings(data_dir=data_dir, emotion=EmotionSettings(model=model))
    (found,) = (finding for finding in examine(settings) if finding.subject == "emotion model")
    return found


@pytest.fixture(autouse=True)
def _no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_doctor_warns_about_builtin(tmp_path: Path) -> None:
    """Where the built-in model stands in, the doctor warns, names both models and what to do."""
    found = finding(tmp_path, "auto")
    assert found.state == "warn"
    assert "rapray/emotion-minilm-l6" in found.summary
    assert "j-hartmann" in found.advice
    assert "stands in" in choose(EmotionSettings()).note


def test_doctor_accepts_builtin_choice(tmp_path: Path) -> None:
    """Who asked for the built-in model is not warned."""
    found = finding(tmp_path, "builtin")
    assert (found.state, found.advice) == ("ok", "")
    assert choose(EmotionSettings(model="builtin")).note == ""


def test_doctor_missing_model_fails(tmp_path: Path) -> None:
    """A model that is named and cannot be had is a failure with its reason."""
    found = finding(tmp_path, "nowhere/at-all")
    assert (found.state, found.summary) == ("fail", "model_unavailable")
    assert "nowhere/at-all" in found.advice
