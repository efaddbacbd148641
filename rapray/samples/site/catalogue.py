"""What the site lists: the corpus, the difficult songs and who performs them, by id and by path.

Does not know JSON or HTML; `api` and `pages` draw from here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from rapray.samples.corpus import SampleArtist, SampleSong, artists, songs
from rapray.samples.site.faults import DIFFICULT_ARTIST, DIFFICULT_ARTIST_ID, Fault, difficult_songs
from rapray.text.fold import without_accents

# Translations live under accounts of their own. A page's credit may differ from the one its listing still shows.
TRANSLATORS = SampleArtist(1098, "Genius English Translations", "genius-english-translations", "translations")
_DIFFICULT = SampleArtist(
    DIFFICULT_ARTIST_ID, DIFFICULT_ARTIST, "the-difficult-pages", "every difficult page"
)
_FIRST_GUEST_ID = 1901
_NOT_MUSIC = {Fault.TRACKLIST, Fault.INTERVIEW}
_STATES = {Fault.UNRELEASED: "unreleased", Fault.INCOMPLETE: "incomplete"}
_PLACEHOLDERS = {Fault.INSTRUMENTAL: "instrumental", Fault.UNRELEASED: "unreleased"}


def slug(text: str) -> str:
    """Letters, digits and hyphens, the first letter large and the others small, as in Genius' paths."""
    kept = re.sub(r"[^a-z0-9 -]", "", without_accents(text).replace("&", "and").lower())
    return "-".join(re.split(r"[\s-]+", kept.strip(" -"))).capitalize()


@dataclass(frozen=True, slots=True)
class Performer:
    """Somebody whom a song credits; guests who have no songs of their own too."""

    id: int
    name: str

    @property
    def path(self) -> str:
        """The path of the artist's page."""
        return f"/artists/{slug(self.name)}"


@dataclass(frozen=True, slots=True)
class ListedSong:
    """A song as the site knows it: the sample, its performers, and what is wrong with its page, if anything."""

    sample: SampleSong
    primary: Performer
    featured: tuple[Performer, ...]
    fault: Fault | None = None

    @property
    def path(self) -> str:
        """Where the page is, or where it was before it moved."""
        old = "-old" if self.fault is Fault.MOVED else ""
        return f"{self._stem}{old}-lyrics"

    @property
    def new_path(self) -> str:
        """Where the page is now."""
        return f"{self._stem}-lyrics"

    @property
    def _stem(self) -> str:
        return f"/{slug(f'{self.primary.name} {self.sample.title}')}"

    @property
    def state(self) -> str:
        """Genius' `lyrics_state`."""
        return _STATES.get(self.fault, "complete") if self.fault else "complete"

    @property
    def placeholder(self) -> str | None:
        """Why the page shows no lyrics, where it says so."""
        return _PLACEHOLDERS.get(self.fault) if self.fault else None

    @property
    def is_instrumental(self) -> bool:
        """True where nobody sings."""
        return self.fault in {Fault.INSTRUMENTAL, Fault.INSTRUMENTAL_TEXT}

    @property
    def is_music(self) -> bool:
        """False for tracklists, interviews and other texts."""
        return self.fault not in _NOT_MUSIC

    @property
    def author(self) -> Performer:
        """Whom the page credits: the account that made it where the song is a translation."""
        if self.fault is Fault.TRANSLATION:
            return Performer(TRANSLATORS.id, TRANSLATORS.name)
        return self.primary

    @property
    def pageviews(self) -> int:
        """A made-up popularity that never changes."""
        return int.from_bytes(digest(f"views {self.sample.id}")[:3])

    @property
    def spotify_id(self) -> str | None:
        """A made-up Spotify id (22 of base 62) for recordings that have an ISRC."""
        return _base62(digest(self.sample.isrc)) if self.sample.isrc else None


class Catalogue:
    """Every song of the site by id and path, every performer by id."""

    def __init__(self, *, faults: bool) -> None:
        listed = [(song, None) for song in songs()]
        if faults:
            listed += [(one.song, one.fault) for one in difficult_songs()]
        known = (*artists(), *((_DIFFICULT, TRANSLATORS) if faults else ()))
        by_name = {artist.name: Performer(artist.id, artist.name) for artist in known}
        guests = sorted({name for song, _ in listed for name in song.featured} - by_name.keys())
        by_name |= {name: Performer(_FIRST_GUEST_ID + place, name) for place, name in enumerate(guests)}
        self.performers = {performer.id: performer for performer in by_name.values()}
        self.songs = {
            song.id: ListedSong(song, by_name[song.artist], tuple(by_name[n] for n in song.featured), fault)
            for song, fault in listed
        }
        self.by_path = {path: song for song in self.songs.values() for path in (song.path, song.new_path)}

    def songs_of(self, performer_id: int) -> list[ListedSong]:
        """The songs that credit somebody, as a guest too, in the order of their titles."""
        credited = (
            song
            for song in self.songs.values()
            if performer_id in {song.primary.id, *(guest.id for guest in song.featured)}
        )
        return sorted(credited, key=lambda song: song.sample.title.casefold())

    def found(self, query: str) -> list[ListedSong]:
        """The songs whose title and performers hold every word of the query, most read first."""
        words = _folded(query).split()
        hits = (song for song in self.songs.values() if words and all(w in _searched(song) for w in words))
        return sorted(hits, key=lambda song: -song.pageviews)


def digest(text: str) -> bytes:
    """Bytes that look random and are the same in every run."""
    return hashlib.sha256(text.encode()).digest()


def _base62(raw: bytes) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(digits[byte % 62] for byte in raw[:22])


def _searched(song: ListedSong) -> str:
    return _folded(" ".join([song.sample.title, song.primary.name, *(guest.name for guest in song.featured)]))


def _folded(text: str) -> str:
    return slug(text).lower().replace("-", " ")
