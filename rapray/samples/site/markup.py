"""Turns the lines of a lyric into HTML the way annotators leave it: links, italics, odd blanks, invisible characters.

Does not know which element of a page holds the lines. The same song comes out the same in every run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from random import Random
from typing import Literal

from rapray.samples.site.catalogue import ListedSong, slug

ZERO_WIDTH = ("\u200b", "\u200c", "\u200e", "\u2060", "\ufeff")
BLANKS = ("\u00a0", "&nbsp;", "\u2005", "\u205f")
Age = Literal["new", "old"]
_ODD_BLANK, _INVISIBLE, _SLANTED, _ITALIC_LINE, _ANNOTATED = 0.03, 0.02, 0.03, 0.08, 0.25
_LONGEST_ANNOTATION = 3  # lines


@dataclass(frozen=True, slots=True)
class Marker:
    """Marks one song's lines up; `age` chooses the annotation links of today's pages or of the oldest."""

    song: ListedSong
    age: Age = "new"

    def stanzas(self) -> list[str]:
        """Each stanza as HTML, `<br>` between its lines and none at its end."""
        # A fresh generator each time: the body and the preloaded state agree.
        random = Random(self.song.sample.id)
        stanzas = [stanza for stanza in self.song.sample.lyrics.split("\n\n") if stanza]
        return [self._stanza(stanza.split("\n"), random) for stanza in stanzas]

    def _stanza(self, lines: list[str], random: Random) -> str:
        pieces: list[str] = []
        while lines:
            count = random.randint(1, _LONGEST_ANNOTATION) if random.random() < _ANNOTATED else 0
            taken, lines = lines[: count or 1], lines[count or 1 :]
            html = self._br.join(_line(line, random) for line in taken)
            pieces.append(self._annotation(taken[0], html, random) if count else html)
        return self._br.join(pieces)

    @property
    def _br(self) -> str:
        # The oldest pages break their source after <br>; that line feed is white space, not a line.
        return "<br>" if self.age == "new" else "<br>\n"

    def _annotation(self, first: str, html: str, random: Random) -> str:
        number = random.randint(1_000_000, 9_999_999)
        href = f"/{number}/{slug(self.song.sample.title)}/{slug(first)}"
        if self.age == "old":
            return (
                f'<a href="{href}" data-id="{number}" class="referent" classification="accepted">{html}</a>'
            )
        return (
            f'<span><a href="{href}" class="ReferentFragment-desktop__ClickTarget-sc-380d78dd-0 cehZkS">'
            f'<span class="ReferentFragment-desktop__Highlight-sc-380d78dd-1 fIkrDt">{html}</span></a></span>'
            '<span tabindex="0" style="position:absolute;opacity:0;width:0;height:0;pointer-events:none"></span>'
        )


def _line(line: str, random: Random) -> str:
    if line.startswith("["):
        # The second voice of a header is in italics, as in [Verse 2: A & <i>B</i>].
        return re.sub(r"&amp; (.+)\]$", r"&amp; <i>\1</i>]", escape(line))
    if line.startswith("(") or random.random() < _ITALIC_LINE:
        return f"<i>{_words(line, random)}</i>"
    return _words(line, random)


def _words(line: str, random: Random) -> str:
    first, *others = line.split(" ")
    html = _word(first, random)
    for word in others:
        html += (random.choice(BLANKS) if random.random() < _ODD_BLANK else " ") + _word(word, random)
    return html


def _word(word: str, random: Random) -> str:
    chance = random.random()
    if chance < _INVISIBLE:
        place = random.randint(0, len(word))
        return escape(word[:place]) + random.choice(ZERO_WIDTH) + escape(word[place:])
    if chance < _INVISIBLE + _SLANTED:
        tag = random.choice(("i", "b", "em", "strong"))
        return f"<{tag}>{escape(word)}</{tag}>"
    return escape(word)
