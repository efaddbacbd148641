"""An app over services in memory, and a client that speaks to it without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.serve.api import create_app
from rapray.serve.backend import TrackDetail
from rapray.serve.memory import MemoryServices
from rapray.store.records import TrackSummary
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections
from tests.support.request_limits import request_limits

LYRICS = (
    "[Verse 1: Ada]\nI light the night\nand hold it tight\n\n[Chorus]\nKeep the river running\nriver running"
)


def rhyme(kind: str, line: int, word: int, start: int) -> dict[str, Any]:
    """One member of a chain, five letters long."""
    place = {"section": 0, "line": line, "first_word": word, "last_word": word}
    return {**place, "start": start, "end": start + 5, "syllables": 1, "kind": kind}


CHAIN = {"grade": "perfect", "syllables": 1}
END = rhyme("end", 0, 3, 12)
DATA = {
    "counts": {"words": 15, "lines": 4},
    "rhyme": {
        "density_malmi": 0.9,
        "chains": [
            {**CHAIN, "label": "A", "kind": "end", "members": [END, rhyme("end", 1, 3, 12)]},
            {**CHAIN, "label": "B", "kind": "internal", "members": [rhyme("internal", 0, 1, 2), END]},
        ],
    },
}


def counted(lyric: Lyric) -> Analysis:
    """An analyzer that counts lines."""
    lines = sum(len(section.lines) for section in lyric.sections)
    data = {"counts": {"lines": lines}}
    return Analysis(
        lyric.key, Provenance("algorithmic", "1.0.0"), lyric.content_hash, data, embedding=(0.5,) * 4
    )


def failing(lyric: Lyric) -> Failure:
    """An analyzer that always says why it cannot."""
    return Failure("analyze/failing/1.0.0", lyric.key, "analysis_failed", "no luck with /etc/secret")


def track(track_id: int, lyrics: str = LYRICS, **changes: Any) -> TrackDetail:
    """A stored track."""
    digest = content_hash(lyrics)
    summary = TrackSummary(
        track_id,
        f"Song {track_id}",
        1,
        "Ada",
        (),
        "First",
        1999,
        "en",
        "https://example.org/song",
        digest,
        None,
    )
    analysis = Analysis(str(track_id), Provenance("algorithmic", "1.0.0"), digest, DATA)
    return TrackDetail(replace(summary, **changes), lyrics, split_sections(lyrics), analyses=(analysis,))


@pytest.fixture
def make_track() -> Callable[..., TrackDetail]:
    """Makes stored tracks."""
    return track


@pytest.fixture
def services() -> MemoryServices:
    """Twelve tracks by two artists and two analyzers, one of which fails."""
    tracks = [track(i, artist="Ada" if i <= 8 else "Büşra", release_year=1990 + i) for i in range(1, 13)]
    limits = request_limits(max_body_bytes=3_000_000, max_lyrics_chars=1_000_000)
    return MemoryServices(tracks, {"algorithmic": counted, "failing": failing}, limits=limits)


@pytest.fixture
async def client(services: MemoryServices) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app; an exception that no handler takes becomes a 500, as it would behind a server."""
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://rapray.test") as opened:
        yield opened
