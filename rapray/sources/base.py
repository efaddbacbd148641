"""What every source of lyrics can do: find an artist, list the songs, fetch one.

Does not know where songs are kept, how work is shared out, or what HTTP is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rapray.domain import Artist, FetchResult, SongRef


@dataclass(frozen=True, slots=True)
class Discovery:
    """One song in an artist's list. `is_feature` is True where the song belongs to another artist."""

    ref: SongRef
    is_feature: bool


class Source(Protocol):
    """A place that lyrics come from.

    A source holds connections, so it is made inside the worker from settings and never pickled.
    """

    @property
    def name(self) -> str:
        """The name that `Artist.source` and `Track.source` carry."""
        ...

    def find_artist(self, name_or_id: str) -> Artist:
        """The artist with this id (digits) or name.

        Raises:
            SourceArtistNotFound: The source knows no such artist.
            SourceError: The source could not be asked.
        """
        ...

    def discover(self, artist: Artist) -> Iterator[Discovery]:
        """Every song that the source lists for the artist, each once, features of others included.

        Raises:
            SourceError: The list could not be read to its end.
        """
        ...

    def fetch(self, ref: SongRef) -> FetchResult:
        """Reads one song. Whatever goes wrong is an outcome of the result, not an error."""
        ...

    def close(self) -> None:
        """Gives the connections back."""
        ...
