"""An artist with the size of their vocabulary, counted from the stored lyrics.

Does not know HTTP, and not what a word is: `rapray.text` does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import chain, islice

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from rapray.domain import LARGEST_ID
from rapray.store import queries
from rapray.store.pool import acquired
from rapray.store.records import StoredArtist
from rapray.store.values import sections_of
from rapray.text.sections import sung_lines
from rapray.text.tokens import words
from rapray.text.words.diction import DANIELS_WORDS, daniels, distinct

Pool = AsyncConnectionPool[AsyncConnection]
_SQL = queries.load("artists")
_SONGS_A_READ = 16  # about eight thousand words: five reads are enough for most artists


async def get_artist(pool: Pool, artist_id: int, *, window: int = DANIELS_WORDS) -> StoredArtist | None:
    """An artist with the words of the first songs, None where there is none of this id.

    Songs are those whose artist this is, not those that feature them, in order of release date, then of id; one that
    is known by its year alone stands at the year's first day, one without either at the end. Tracks with the same
    words (a duplicate group) count once, the first of them. Reads no further than `window` words.

    Args:
        pool: of the collection.
        artist_id: any whole number.
        window: how many words are read.
    """
    if not 1 <= artist_id <= LARGEST_ID:
        return None
    async with acquired(pool) as conn:
        row = await (await conn.execute(_SQL["artist"], {"id": artist_id})).fetchone()
        songs = [song for (song,) in await (await conn.execute(_SQL["songs"], {"id": artist_id})).fetchall()]
    if row is None:
        return None
    found = await _first_words(pool, songs, window)
    return StoredArtist(
        *row, words_read=len(found), distinct_words=distinct(found), daniels=daniels(found, window)
    )


async def _first_words(pool: Pool, songs: Sequence[int], window: int) -> list[str]:
    """Holds a connection only while it reads: to count takes longer."""
    found: list[str] = []
    for start in range(0, len(songs), _SONGS_A_READ):
        async with acquired(pool) as conn:
            ids = {"ids": songs[start : start + _SONGS_A_READ]}
            rows = await (await conn.execute(_SQL["sections"], ids)).fetchall()
        found += await asyncio.to_thread(_words, rows, window - len(found))
        if len(found) == window:
            break
    return found


def _words(songs: Sequence[tuple[str, str]], most: int) -> list[str]:
    """The first words of songs, each a lyric and its marks as unread JSON: a hostile one takes a while."""
    sections = [section for lyrics, marks in songs for section in sections_of(lyrics, json.loads(marks))]
    return list(islice(chain.from_iterable(map(words, sung_lines(sections))), most))
