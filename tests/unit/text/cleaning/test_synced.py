"""LRC: lines and their time stamps, for any file."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rapray.domain import Timing
from rapray.text.cleaning.lyrics import clean_lyrics
from rapray.text.cleaning.synced import parse_lrc
from rapray.text.fingerprint import content_hash
from rapray.text.sections import sung_lines
from rapray.text.submitted import submitted_lyric
from tests.support.growth import assert_linear

SONG = """[ti:Night [Remix]]
[ar: Ada]
[offset:+500]
[length: 00:40]

[Verse 1]
[00:10.50]I light the night
[00:12.5][00:32.500]  and hold it tight
[Chorus]
[00:20.50]<00:20.50> Keep <00:21.10> the <00:21.40> river
[00:25:50]
[01:00]last line
"""
PIECES = st.sampled_from(
    ["[00:01.00]", "[0:2]", "[99:59.999]", "<00:03.1>", "[offset:-99]", "[ti:x]", "[Hook]", "[", "]", "\n", "\r",
     " ", "line", "12Embed", "You might also like", "\u0301", "\u200b", "\ud800", "one two"]
)  # fmt: skip
HOSTILE = st.lists(PIECES | st.text(max_size=3), max_size=30).map("".join)


def _texts(raw: str) -> list[str]:
    return [line.text for line in parse_lrc(raw) or ()]


def test_parse_lrc_small_song() -> None:
    """Tags go, the offset shifts by half a second, a line of two stamps is sung twice, headers precede their line."""
    synced = parse_lrc(SONG)
    assert synced is not None
    assert [(line.text, line.timing and (line.timing.start, line.timing.end)) for line in synced] == [
        ("", None),
        ("[Verse 1]", None),
        ("I light the night", (10.0, 12.0)),
        ("and hold it tight", (12.0, 20.0)),
        ("[Chorus]", None),
        ("Keep the river", (20.0, 25.0)),
        ("", (25.0, 32.0)),
        ("and hold it tight", (32.0, 59.5)),
        ("last line", (59.5, None)),
        ("", None),
    ]


def test_submitted_lyric_line_times() -> None:
    """The words are those of the plain text, and each line of the sections has its time."""
    lyric = submitted_lyric("k", SONG, 1000)
    assert lyric.lyrics == (
        "[Verse 1]\nI light the night\nand hold it tight\n[Chorus]\nKeep the river\n\nand hold it tight\nlast line"
    )
    assert [timing and timing.start for timing in lyric.timings] == [10.0, 12.0, 20.0, 32.0, 59.5]
    plain = submitted_lyric("k", lyric.lyrics, 1000)
    assert (plain.lyrics, plain.sections, plain.timings) == (lyric.lyrics, lyric.sections, ())
    assert plain.content_hash == content_hash(lyric.lyrics) != lyric.content_hash


def test_submitted_lyric_timing_hash() -> None:
    """Texts with different times have different hashes."""
    raws = ["la la\nlo", "[00:01]la la\n[00:02]lo", "[00:01]la la\n[00:03]lo"]
    hashes = [
        submitted_lyric("k", raw, 99, seconds).content_hash for raw in raws for seconds in (None, 60, 61)
    ]
    assert len(set(hashes)) == len(hashes)
    assert hashes[0] == content_hash("la la\nlo")


def test_submitted_lyric_header_times() -> None:
    """Lines that cleaning and splitting remove have no entry, and all other lines keep their times."""
    raw = "[00:01]3 Contributors\n[00:02][Hook] Hands up\n[00:03][laughs]\n[00:04]You might also like\n[00:05]down"
    lyric = submitted_lyric("k", raw, 1000)
    assert sung_lines(lyric.sections) == ["Hands up", "down"]
    assert lyric.timings == (Timing(2.0, 3.0), Timing(5.0, None))


@pytest.mark.parametrize(
    "plain",
    [
        "[Verse 1]\nI light the night",
        "[0:45]\nI light the night",
        "one line\ntwo lines\n[00:12] a stray stamp",
        "<00:12.00> words",
        "[by: nobody]\nat [12:30] we ride",
        "[Intro: 0:00-0:30]\nyeah",
    ],
)
def test_parse_lrc_plain_text(plain: str) -> None:
    """A plain text keeps its text and hash and gets no times."""
    assert parse_lrc(plain) is None
    lyric = submitted_lyric("k", plain, 1000)
    assert (lyric.lyrics, lyric.timings) == (clean_lyrics(plain), ())
    assert lyric.content_hash == content_hash(clean_lyrics(plain))


@given(st.lists(st.tuples(st.integers(0, 5_999_999), st.sampled_from(["light", "a night", ""])), min_size=1))
def test_parse_lrc_round_trip(sung: list[tuple[int, str]]) -> None:
    """Lines are in order of time; lines of the same time are in the order of the file."""
    lines = [*sung, (0, "first")]
    synced = parse_lrc(
        "\n".join(f"[{ms // 60000:02}:{ms // 1000 % 60:02}.{ms % 1000:03}]{text}" for ms, text in lines)
    )
    assert synced is not None
    expected = sorted(lines, key=lambda line: line[0])
    assert [line.text for line in synced] == [text for _, text in expected]
    assert [line.timing and line.timing.start for line in synced] == [ms / 1000 for ms, _ in expected]


@given(HOSTILE)
@example("[00:01]e<00:01>\u0301\n[00:02]x")
def test_parse_lrc_sorted_times(raw: str) -> None:
    """Starts never decrease, ends come after starts, and no stamp is left in the text."""
    synced = parse_lrc(raw)
    timings = [line.timing for line in synced or () if line.timing]
    assert [timing.start for timing in timings] == sorted(timing.start for timing in timings)
    assert all(timing.end is None or timing.end > timing.start >= 0 for timing in timings)
    assert not any(re.search(r"\[[0-9]+:[0-9]{2}\]|<[0-9]+:[0-9]{2}>", line.text) for line in synced or ())


@given(HOSTILE)
def test_submitted_lyric_time_count(raw: str) -> None:
    """There are no times or as many as lines, for any text that is cleaned and split."""
    lyric = submitted_lyric("k", "[00:01]a word\n[00:02]two words\n" + raw, 10_000)
    assert len(lyric.timings) in {0, len(sung_lines(lyric.sections))}


@pytest.mark.parametrize(
    ("before", "unit", "size", "after"),
    [
        ("", "[00:01]", 70_000, "x" * 500_000),
        ("", "[00:01]la\n", 100_000, ""),
        ("[00:01]", "<00:01>", 140_000, "la"),
        ("[00:01]la\n[offset:", " ", 1_000_000, ""),
        ("[00:01]la [ti:", "]", 1_000_000, ""),
        ("[00:01]la\n", "[ti:\n", 200_000, ""),
    ],
    ids=["stamps", "lines", "word stamps", "offset", "brackets", "tags"],
)
def test_parse_lrc_linear_time(before: str, unit: str, size: int, after: str) -> None:
    """A line of many stamps is repeated only up to a limit."""
    raw = before + unit * size + after
    assert sum(map(len, _texts(raw))) <= len(raw) + 200_000
    assert_linear(lambda size: _texts(before + unit * size + after), size // 4)
