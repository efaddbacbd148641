"""The emotion analyzer on any sequence-classification model: a tiny one with random weights, made here."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from rapray.analyzers import provenance_of
from rapray.analyzers.emotion import EmotionAnalyzer
from rapray.analyzers.emotion_choice import DEFAULT_MODEL, choose, load_emotion_model
from rapray.config import EmotionSettings, Settings
from rapray.domain import Analysis, Lyric
from rapray.embeddings.builtin import packaged_folder
from rapray.errors import ModelUnavailable
from rapray.text.sections import split_sections
from tests.support.model_results import assert_same_probabilities

EKMAN = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
WINDOW = 40


def make_model(folder: Path, labels: tuple[str, ...], problem_type: str | None = None) -> Path:
    """A random model of those labels with a window of 40 tokens."""
    # Imported here: collecting the tests would take four seconds longer.
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(1)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=WINDOW,
        id2label=dict(enumerate(labels)),
        label2id={label: n for n, label in enumerate(labels)},
        problem_type=problem_type,
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(packaged_folder()).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the seven labels."""
    return make_model(tmp_path_factory.mktemp("models") / "ekman", EKMAN)


def settings(model: object, **more: str) -> Settings:
    """Settings for a model on this processor in float32."""
    return Settings(emotion=EmotionSettings(model=str(model), device="cpu", dtype="float32", **more))


def analysis(where: object, text: str) -> Analysis:
    """The analysis of one text that must not fail."""
    (found,) = EmotionAnalyzer(settings(where)).analyze([Lyric("1", text, split_sections(text), "hash")])
    assert isinstance(found, Analysis), found
    return found


def test_emotion_matches_pipeline(folder: Path) -> None:
    """Where a text fits the window, the probabilities are those of transformers' own pipeline."""
    from transformers import pipeline

    texts = ["we made it out", "nobody cares about the rain", "why"]
    theirs = pipeline("text-classification", str(folder), device="cpu", top_k=None)(texts)
    ours = load_emotion_model(settings(folder).emotion).classify(texts)
    for row, answers in zip(ours, theirs, strict=True):
        scores = {answer["label"]: answer["score"] for answer in answers}
        assert_same_probabilities(row, [scores[label] for label in EKMAN])


def test_emotion_result_names_model(folder: Path) -> None:
    """The result names the model; exclusive labels sum to 1; nobody checked its calibration, so no confidence."""
    found = analysis(folder, "we made it out of the rain")
    assert found.provenance.model == str(folder)
    assert found.data["model"]["is_builtin"] is False
    assert tuple(found.data["labels"]) == EKMAN
    assert sum(found.data["labels"].values()) == pytest.approx(1, abs=1e-4)
    assert found.confidence is None
    assert found.sentiment is not None
    assert found.provenance == provenance_of("emotion", settings(folder))


def test_emotion_averages_windows(folder: Path) -> None:
    """A text beyond the window is cut at lines, and every window counts by its tokens."""
    model = load_emotion_model(settings(folder).emotion)
    text = "\n".join(f"line number {n} of the song that goes on and on" for n in range(30))
    (pieces,) = model.windows([text])
    assert "".join(piece.text for piece in pieces) == text
    assert max(piece.tokens for piece in pieces) <= WINDOW - 2
    tokens = np.array([piece.tokens for piece in pieces], float)
    mean = tokens @ model.read(pieces).probabilities / tokens.sum()
    assert_same_probabilities(model.classify([text])[0], mean)
    assert analysis(folder, text).data["window_count"] == len(pieces)


def test_emotion_uses_model_labels(tmp_path: Path) -> None:
    """Labels that rapray has never heard of are reported; a sentiment is not made up from them."""
    found = analysis(make_model(tmp_path, ("calm", "hype", "menace")), "we run the night")
    assert tuple(found.data["labels"]) == ("calm", "hype", "menace")
    assert found.sentiment is None


def test_emotion_multi_label_model(tmp_path: Path) -> None:
    """A model that says its labels are independent is read so."""
    found = analysis(make_model(tmp_path, EKMAN, "multi_label_classification"), "we run the night")
    assert found.data["model"]["probabilities"] == "independent"
    assert sum(found.data["labels"].values()) != pytest.approx(1, abs=0.05)


def test_emotion_rejects_regression_model(tmp_path: Path) -> None:
    """A regression model has no labels to choose from."""
    with pytest.raises(ModelUnavailable, match="nothing to choose"):
        load_emotion_model(settings(make_model(tmp_path, ("score",))).emotion)


def test_emotion_unknown_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is not there gives one error that names it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable, match="nowhere/at-all"):
        load_emotion_model(settings("nowhere/at-all").emotion)


def test_choose_auto_cached_default(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default model answers where its snapshot is whole; where a file is missing the built-in one stands in."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    auto = EmotionSettings(device="cpu", dtype="float32")
    assert choose(auto).is_stand_in
    cached = tmp_path / f"models--{DEFAULT_MODEL.replace('/', '--')}"
    commit = "0e1cd914e3d46199ed785853e12b57304e04178b"
    shutil.copytree(folder, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit, encoding="utf-8")
    chosen = choose(auto)
    assert (chosen.info.name, chosen.info.revision) == (DEFAULT_MODEL, commit)
    assert not chosen.is_stand_in
    assert load_emotion_model(auto).card.info == chosen.info
    assert choose(EmotionSettings(model="builtin")).info != chosen.info
    (cached / "snapshots" / commit / "model.safetensors").unlink()
    assert choose(auto).is_stand_in
