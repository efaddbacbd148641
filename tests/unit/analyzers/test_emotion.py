"""The emotion analyzer on the real built-in model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rapray.analyzers import create, provenance_of
from rapray.analyzers.base import to_json
from rapray.analyzers.emotion import EmotionAnalyzer
from rapray.analyzers.emotion_builtin import FOLDER, WEIGHTS, BuiltinEmotionModel, read_weights
from rapray.analyzers.emotion_result import sentiment
from rapray.config import EmotionSettings, Settings
from rapray.domain import Analysis, Failure, Lyric
from rapray.errors import MissingExtra, ModelUnavailable
from rapray.samples.corpus import songs
from rapray.text.sections import split_sections
from tests.support.model_results import assert_same_result, assert_same_results, dtype_of

SETTINGS = Settings(emotion=EmotionSettings(model="builtin", device="cpu"))
JOY = "I am so happy and thankful, this is the best day, I love it"
SADNESS = "I miss you so much, I cry alone every night, my heart is broken"
ANGER = "I hate you, you liar, get out of my face before I lose my temper"
SONG = f"[Verse 1]\n{SADNESS}\n\n[Chorus]\n{JOY}\n\n[Verse 2]\n{ANGER}\n\n[Chorus]\n{JOY}"


def lyric(text: str, key: str = "1") -> Lyric:
    """A text as the analyzer gets it."""
    return Lyric(key, text, split_sections(text), f"hash-{key}")


@pytest.fixture(scope="module")
def analyzer() -> EmotionAnalyzer:
    """The built-in model, loaded once."""
    return EmotionAnalyzer(SETTINGS)


def done(analyzer: EmotionAnalyzer, text: str) -> Analysis:
    """The analysis of one text that must not fail."""
    (outcome,) = analyzer.analyze([lyric(text)])
    assert isinstance(outcome, Analysis), outcome
    return outcome


@pytest.mark.parametrize(("text", "label"), [(JOY, "joy"), (SADNESS, "sadness"), (ANGER, "anger")])
def test_emotion_dominant_label(analyzer: EmotionAnalyzer, text: str, label: str) -> None:
    """A text that says what it feels gets that label, and a sentiment of its side."""
    found = done(analyzer, text)
    assert found.data["dominant"] == label
    assert found.confidence == found.data["labels"][label]
    assert found.confidence is not None
    assert found.confidence > 0.5
    assert found.sentiment is not None
    assert (found.sentiment > 0.3) == (label == "joy")
    assert (found.sentiment < -0.3) == (label != "joy")


def test_emotion_arc_by_section(analyzer: EmotionAnalyzer) -> None:
    """Each section has its own labels, under its position and header; the whole is their mean by tokens."""
    data = done(analyzer, SONG).data
    assert [(point["section"], point["kind"], point["dominant"]) for point in data["arc"]] == [
        (1, "verse", "sadness"),
        (2, "chorus", "joy"),
        (3, "verse", "anger"),
        (4, "chorus", "joy"),
    ]
    tokens = np.array([point["tokens"] for point in data["arc"]])
    for label, whole in data["labels"].items():
        parts = np.array([point["labels"][label] for point in data["arc"]])
        assert whole == pytest.approx(float(parts @ tokens / tokens.sum()), abs=2e-5)
    assert data["leading_emotion"] == "joy"
    assert data["swing"] > 0.3
    assert done(analyzer, JOY).data["swing"] == 0


def test_emotion_result_names_model(analyzer: EmotionAnalyzer) -> None:
    """Name, revision and that it is the built-in one stand in the result."""
    found = done(analyzer, JOY)
    assert found.data["model"]["is_builtin"] is True
    assert (found.provenance.model, found.provenance.model_revision) == (
        found.data["model"]["name"],
        found.data["model"]["revision"],
    )
    assert found.provenance == provenance_of("emotion", SETTINGS)
    assert create("emotion", SETTINGS).provenance == found.provenance
    assert found.input_tokens == 16


def test_emotion_any_company_equal(analyzer: EmotionAnalyzer) -> None:
    """What a batch says of a lyric, a request for it alone says too, within the tolerance of models."""
    texts = [SONG, JOY, SADNESS, "yeah", f"{SONG}\n\n[Outro]\n{JOY}", ANGER * 30]
    together = analyzer.analyze([lyric(text) for text in texts])
    alone = [done(analyzer, text) for text in texts]
    assert_same_results(together, alone, dtype_of(SETTINGS.emotion))


def test_emotion_another_process_equal(analyzer: EmotionAnalyzer) -> None:
    """A job's actor and a served replica agree."""
    program = (
        "import json, sys; from rapray.analyzers import create; from rapray.analyzers.base import to_json;"
        "from rapray.config import EmotionSettings, Settings; from rapray.domain import Lyric;"
        "from rapray.text.sections import split_sections; text = sys.argv[1];"
        "made = create('emotion', Settings(emotion=EmotionSettings(model='builtin', device='cpu')));"
        "(found,) = made.analyze([Lyric('1', text, split_sections(text), 'hash-1')]);"
        "print(json.dumps(to_json(found, include_embedding=True)))"
    )
    shown = to_json(done(analyzer, SONG), include_embedding=True)
    theirs = subprocess.run(
        [sys.executable, "-c", program, SONG], capture_output=True, encoding="utf-8", check=True
    )
    last = theirs.stdout.strip().splitlines()[-1]
    assert_same_result(json.loads(last), shown, dtype_of(SETTINGS.emotion))


