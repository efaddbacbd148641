"""Hook, voices and ad-libs of small songs."""

from __future__ import annotations

import pytest

from rapray.text.measures.structure import adlibs, hook_share, voice_shares
from rapray.text.reading import read
from rapray.text.sections import split_sections


def test_hook_share_unlabelled_hooks() -> None:
    """Eight of sixteen words are hook by label; without labels the repeated stanza is."""
    labelled = split_sections(
        "[Verse]\nall of these are verse words\nfor real\n\n[Hook]\nsing it loud\nsing it all day long"
    )
    assert hook_share(labelled, read(labelled)) == pytest.approx(8 / 16)
    plain = split_sections(
        "sing it loud\nsing it long\n\nverse words come here\nand here\n\nSing it loud\nsing it long!"
    )
    assert hook_share(plain, read(plain)) == pytest.approx(12 / 18)


def test_hook_share_excludes_verses() -> None:
    """A repeated section that is labelled as a verse is no hook."""
    sections = split_sections("[Verse 1]\nsame words here\nand here\n\n[Verse 2]\nsame words here\nand here")
    assert hook_share(sections, read(sections)) == 0


def test_voice_shares_split_words() -> None:
    """A has four words of his own and half of the four that he shares."""
    sections = split_sections("[Verse 1: A]\none two three four\n\n[Verse 2: A & B]\none two three four")
    result = {entry["voice"]: entry["word_share"] for entry in voice_shares(sections, read(sections))}
    assert result == {"A": 0.75, "B": 0.25}


def test_adlibs_counted_by_bracket() -> None:
    """Three brackets in two of three lines; one of two words is one ad-lib."""
    sections = split_sections("Get it (yeah) now (What? What!)\nGo\nRun (Yeah)")
    result = adlibs(read(sections))
    assert (result["count"], result["per_line"]) == (3, 1)
    assert result["line_share"] == pytest.approx(2 / 3)
    assert result["common"] == [{"text": "yeah", "count": 2}, {"text": "what what", "count": 1}]
