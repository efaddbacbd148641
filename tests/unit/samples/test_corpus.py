"""The sample corpus is what tests, the demo and the sample site count on; and a broken file is named."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from datetime import date
from itertools import combinations
from pathlib import Path
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.errors import SampleCorpusError
from rapray.samples.corpus import SampleSong, artists, parse_song, songs
from rapray.text.cleaning.lyrics import clean_lyrics
from rapray.text.fingerprint import content_hash
from rapray.text.language import detect_language
from rapray.text.reading import read
from rapray.text.rhyme.rhyme_density import lift_of, song_words_of
from rapray.text.sections import split_sections, sung_lines

SHINGLE = 5  # words
GOOD = """---
id: 100199
title: A Title
artist: Mara Quill
artist_id: 1001
release_date: 2016-03-11
language: en
explicit: false
layout: 1
---
[Verse 1]
One line
"""


def _originals() -> list[SampleSong]:
    return [song for song in songs() if song.duplicate_of is None]


def _words(song: SampleSong) -> list[str]:
    return [word for line in sung_lines(split_sections(song.lyrics)) for word in line.split()]


def _shingles(song: SampleSong) -> set[tuple[str, ...]]:
    words = [re.sub(r"\W", "", word).lower() for word in _words(song)]
    words = [word for word in words if word]
    return set(zip(*(words[start:] for start in range(SHINGLE)), strict=False))


def test_corpus_has_ten_artists():
    """Ten artists, each with a style of its own and at least six songs, 64 originals in all."""
    counts = Counter(song.artist_id for song in _originals())
    assert len(artists()) == len({artist.style for artist in artists()}) == 10
    assert set(counts) == {artist.id for artist in artists()}
    assert min(counts.values()) >= 6
    assert len(_originals()) >= 64


def test_corpus_sorted_and_unique():
    """A song is found by its id or its title, and an ISRC belongs to one recording."""
    ids = [song.id for song in songs()]
    isrcs = [song.isrc for song in songs() if song.isrc]
    assert ids == sorted(set(ids))
    assert len({song.title.casefold() for song in songs()}) == len(songs())
    assert len(set(isrcs)) == len(isrcs)
    assert 0 < len(isrcs) < len(songs())


@pytest.mark.parametrize("song", songs(), ids=lambda song: str(song.id))
def test_song_matches_artist(song: SampleSong):
    """Ids, names and headers of a song fit together, and it is as long as a real one."""
    artist = next(artist for artist in artists() if artist.id == song.artist_id)
    sections = split_sections(song.lyrics)
    assert song.artist == artist.name
    assert song.id // 100 == song.artist_id
    assert song.artist not in song.featured
    assert 150 <= len(_words(song)) <= 600
    assert len(sections) == len(re.findall(r"^\[", song.lyrics, flags=re.M))
    assert not {section.kind for section in sections} & {"unlabelled", "other"}
    assert sum(section.kind == "verse" for section in sections) >= 2


@pytest.mark.parametrize("song", songs(), ids=lambda song: str(song.id))
def test_song_needs_no_cleaning(song: SampleSong):
    """The lyrics are as a parser should give them: cleaning finds no junk in them and changes nothing."""
    assert clean_lyrics(song.lyrics, song.title) == song.lyrics


@pytest.mark.parametrize("song", songs(), ids=lambda song: str(song.id))
def test_song_language_is_detectable(song: SampleSong):
    """The language that the page names is the one that its words show."""
    assert detect_language(song.lyrics) == song.language


def test_corpus_years_and_languages():
    """Trends by year have no gap from 1988 to 2025, and the language filter has something to keep out."""
    assert {song.release_date.year for song in songs()} == set(range(1988, 2026))
    assert {"en", "es", "fr", "de"} == {song.language for song in songs()}


def test_layouts_are_used_evenly():
    """Each of the five page layouts shows about a fifth of the songs."""
    counts = Counter(song.layout for song in songs())
    assert set(counts) == {1, 2, 3, 4, 5}
    assert max(counts.values()) - min(counts.values()) <= 3


def test_corpus_includes_featured_artists():
    """Artists of the corpus feature one another, and sections name two voices."""
    names = {artist.name for artist in artists()}
    voices = [section.voices for song in songs() for section in split_sections(song.lyrics)]
    assert sum(bool(names & set(song.featured)) for song in songs()) >= 8
    assert sum(len(voice) == 2 for voice in voices) >= 10


def test_duplicates_share_their_words():
    """The marked duplicates hash like their originals although the texts differ."""
    by_id = {song.id: song for song in songs()}
    marked = [(song, by_id[song.duplicate_of]) for song in songs() if song.duplicate_of]
    assert len(marked) == 2
    for copy, original in marked:
        assert copy.lyrics != original.lyrics
        assert content_hash(copy.lyrics) == content_hash(original.lyrics)


def test_originals_share_almost_nothing():
    """No song is a near copy of another: any two share under 5 % of their five-word shingles."""
    shingles = {song.id: _shingles(song) for song in _originals()}
    near = [
        (one, other)
        for (one, left), (other, right) in combinations(shingles.items(), 2)
        if len(left & right) / len(left | right) > 0.05
    ]
    assert near == []


def test_originals_differ_in_hash():
    """Deduplication by hash finds the marked duplicates and nothing else."""
    assert len({content_hash(song.lyrics) for song in songs()}) == len(_originals())


def test_technician_rhymes_most_densely():
    """The styles show in the measures: the technician's rhyme density leads by a quarter or more."""
    densities: dict[int, list[float]] = defaultdict(list)
    for song in _originals():
        if song.language == "en":
            density, *_ = lift_of(song_words_of(read(split_sections(song.lyrics))))
            densities[song.artist_id].append(density)
    technician = mean(densities.pop(1001))
    assert technician > 1.25 * max(mean(values) for values in densities.values())


