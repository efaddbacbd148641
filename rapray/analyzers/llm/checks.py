"""Checks an answer against its lyric and against itself.

Changes nothing and asks nobody: what is found is stored beside the answer, and whoever reads it judges.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypedDict

from rapray.analyzers.llm.schema import LyricAnswer, Quality, Scored


class Checks(TypedDict):
    """What was found. `missing_quotes` and `missing_references` do not occur in the lyric: they are made up."""

    quotes: int
    missing_quotes: list[str]
    missing_references: list[str]
    inconsistencies: list[str]
    is_consistent: bool


_PRAISE = frozenset(
    [
        "excellent",
        "outstanding",
        "masterful",
        "brilliant",
        "superb",
        "exceptional",
        "remarkable",
        "impressive",
        "vivid",
        "inventive",
        "original",
        "unique",
        "powerful",
        "clever",
        "rich",
        "strong",
        "striking",
        "sophisticated",
        "intricate",
    ]
)
_BLAME = frozenset(
    [
        "weak",
        "poor",
        "generic",
        "cliche",
        "cliched",
        "bland",
        "dull",
        "flat",
        "lacks",
        "lacking",
        "lack",
        "none",
        "minimal",
        "shallow",
        "unoriginal",
        "derivative",
        "repetitive",
        "simplistic",
        "absent",
        "limited",
        "incoherent",
        "confusing",
        "missing",
        "trite",
        "forgettable",
    ]
)
_NEGATION = frozenset(["not", "no", "never", "hardly", "without", "isn't", "aren't", "neither", "nor"])
_BRIGHT = frozenset(
    [
        "celebratory",
        "grateful",
        "hopeful",
        "humorous",
        "joyful",
        "loving",
        "playful",
        "romantic",
        "triumphant",
    ]
)
_GLOOMY = frozenset(["angry", "anxious", "bitter", "dark", "lonely", "melancholic", "sad", "tense", "weary"])
_WORD = re.compile(r"[a-z']+")
_HIGH, _LOW, _CLEAR_VALENCE = 7, 3, 4


def check(answer: LyricAnswer, lyrics: str, title: str = "") -> Checks:
    """What does not hold. `title` counts as text of the lyric where names are looked for."""
    known = normalised(lyrics)
    quotes = [device.quote for device in answer.wordplay]
    named = known + normalised(title)
    found = _inconsistencies(answer)
    return Checks(
        quotes=len(quotes),
        missing_quotes=[quote for quote in quotes if not occurs(quote, known)],
        missing_references=[ref.name for ref in answer.references if not occurs(ref.name, named)],
        inconsistencies=found,
        is_consistent=not found,
    )


def normalised(text: str) -> str:
    """Letters and digits of a text in lower case, with one blank between words and one at both ends."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    plain = "".join(c for c in folded if not unicodedata.combining(c)).replace("'", "")
    return " " + " ".join(re.findall(r"[^\W_]+", plain)) + " "


def occurs(quote: str, known: str) -> bool:
    """True where every run of the quote (cut at "…", "..." and "/") occurs in the normalised text, as whole words."""
    runs = [normalised(run) for run in re.split(r"\u2026|\.{3,}|\s/\s|\n", quote)]
    runs = [run for run in runs if run.strip()]
    return bool(runs) and all(run in known for run in runs)


def _inconsistencies(answer: LyricAnswer) -> list[str]:
    scored = {name: getattr(answer.quality, name) for name in Quality.model_fields}
    found = [f"quality.{name}: {told}" for name, score in scored.items() if (told := _contradiction(score))]
    reasons = {normalised(score.reason) for score in scored.values()}
    if len(reasons) < len(scored):
        found.append("quality: the same reason is given for several scores")
    if (answer.mood in _BRIGHT and answer.valence <= -_CLEAR_VALENCE) or (
        answer.mood in _GLOOMY and answer.valence >= _CLEAR_VALENCE
    ):
        found.append(f"mood {answer.mood} and valence {answer.valence / 10} contradict each other")
    if len({theme.theme for theme in answer.themes}) < len(answer.themes):
        found.append("themes: one is named twice")
    return found


def _contradiction(scored: Scored) -> str | None:
    tone = _tone(scored.reason)
    if scored.score >= _HIGH and tone < 0:
        return "a high score with a reason that blames"
    if scored.score <= _LOW and tone > 0:
        return "a low score with a reason that praises"
    return None


def _tone(reason: str) -> int:
    """Words of praise less words of blame; a negation up to two words before turns one around."""
    words = _WORD.findall(reason.lower().replace("é", "e"))
    tone = 0
    for place, word in enumerate(words):
        value = (word in _PRAISE) - (word in _BLAME)
        tone += -value if _NEGATION & set(words[max(0, place - 2) : place]) else value
    return tone
