"""Who speaks of whom, and when: grammatical persons by pronoun, tenses by verb marks.

Only words and their neighbours count, not grammar: "read" marks no tense, and "you" may be anybody. English only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypedDict

from rapray.text.pronunciation import dictionary
from rapray.text.words.forms import bases, is_clipped

_PERSONS = {
    "first_singular": ("i me my mine myself i'm i'd i'll i've im ive ima imma i'mma ion iono"),
    "first_plural": ("we us our ours ourselves we're we'd we'll we've"),
    "second": ("you your yours yourself yourselves you're you'd you'll you've ya y'all yall ya'll yo' ur u"),
    "third": (
        "he him his himself he's he'd he'll she her hers herself she's she'd she'll they them their "
        "theirs themselves they're they'd they'll they've 'em em"
    ),
}
_TENSES = {
    "past": (
        "was were wasn't weren't did didn't had hadn't been went came saw said told took made gave "
        "got knew thought felt left found kept held ran sat stood lost won brought bought caught "
        "taught fought sold paid met sent spent built broke spoke woke wrote drove rode grew "
        "threw flew drew blew fell ate began drank sang swam shook stole chose froze heard meant "
        "slept wept swore wore tore hid slid dealt dreamt fed bled heard became "
        "understood used useta"
    ),
    "present": (
        "am is are isn't aren't ain't aint don't dont doesn't does has hasn't i'm you're we're "
        "they're he's she's it's that's there's what's who's here's im thats ion"
    ),
    "future": (
        "will won't shall gonna gon gon' ima imma i'mma finna fitna i'll you'll he'll she'll we'll "
        "they'll it'll that'll"
    ),
}
# Words in -ed that are no past tense, although their stems are words.
_NOT_PAST = frozenset(
    (
        "wicked",
        "naked",
        "rugged",
        "ragged",
        "crooked",
        "sacred",
        "hundred",
        "hatred",
        "kindred",
        "biped",
        "jagged",
        "dogged",
        "aged",
    )
)
_PERSON_OF = {word: person for person, words in _PERSONS.items() for word in words.split()}
_TENSE_OF = {word: tense for tense, words in _TENSES.items() for word in words.split()}
_WAS = frozenset(("was", "were", "wasn't", "weren't", "been"))
_GOING = frozenset({"going", "goin'", "goin"})
_SHORT_ING = frozenset(
    ("going", "goin", "goin'", "doing", "doin", "doin'", "being")
)  # of bases too short to look up
_LEAST_FOR_ED = 4  # letters
_ING = "ing"
_CACHED_WORDS = 65_536


class Narrative(TypedDict):
    """Shares in [0, 1] of all personal pronouns (possessive and reflexive too) and of all marks of tense.

    `person` and `tense` name the largest share, the first of equals; None if the song has no pronoun, no mark.
    Past: irregular forms, and -ed on the stem of a word. Present: am/is/are, do, has, their contractions, and -ing
    that does not follow was or were. Future: will, 'll, shall, gonna, finna, ima, going to. `pronouns` and
    `tense_marks` are their numbers: shares of only five say little. All None for other languages than English.
    """

    person: str | None
    first_singular_share: float | None
    first_plural_share: float | None
    second_share: float | None
    third_share: float | None
    pronouns: int | None
    tense: str | None
    past_share: float | None
    present_share: float | None
    future_share: float | None
    tense_marks: int | None


UNTOLD = Narrative(
    person=None,
    first_singular_share=None,
    first_plural_share=None,
    second_share=None,
    third_share=None,
    pronouns=None,
    tense=None,
    past_share=None,
    present_share=None,
    future_share=None,
    tense_marks=None,
)


def narrative(lines: Sequence[Sequence[str]]) -> Narrative:
    """Measure lines of lower-case words."""
    persons = Counter(_PERSON_OF[word] for line in lines for word in line if word in _PERSON_OF)
    tenses = Counter(tense for line in lines for tense in _tenses(line))
    said, marks = persons.total(), tenses.total()
    return Narrative(
        person=_largest(persons, _PERSONS),
        first_singular_share=persons["first_singular"] / max(said, 1),
        first_plural_share=persons["first_plural"] / max(said, 1),
        second_share=persons["second"] / max(said, 1),
        third_share=persons["third"] / max(said, 1),
        pronouns=said,
        tense=_largest(tenses, _TENSES),
        past_share=tenses["past"] / max(marks, 1),
        present_share=tenses["present"] / max(marks, 1),
        future_share=tenses["future"] / max(marks, 1),
        tense_marks=marks,
    )


def tense_of(word: str) -> str | None:
    """Return the tense that an irregular form marks ("went": past); None for any other word."""
    return _TENSE_OF.get(word)


def _tenses(line: Sequence[str]) -> Iterator[str]:
    for before, (word, after) in zip(["", *line], pairwise([*line, ""]), strict=False):
        if word in _GOING and after == "to":
            yield "future"
        elif mark := _mark_of(word):
            yield mark if mark != _ING else "past" if before in _WAS else "present"


@lru_cache(maxsize=_CACHED_WORDS)
def _mark_of(word: str) -> str | None:
    """Return the tense that a word marks, or `_ING` for a participle: its tense depends on the word before it."""
    if word in _TENSE_OF:
        return _TENSE_OF[word]
    if _is_ing(word):
        return _ING
    return "past" if _is_past(word) else None


def _is_ing(word: str) -> bool:
    if word in _SHORT_ING or not word.endswith("ing"):
        return word in _SHORT_ING or is_clipped(word)
    return any(dictionary.look_up(base) for base in bases(word)[1:])


def _is_past(word: str) -> bool:
    if not word.endswith("ed") or len(word) < _LEAST_FOR_ED or word in _NOT_PAST:
        return False
    return any(dictionary.look_up(base) for base in bases(word) if base != word)


def _largest(counts: Counter[str], names: Iterable[str]) -> str | None:
    """Return the name with the highest count, the first of equals."""
    return max(names, key=lambda name: counts[name]) if counts.total() else None