def test_styles_follow_years():
    """The years show: lines of the first six years are short, songs since 2017 end lines in ad-libs."""
    old = [song for song in _originals() if song.release_date.year <= 1993]
    new = [song for song in _originals() if song.release_date.year >= 2017]
    assert _words_a_line(old) < 0.9 * _words_a_line(_originals())
    assert _adlibs_a_line(new) > 2 * _adlibs_a_line(old)


def _lines(chosen: list[SampleSong]) -> list[str]:
    return [line for song in chosen for line in sung_lines(split_sections(song.lyrics))]


def _words_a_line(chosen: list[SampleSong]) -> float:
    return mean(len(line.split()) for line in _lines(chosen))


def _adlibs_a_line(chosen: list[SampleSong]) -> float:
    return mean(line.endswith(")") for line in _lines(chosen))


def test_parse_song_complete_file():
    """Optional keys get their defaults, types come from YAML, the lyrics carry no outer empty lines."""
    song = parse_song("a.md", GOOD)
    assert (song.id, song.release_date, song.featured, song.album) == (100199, date(2016, 3, 11), (), None)
    assert song.lyrics == "[Verse 1]\nOne line"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no front matter",
        "---\nid: 1\n",
        GOOD.replace("title: A Title\n", ""),
        GOOD.replace("layout: 1", "layout: 1\nlabel: Unknown Key"),
        GOOD.replace("2016-03-11", "sometime"),
        GOOD.replace("id: 100199", "id: one"),
        GOOD.replace("title: A Title", "title: [unclosed"),
        GOOD.replace("title: A Title", "- a\n- list"),
        GOOD.replace("layout: 1", "layout: 6"),
        "---\njust words\n---\n[Verse]\nOne line\n",
    ],
)
def test_parse_song_broken_file(text: str):
    """A file that is not a song is refused with its name, never read half."""
    with pytest.raises(SampleCorpusError, match=r"broken\.md"):
        parse_song("broken.md", text)


@given(st.text(max_size=300))
def test_parse_song_any_text(text: str):
    """Whatever stands in the front matter, the outcome is a song or the one error."""
    with contextlib.suppress(SampleCorpusError):
        parse_song("any.md", f"---\n{text}\n---\nwords")


def test_corpus_from_zipped_package(tmp_path: Path):
    """The songs are package resources: they are found where no file system path exists, as in a zip."""
    package = Path(sys.modules["rapray"].__path__[0])
    archive = tmp_path / "rapray.zip"
    needed = [package / "__init__.py", package / "errors.py", *(package / "samples").rglob("*")]
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in needed:
            if file.suffix in {".py", ".md", ".yaml"}:
                zipped.write(file, file.relative_to(package.parent))
    code = "import rapray.samples.corpus as c; print(c.__file__, len(c.songs()))"
    found = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(archive)!r}); {code}"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert found.stdout.split() == [f"{archive}/rapray/samples/corpus.py", str(len(songs()))]