def test_emotion_reads_long_sections(analyzer: EmotionAnalyzer) -> None:
    """Nothing beyond the window is dropped: what comes last counts by its length."""
    calm = "\n".join(f"The train to the station number {n} leaves at noon" for n in range(60))
    angry = "\n".join(f"{ANGER} {n}" for n in range(60))
    before, after = done(analyzer, calm).data, done(analyzer, f"{calm}\n{angry}").data
    assert before["window_count"] > 5
    assert before["labels"]["anger"] < 0.1
    assert after["labels"]["anger"] > 0.3


def test_emotion_bad_texts_fail(analyzer: EmotionAnalyzer) -> None:
    """A text without a word and one that is not Unicode become failures; their neighbours are read."""
    outcomes = analyzer.analyze(
        [lyric(JOY), lyric("[Verse]\n(…)\n!!", "2"), lyric("bad \ud800 text", "3"), lyric(ANGER, "4")]
    )
    assert [outcome.code if isinstance(outcome, Failure) else "done" for outcome in outcomes] == [
        "done",
        "lyrics_empty",
        "lyrics_invalid",
        "done",
    ]


@pytest.mark.parametrize(
    "text",
    ["🔥 a", "a\x00b\x07c", "日本語のラップ" * 50, "a" * 50_000],
    ids=["emoji", "control", "kana", "word"],
)
def test_emotion_reads_odd_text(analyzer: EmotionAnalyzer, text: str) -> None:
    """Any text with a letter has probabilities and a vector of length 1."""
    found = done(analyzer, text)
    assert all(0 <= value <= 1 for value in found.data["labels"].values())
    assert np.linalg.norm(np.array(found.embedding)) == pytest.approx(1, abs=1e-4)


def test_emotion_megabyte_result_bounded(analyzer: EmotionAnalyzer) -> None:
    """A text of a megabyte in a thousand sections gives a result of a sane size that says how many there were."""
    text = "\n\n".join(f"[Verse {n}]\n" + ("la" * 60 + "\n") * 9 for n in range(1000))
    assert len(text) > 1_000_000
    found = done(analyzer, text)
    assert found.data["section_count"] == 1000
    assert len(json.dumps(found.data)) < 100_000


def test_emotion_similar_vectors_close(analyzer: EmotionAnalyzer) -> None:
    """The vector has 256 values, and two happy songs lie nearer than a happy and an angry one."""
    happy, glad, angry = (
        np.array(done(analyzer, text).embedding)
        for text in (JOY, "What a wonderful morning, thank you all, I am so glad and proud", ANGER)
    )
    assert happy.shape == (256,)
    assert happy @ glad > happy @ angry + 0.2


def test_identify_needs_no_torch() -> None:
    """A job knows which rows are due without loading a model."""
    program = (
        "import sys; from rapray.analyzers import provenance_of; from rapray.config import Settings;"
        "assert provenance_of('emotion', Settings()).model; assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_builtin_rejects_forged_weights(tmp_path: Path) -> None:
    """Another file under the name of the weights is refused, and so is a missing one."""
    with pytest.raises(ModelUnavailable, match="No such file"):
        BuiltinEmotionModel(SETTINGS.emotion, tmp_path)
    body = bytearray((FOLDER / WEIGHTS).read_bytes())
    body[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(body)
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        BuiltinEmotionModel(SETTINGS.emotion, tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"no tensors")
    with pytest.raises(ModelUnavailable):
        read_weights(tmp_path / WEIGHTS, None)


def test_builtin_card_matches_weights() -> None:
    """Weights, their hash in the code and their card belong together, and the file stays small."""
    card = (FOLDER / "CARD.md").read_text(encoding="utf-8")
    _, _, sha256 = read_weights(FOLDER / WEIGHTS, None)
    assert sha256 in card
    assert (FOLDER / WEIGHTS).stat().st_size < 3_000_000
    assert "CC BY 4.0" in card


def test_create_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra gives the sentence with the install command."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"rapray\[embeddings\]"):
        EmotionAnalyzer(SETTINGS)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"joy": 0.7, "anger": 0.1, "disgust": 0.1, "fear": 0.0, "sadness": 0.2, "neutral": 0.9}, 0.3),
        ({"Joy": 0.1, "ANGER": 0.9, "sadness": 0.8}, -1.0),
        ({"joy": 0.7, "anger": 0.1, "gloom": 0.2}, None),
        ({"LABEL_0": 0.7, "LABEL_1": 0.3}, None),
        ({"joy": 0.7, "neutral": 0.3}, None),
    ],
    ids=["ekman", "clipped", "unknown-label", "nameless", "one-side"],
)
def test_sentiment_unfamiliar_labels(labels: dict[str, float], expected: float | None) -> None:
    """Pleasant less unpleasant, clipped; None where a label's side is not known."""
    found = sentiment(labels)
    assert found is None if expected is None else found == pytest.approx(expected)


def test_emotion_vectors_group_artists(analyzer: EmotionAnalyzer) -> None:
    """Of the sample songs, the nearest by feeling is by the same artist at least twice as often as by chance."""
    chosen = [song for song in songs() if song.language == "en" and song.duplicate_of is None]
    outcomes = analyzer.analyze([lyric(song.lyrics, song.id) for song in chosen])
    vectors = np.array([outcome.embedding for outcome in outcomes if isinstance(outcome, Analysis)])
    artists = np.array([song.artist for song in chosen])
    is_same = artists[:, None] == artists[None]
    nearness = vectors @ vectors.T - 9 * np.eye(len(chosen))
    found = float((artists[nearness.argmax(1)] == artists).mean())
    chance = float((is_same.sum(1) - 1).mean() / (len(chosen) - 1))
    assert found > 2 * chance  # 0.22 and 0.09
