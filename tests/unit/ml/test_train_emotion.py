"""Training and scoring the built-in emotion model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rapray.analyzers import emotion_builtin
from rapray.analyzers.emotion_builtin import WEIGHTS, BuiltinEmotionModel
from rapray.cli import app
from rapray.config import EmotionSettings
from rapray.errors import UsageError
from rapray.ml.card import CARD, NOBODY_SAID
from rapray.ml.eval_emotion import eval_emotion
from rapray.ml.labelled import EKMAN, Labelled, read_labelled
from rapray.ml.train_emotion import Recipe, train_emotion
from tests.support.model_results import PROBABILITY, assert_same_probabilities

BUILTIN = EmotionSettings(model="builtin", device="cpu")
GLAD = ("I love this", "so happy today", "thank you, wonderful", "what a great day", "we won, amazing")
CROSS = ("I hate this", "so angry today", "get out, liar", "what a stupid rage", "you make me furious")


def sentences() -> Labelled:
    """Glad and cross sentences, 0 anger and 1 joy, easy to tell apart."""
    endings = (
        "friend",
        "man",
        "at the station",
        "in the rain",
        "my brother",
        "again",
        "and again",
        "tonight",
    )
    texts = [f"{start} {end}" for end in endings for pair in zip(GLAD, CROSS, strict=True) for start in pair]
    targets = np.array([[number % 2, 1 - number % 2] for number in range(len(texts))], np.float32)
    return Labelled(("anger", "joy"), texts, targets)


def test_train_emotion_repeats_itself(tmp_path: Path) -> None:
    """A small training tells the classes apart; the same seed makes the same model, and the card names its file."""
    recipe = Recipe(epochs=6, batch=8, first=4, rank=4, held_share=0.2)
    first, second = (
        train_emotion(sentences(), sentences(), tmp_path / name, recipe) for name in ("first", "second")
    )
    assert first.macro_f1 > 0.9
    model = BuiltinEmotionModel(BUILTIN, tmp_path / "first", sha256=first.sha256)
    same = BuiltinEmotionModel(BUILTIN, tmp_path / "second", sha256=second.sha256)
    texts = sentences().texts
    assert_same_probabilities(model.classify(texts), same.classify(texts))
    assert model.card.labels == ("anger", "joy")
    assert eval_emotion(model, sentences())["macro_f1"] == pytest.approx(first.macro_f1_shipped)
    assert first.sha256 in (tmp_path / "first" / CARD).read_text(encoding="utf-8")
    other = train_emotion(
        sentences(), sentences(), tmp_path / "other", Recipe(**{**_fields(recipe), "seed": 1})
    )
    unlike = BuiltinEmotionModel(BUILTIN, tmp_path / "other", sha256=other.sha256)
    assert np.abs(model.classify(texts) - unlike.classify(texts)).max() > PROBABILITY


def test_card_describes_own_training(tmp_path: Path) -> None:
    """Figures come from the report, and what the sentences are from who trains."""
    recipe = Recipe(epochs=1, batch=8, first=4, rank=4, held_share=0.2)
    report = train_emotion(sentences(), sentences(), tmp_path, recipe, about="Made up for a *test*.")
    told = (tmp_path / CARD).read_text(encoding="utf-8")
    for said in (
        "Made up for a *test*.",
        f"in {report.precision}",
        "(16)",
        f"| joy | {report.share['joy']:.1%} |",
    ):
        assert said in told
    for other in ("GoEmotions", "comments", "disgust", "0.49", "0.64", "2 %"):
        assert other not in told
    train_emotion(sentences(), sentences(), tmp_path, recipe)
    assert NOBODY_SAID in (tmp_path / CARD).read_text(encoding="utf-8")


def test_card_describes_shipped_sentences() -> None:
    """Licence and limits stand in it, from the file beside it."""
    folder = Path(emotion_builtin.__file__).parent
    assert (folder / "DATA.md").read_text(encoding="utf-8").strip() in (folder / CARD).read_text(
        encoding="utf-8"
    )


def _fields(recipe: Recipe) -> dict[str, int | float]:
    return {name: getattr(recipe, name) for name in Recipe.__dataclass_fields__}


def test_train_emotion_mismatched_labels(tmp_path: Path) -> None:
    """Train and dev must mean the same by a label id."""
    with pytest.raises(UsageError, match="labels"):
        train_emotion(sentences(), Labelled(EKMAN, ["x"], np.zeros((1, 7), np.float32)), tmp_path)


def test_eval_emotion_unknown_label() -> None:
    """A file of other labels is refused with what the model has."""
    with pytest.raises(UsageError, match="gloom"):
        eval_emotion(
            BuiltinEmotionModel(BUILTIN), Labelled(("joy", "gloom"), ["x"], np.ones((1, 2), np.float32))
        )


def test_eval_emotion_beats_baseline(shared_dir: Path) -> None:
    """On the dev sentences the shipped weights are clearly above 0.49, and their probabilities are calibrated."""
    dev = read_labelled(shared_dir / "data" / "goemotions-ekman" / "dev.tsv")
    scored = eval_emotion(BuiltinEmotionModel(BUILTIN), dev.pick(np.arange(0, len(dev.texts), 3)))
    assert scored["macro_f1"] > 0.56
    assert scored["f1"]["joy"] > 0.75
    assert max(scored["calibration_error"].values()) < 0.06


def test_eval_emotion_command(tmp_path: Path) -> None:
    """`rapray ml eval-emotion FILE --json` gives macro-F1, F1 per label, and which model was scored."""
    file = tmp_path / "some.tsv"
    file.write_text("I love you so much\t3\ta\nI hate you, idiot\t0\tb\nThe train leaves at noon\t4\tc\n")
    done = CliRunner().invoke(
        app, ["--set", "emotion.model=builtin", "ml", "eval-emotion", str(file), "--json"]
    )
    assert done.exit_code == 0, done.output
    scored = json.loads(done.stdout)
    assert set(scored["f1"]) == set(EKMAN)
    assert scored["is_builtin"] is True
    assert scored["f1"]["joy"] == scored["f1"]["anger"] == scored["f1"]["neutral"] == 1.0
    assert scored["sentences"] == 3
    assert (tmp_path / WEIGHTS).exists() is False


def test_train_emotion_command(tmp_path: Path) -> None:
    """`rapray ml train-emotion` writes weights and card and prints the report."""
    rows = [
        f"{text}\t{3 if row[1] else 0}\tid"
        for text, row in zip(sentences().texts, sentences().targets, strict=True)
    ]
    (tmp_path / "train.tsv").write_text("\n".join(rows), encoding="utf-8")
    file, out = str(tmp_path / "train.tsv"), tmp_path / "model"
    arguments = [
        "ml",
        "train-emotion",
        "--train",
        file,
        "--dev",
        file,
        "--out",
        str(out),
        "--epochs",
        "1",
        "--json",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["bytes"] == (out / WEIGHTS).stat().st_size
