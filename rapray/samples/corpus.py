"""Reads the sample corpus: original songs by made-up artists, shipped inside the package.

Does not know how a web site shows them (`samples/site`), nor how a lyric is cleaned or measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import ConfigDict, Field, TypeAdapter

from rapray.errors import SampleCorpusError

_FENCE = "---\n"
_OPTIONAL: dict[str, Any] = {"featured": (), "album": None, "isrc": None, "duplicate_of": None}


@dataclass(frozen=True, slots=True)
class SampleArtist:
    """A made-up performer; `slug` is the folder of the songs, `style` a few words a reader understands."""

    id: int
    name: str
    slug: str
    style: str


@dataclass(frozen=True, slots=True)
class SampleSong:
    """One original song; `lyrics` has headers in brackets, one sung line a line, one empty line between stanzas.

    `layout` (1 to 5) is the page layout that the sample site shows it in. `duplicate_of` is the id of the song whose
    words this one repeats with other punctuation, as a single and its album version do.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: int
    title: str
    artist: str
    artist_id: int
    featured: tuple[str, ...]
    album: str | None
    release_date: date
    language: str
    explicit: bool
    layout: Annotated[int, Field(ge=1, le=5)]
    isrc: str | None
    duplicate_of: int | None
    lyrics: str


@cache
def artists() -> tuple[SampleArtist, ...]:
    """Every artist of the corpus, by id."""
    entries = yaml.safe_load(_songs_folder().joinpath("artists.yaml").read_text(encoding="utf-8"))
    return tuple(sorted((SampleArtist(**entry) for entry in entries), key=lambda artist: artist.id))


@cache
def songs() -> tuple[SampleSong, ...]:
    """Every song of the corpus, by id.

    Raises:
        SampleCorpusError: a file has no front matter, or one with missing, unknown or ill-typed keys.
    """
    return tuple(sorted((parse_song(name, text) for name, text in _song_files()), key=lambda song: song.id))


def parse_song(name: str, text: str) -> SampleSong:
    """The song in one file: YAML front matter between two `---` lines, then the lyrics.

    Args:
        name: The file's name, for the error alone.
        text: The file's whole text.

    Raises:
        SampleCorpusError: the front matter is absent, or its keys are missing, unknown or ill-typed.
    """
    opening, fence, rest = text.partition(_FENCE)
    header, closing, lyrics = rest.partition(f"\n{_FENCE}")
    if opening or not fence or not closing:
        raise SampleCorpusError(name=name, reason="there is no front matter between two lines of ---")
    try:
        fields: dict[str, Any] = {**_OPTIONAL, **yaml.safe_load(header), "lyrics": lyrics.strip("\n")}
        return TypeAdapter(SampleSong).validate_python(fields)
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise SampleCorpusError(name=name, reason=str(error)) from error


def _song_files() -> Iterator[tuple[str, str]]:
    folder = _songs_folder()
    for artist in artists():
        for file in folder.joinpath(artist.slug).iterdir():
            if file.name.endswith(".md"):
                yield f"{artist.slug}/{file.name}", file.read_text(encoding="utf-8")


def _songs_folder() -> Traversable:
    return files("rapray.samples").joinpath("songs")
