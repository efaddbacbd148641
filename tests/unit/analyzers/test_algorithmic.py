"""The algorithmic analyzer as jobs and replicas use it: a batch in, as many outcomes out, the same in every process."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.analyzers import create, spec, specs, to_json
from rapray.analyzers.algorithmic import AlgorithmicAnalyzer
from rapray.analyzers.base import Analyzer
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric, Timing
from rapray.samples.corpus import songs
from rapray.text.sections import split_sections
from rapray.text.words.wordlists import groups

SONG = """[Intro]
(Yeah, uh)

[Verse 1: Mara Quill]
Nocturnal arithmetic, journal with rhythm in it
Infernal division, it's eternal, I'm living in it
Sodium light on the custodian's bike and the melody's odious
I'm holding the mic, a commodity tight, and the quality's copious

[Chorus]
One plus one is a double shift
Minus the sun is a subtle gift

[Chorus]
One plus one is a double shift
Minus the sun is a subtle gift"""


def _lyric(text: str, key: str = "1") -> Lyric:
    return Lyric(key, text, split_sections(text), "hash-" + key)


def _analyze(text: str) -> Analysis:
    (outcome,) = AlgorithmicAnalyzer().analyze([_lyric(text)])
    assert isinstance(outcome, Analysis), outcome
    return outcome


def test_analyze_measures_every_group() -> None:
    """Figures that a reader can check: lines, schemes, chorus share, repetition, rhymes with places."""
    found = _analyze(SONG).data
    assert (found["counts"]["lines"], found["counts"]["sections"]) == (9, 4)
    assert found["rhyme"]["schemes"] == ["-", "AABB", "AA", "AA"]
    assert found["rhyme"]["end_rhyme_share"] == 1.0
    assert found["rhyme"]["longest"] >= 4
    assert found["repetition"]["repeated_line_share"] == pytest.approx(2 / 9, abs=1e-6)
    assert found["structure"]["chorus_line_share"] == pytest.approx(4 / 9, abs=1e-6)
    assert found["structure"]["voices"] == ["Mara Quill"]
    assert found["rhyme"]["density_lift"] > 1


def test_analyze_version_2_figures() -> None:
    """One figure of each group, by hand: the couplets are even, link to nothing, and swear at nobody."""
    found = _analyze(SONG).data
    assert found["language"] == "en"
    assert found["rhyme"]["grades"]["perfect"] + found["rhyme"]["grades"]["family"] > 0
    assert found["rhyme"]["hirjee_brown"]["end_pairs_per_line"] == pytest.approx(4 / 9, abs=1e-6)
    assert found["structure"]["hook_share"] > 0.3
    assert found["structure"]["adlibs"]["common"] == [{"text": "yeah uh", "count": 1}]
    assert found["structure"]["voice_shares"][0]["voice"] == "Mara Quill"
    assert found["structure"]["sections"][1]["line_syllables"][0] > 10
    assert found["sound"]["alliterations"] >= 1
    assert found["narrative"]["person"] == "first_singular"
    assert found["explicitness"]["score"] == 0
    assert found["flow"]["syllables_per_second"] is None
    assert found["readability"]["flesch_kincaid_grade"] is not None


def test_analyze_times_change_pace() -> None:
    """A text without times has the fields of 2.0.0 and no more, so that stored results stay what they are."""
    plain = _lyric("city never money\nlight light the money")
    timed = replace(plain, timings=(Timing(10, 12), Timing(12, 13)))
    one, other = AlgorithmicAnalyzer().analyze([plain, timed])
    assert isinstance(one, Analysis)
    assert isinstance(other, Analysis)
    assert {name: value for name, value in one.data["flow"].items() if "second" in name} == {
        "syllables_per_second": None
    }
    assert {name: value for name, value in other.data["flow"].items() if "second" in name} == {
        "syllables_per_second": 3.666667,
        "syllables_per_second_from": "synced",
        "fastest_syllables_per_second": 5.0,
    }
    assert {**one.data, "flow": None} == {**other.data, "flow": None}
    assert one.embedding == other.embedding


def test_analyze_sentiment_excludes_profanity() -> None:
    """The column that is compared with other analyzers holds the documented figure; no confidence is made up."""
    found = _analyze("What a damn good and happy day\nI love this shit\nWe all laugh and celebrate tonight")
    assert found.sentiment == found.data["sentiment"]["without_profanity"] > 0.3
    assert found.data["sentiment"]["with_profanity"] < found.sentiment
    assert found.confidence is None


def test_analyze_ignores_language_label() -> None:
    """The same words with another label, or none, give the same bytes: results are cached by content."""
    texts = [replace(_lyric(SONG), language=language) for language in (None, "en", "es")]
    outcomes = AlgorithmicAnalyzer().analyze(texts)
    assert len({json.dumps(outcome.data) for outcome in outcomes if isinstance(outcome, Analysis)}) == 1


def test_analyze_non_english_text() -> None:
    """None where the measure rests on English words; sounds and repetition are measured all the same."""
    found = _analyze("La noche en el puerto me llama otra vez\nY la gente del barrio camina a mis pies\n" * 3)
    assert found.data["language"] == "es"
    assert found.sentiment is None
    assert set(found.data["sentiment"].values()) == {None}
    assert found.data["narrative"]["person"] is None
    assert found.data["themes"] == []
    assert found.data["counts"]["lines"] == 6
    assert found.data["structure"]["sections"][0]["sentiment"] is None


def test_analyze_never_quotes_slurs() -> None:
    """Counts say that it is there; no list of the result repeats it, however often the song does."""
    slur = groups("explicit")["slurs"][0].removeprefix("=")
    found = _analyze(
        f"I heard the {slur} word said again tonight\nand {slur} again upon the corner of the street"
    )
    assert found.data["explicitness"]["slurs"] == 2
    assert slur not in json.dumps(found.data)


def test_analyze_gives_plain_json() -> None:
    """What is stored is what was measured: no tuple, no NaN, no seventh digit."""
    found = _analyze(SONG).data
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["vocabulary"]["type_token_ratio"] == round(found["vocabulary"]["type_token_ratio"], 6)


def test_analyze_processes_agree() -> None:
    """No result hangs on hash seeds or on what was analysed before."""
    program = (
        "import json,sys\n"
        "from rapray.analyzers import create\nfrom rapray.config import Settings\n"
        "from rapray.domain import Lyric\n"
        "text = sys.stdin.read()\n"
        "(found,) = create('algorithmic', Settings()).analyze([Lyric('1', text, (), 'hash-1')])\n"
        "print(json.dumps([found.data, found.embedding]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=SONG,
            capture_output=True,
            encoding="utf-8",
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    here = _analyze(SONG)
    assert outputs == {json.dumps([here.data, here.embedding])}


def test_analyze_embedding_unit_length() -> None:
    """Ready for cosine."""
    vector = _analyze(SONG).embedding
    assert vector is not None
    assert len(vector) == 256
    assert math.sqrt(sum(value * value for value in vector)) == pytest.approx(1, abs=1e-4)


def test_analyze_embedding_groups_artists() -> None:
    """The sample artists write in clearly different styles: four of five songs have a neighbour of their own artist,
    where chance gives one of eleven; and cosine inside an artist exceeds that between artists.
    """
    chosen = [song for song in songs() if song.duplicate_of is None and song.language == "en"]
    found = AlgorithmicAnalyzer().analyze([_lyric(song.lyrics, str(song.id)) for song in chosen])
    vectors = np.array([outcome.embedding for outcome in found if isinstance(outcome, Analysis)])
    artists = np.array([song.artist_id for song in chosen])
    cosine = vectors @ vectors.T
    is_same = (artists[:, None] == artists[None]) & ~np.eye(len(chosen), dtype=bool)
    is_other = artists[:, None] != artists[None]
    nearest = (cosine - 9 * np.eye(len(chosen))).argmax(1)
    assert is_same.sum(1).mean() / (len(chosen) - 1) < 0.1
    assert (artists[nearest] == artists).mean() > 0.7  # 0.80
    assert cosine[is_same].mean() > cosine[is_other].mean() + 0.1  # 0.82 and 0.69


@pytest.mark.parametrize("text", ["", "\n\n", "🎤🔥", "[Verse 1]", "!!! ... ???"])
def test_analyze_wordless_text_fails(text: str) -> None:
    """The others of the batch are measured; the failure names its stage and the code."""
    first, second, third = AlgorithmicAnalyzer().analyze(
        [_lyric(SONG, "1"), _lyric(text, "2"), _lyric(SONG, "3")]
    )
    assert isinstance(first, Analysis)
    assert isinstance(third, Analysis)
    assert isinstance(second, Failure)
    assert (second.key, second.code, second.stage) == (
        "2",
        "lyrics_empty",
        AlgorithmicAnalyzer.provenance.stage,
    )


def test_analyze_unexpected_error_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect that one text uncovers costs that text and nothing else."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("rapray.analyzers.algorithmic.rhymes_of", broken)
    (outcome,) = AlgorithmicAnalyzer().analyze([_lyric(SONG)])
    assert isinstance(outcome, Failure)
    assert outcome.code == "analysis_failed"


@pytest.mark.parametrize(
    "text",
    [
        "word " * 200_000,
        "x" * 100_000,
        "a " * 50_000,
        "היי שלום עולם\n" * 50,
        "🎤 light\n🔥 night",
        "light\x00night",
        "\ud800 light",
        "(yeah) " * 50_000,
        "like a like a as a as " * 10_000,
        "Mara Quill said Go, " * 10_000,
        "\ud800 is the light of the night in the city of the street of the rain\n" * 3,
    ],
    ids=[
        "megabyte",
        "one token",
        "one line",
        "right to left",
        "emoji",
        "nul",
        "surrogate",
        "ad-libs",
        "similes",
        "names",
        "long surrogate",
    ],
)
def test_analyze_hostile_text(text: str) -> None:
    """Any text with a word is measured."""
    found = _analyze(text)
    assert found.data["counts"]["words"] > 0


@given(st.text(max_size=300))
def test_analyze_figures_within_bounds(text: str) -> None:
    """Shares lie in [0, 1], nothing is negative, no text raises."""
    (outcome,) = AlgorithmicAnalyzer().analyze([_lyric("light " + text)])
    assert isinstance(outcome, Analysis), outcome
    found = outcome.data
    shares = {
        name: value
        for group in found.values()
        if isinstance(group, dict)
        for name, value in group.items()
        if name.endswith("_share")
    }
    assert len(shares) > 25
    assert all(value is None or 0 <= value <= 1 for value in shares.values()), shares
    assert outcome.sentiment is None or -1 <= outcome.sentiment <= 1
    assert 0 <= found["explicitness"]["score"] < 1
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["rhyme"]["density_malmi"] >= 0


def test_to_json_optional_embedding() -> None:
    """The canonical form has the same keys always, the vector where asked for."""
    found = _analyze(SONG)
    shown = to_json(found)
    assert shown["analyzer"] == "algorithmic"
    assert shown["content_hash"] == "hash-1"
    assert "embedding" not in shown
    assert len(to_json(found, include_embedding=True)["embedding"]) == 256


@pytest.mark.parametrize("name", [known.name for known in specs().values() if known.needs.extra is None])
def test_create_matches_spec(name: str) -> None:
    """Name and version of the class are those under which results are looked for."""
    analyzer = create(name, Settings())
    assert isinstance(analyzer, Analyzer)
    assert (analyzer.provenance.analyzer, analyzer.provenance.version) == (name, spec(name).version)
