"""How a song is built: its hook, its voices, its ad-libs.

Sections are those that the text labels; hooks without a label are found by their repetition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

from rapray.domain import Section
from rapray.text.reading import Reading, ReadLine
from rapray.text.words.explicit import is_slur

CHORUS_KINDS = frozenset({"chorus", "hook", "refrain", "pre_chorus", "post_chorus"})
_HOOK_KINDS = frozenset({"chorus", "hook", "refrain"})
_UNTOLD_KINDS = frozenset({"unlabelled", "other"})
_FEWEST_HOOK_LINES = 2  # of a repeated stanza; a single repeated line is no hook
_SHOWN_ADLIBS = 20
_BRACKETS = frozenset("()[]（）")
_LONGEST_ADLIB = 80  # characters; a longer text is a second voice's line


class VoiceData(TypedDict):
    """A voice that a header names, and its share of all words, in [0, 1]; voices of one header share its words."""

    voice: str
    word_share: float


class AdlibData(TypedDict):
    """An ad-lib in lower case without punctuation, and how often it occurs."""

    text: str
    count: int


class Adlibs(TypedDict):
    """Words in brackets: the number of ad-libs (one a bracket), their number per line, and the share of lines with an
    ad-lib, in [0, 1]; `common` are the twenty most frequent without a slur.
    """

    count: int
    per_line: float
    line_share: float
    common: list[AdlibData]


def hook_share(sections: Sequence[Section], reading: Reading) -> float:
    """Return the share of words in hooks, in [0, 1]: sections labelled as chorus, hook or refrain, and unlabelled
    stanzas of two lines and more that the song repeats.
    """
    is_told = all(section.kind not in _UNTOLD_KINDS for section in sections)
    stanzas = [() if is_told else _stanza(lines) for lines in reading.sections]
    stanza_counts = Counter(stanza for stanza in stanzas if len(stanza) >= _FEWEST_HOOK_LINES)
    sizes = [sum(len(line.words) for line in lines) for lines in reading.sections]
    hooks = (
        size
        for section, stanza, size in zip(sections, stanzas, sizes, strict=True)
        if section.kind in _HOOK_KINDS or (section.kind in _UNTOLD_KINDS and stanza_counts[stanza] > 1)
    )
    return sum(hooks) / max(sum(sizes), 1)


def voice_shares(sections: Sequence[Section], reading: Reading) -> list[VoiceData]:
    """Return the voices that headers name, in order of appearance."""
    parts: dict[str, float] = {}
    total = 0
    for section, lines in zip(sections, reading.sections, strict=True):
        words = sum(len(line.words) for line in lines)
        total += words
        for voice in section.voices:
            parts[voice] = parts.get(voice, 0.0) + words / len(section.voices)
    return [
        VoiceData(voice=voice, word_share=min(part / max(total, 1), 1.0)) for voice, part in parts.items()
    ]


def adlibs(reading: Reading) -> Adlibs:
    """Count the ad-libs of a song."""
    lines = list(reading.lines())
    by_line = [_adlibs_of(line) for line in lines]
    counts = Counter(text for texts in by_line for text in texts)
    printable = (entry for entry in counts.items() if not any(map(is_slur, entry[0].split())))
    shown = sorted(printable, key=lambda entry: (-entry[1], entry[0]))
    return Adlibs(
        count=counts.total(),
        per_line=counts.total() / max(len(lines), 1),
        line_share=sum(map(bool, by_line)) / max(len(lines), 1),
        common=[AdlibData(text=text, count=count) for text, count in shown[:_SHOWN_ADLIBS]],
    )


def _adlibs_of(line: ReadLine) -> list[str]:
    """Return the ad-libs of a line: words in brackets, joined if no bracket stands between them."""
    texts: list[list[str]] = []
    end = -1
    for word in line.words:
        if word.is_adlib:
            is_new = end < 0 or not _BRACKETS.isdisjoint(line.text[end : word.start])
            if is_new:
                texts.append([])
            texts[-1].append(word.text)
        end = word.end if word.is_adlib else -1
    return [" ".join(words)[:_LONGEST_ADLIB] for words in texts]


def _stanza(lines: Sequence[ReadLine]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(word.text for word in line.words) for line in lines if line.words)
