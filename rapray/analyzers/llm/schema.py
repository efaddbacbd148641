"""The answer that a language model has to give about one lyric, as a pydantic model and as the JSON schema of requests.

Knows no provider. Figures are whole numbers of ten, which models place more steadily than fractions and every grammar
can bound; `result.py` turns them into shares of one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Mood = Literal[
    "aggressive", "angry", "anxious", "boastful", "bitter", "calm", "celebratory", "confident", "dark",
    "defiant", "determined", "grateful", "hopeful", "humorous", "joyful", "lonely", "loving", "melancholic",
    "nostalgic", "playful", "reflective", "romantic", "sad", "tense", "triumphant", "weary",
]  # fmt: skip
# The names of the algorithmic analyzer's themes, so that the two can be compared.
Theme = Literal[
    "money", "hustle", "street", "violence", "law", "drugs", "party", "love", "heartbreak", "sex", "family",
    "friendship", "struggle", "mind", "death", "faith", "fame", "craft", "politics", "city", "cars", "luxury",
    "growth", "memory", "nature", "other",
]  # fmt: skip
Device = Literal[
    "simile", "metaphor", "pun", "double_meaning", "alliteration", "homophone", "name_drop", "punchline",
    "personification", "hyperbole", "irony", "allusion", "other",
]  # fmt: skip

Ten = Annotated[int, Field(ge=0, le=10)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=240)]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=160)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Scored(_Answer):
    """A score from 0 (none) to 10 (as good as it gets). The reason stands first: it shapes the score."""

    reason: Sentence
    score: Ten


class WeighedTheme(_Answer):
    """How much of the lyric is about a theme, 0 to 10."""

    theme: Theme
    weight: Ten


class Narrative(_Answer):
    """Who tells it, and how."""

    person: Literal["first", "second", "third", "mixed"]
    form: Literal["story", "portrait", "boast", "argument", "confession", "address", "collage"]


class Explicitness(_Answer):
    """How explicit the words are."""

    level: Literal["none", "mild", "strong"]
    reason: Sentence


class Wordplay(_Answer):
    """A device with the words of the lyric that it is made of."""

    device: Device
    quote: Line
    explanation: Sentence


class Reference(_Answer):
    """A person, place, work, brand or event that the lyric names."""

    name: Word
    kind: Literal["person", "place", "work", "brand", "event", "other"]


class Quality(_Answer):
    """Five qualities of the writing."""

    originality: Scored
    wordplay: Scored
    storytelling: Scored
    emotional_depth: Scored
    coherence: Scored


class LyricAnswer(_Answer):
    """All of it. The summary comes first: what is written early shapes what follows."""

    summary: Remark
    genre: Word
    subgenre: Word
    mood: Mood
    energy: Ten
    valence: Annotated[int, Field(ge=-10, le=10)]
    themes: Annotated[list[WeighedTheme], Field(min_length=1, max_length=5)]
    narrative: Narrative
    explicitness: Explicitness
    rhyme: Sentence
    flow: Sentence
    wordplay: Annotated[list[Wordplay], Field(max_length=4)]
    quality: Quality
    era: Word
    region: Word
    references: Annotated[list[Reference], Field(max_length=6)]


def json_schema() -> dict[str, Any]:
    """The schema of an answer without references or titles, which not every server reads."""
    schema = LyricAnswer.model_json_schema()
    definitions = schema.pop("$defs", {})
    return cast("dict[str, Any]", _inlined(schema, definitions))


def _inlined(node: Any, definitions: dict[str, Any], *, is_names: bool = False) -> Any:
    if isinstance(node, list):
        return [_inlined(inner, definitions) for inner in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    members = cast("dict[str, Any]", node)
    if not is_names and "$ref" in members:
        return _inlined(definitions[members["$ref"].rsplit("/", 1)[-1]], definitions)
    return {
        name: _inlined(inner, definitions, is_names=name == "properties")
        for name, inner in members.items()
        if is_names or name not in ("title", "description")
    }
