"""A small collection in a real database: stored, embedded and analysed by the real parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import pytest

from rapray.analyzers.algorithmic import AlgorithmicAnalyzer
from rapray.config import DatabaseSettings, EmbeddingSettings, RedisSettings, Settings
from rapray.domain import (
    Analysis,
    Artist,
    FetchResult,
    Lyric,
    LyricVectors,
    Outcome,
    SongRef,
    Track,
    embed_stage,
)
from rapray.embeddings import Embedder, embed_lyrics, load_embedder
from rapray.samples.corpus import SampleSong, songs
from rapray.store import runs, tracks
from rapray.store.analyses import write_analyses
from rapray.store.models import register_model
from rapray.store.pool import connect
from rapray.store.vectors import write_embeddings
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections


@dataclass(frozen=True)
class Collection:
    """What is stored, and the settings that lead to it."""

    settings: Settings
    ids: dict[str, int]
    embedder: Embedder


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The built-in model."""
    pytest.importorskip("torch", reason="the embeddings extra is not installed")
    return load_embedder(EmbeddingSettings())


@dataclass(frozen=True)
class _Results:
    chosen: list[SampleSong]
    vectors: dict[str, LyricVectors]  # by title
    analyses: dict[str, Analysis]


@pytest.fixture(scope="session")
def results(embedder: Embedder) -> _Results:
    """Six sample songs, embedded and analysed once for all tests."""
    chosen = list(islice((song for song in songs() if song.duplicate_of is None), 6))
    lyrics = [
        Lyric(s.title, s.lyrics, split_sections(s.lyrics), content_hash(s.lyrics), s.title) for s in chosen
    ]
    vectors = {v.key: v for v in embed_lyrics(embedder, lyrics) if isinstance(v, LyricVectors)}
    analyses = {a.key: a for a in AlgorithmicAnalyzer().analyze(lyrics) if isinstance(a, Analysis)}
    assert len(vectors) == len(analyses) == len(chosen)
    return _Results(chosen, vectors, analyses)


@pytest.fixture
def collection(database_url: str, redis_url: str, embedder: Embedder, results: _Results) -> Collection:
    """Six sample songs in the database, as the jobs would have left them."""
    with connect(database_url, application_name="test") as conn:
        run_id = runs.start(conn, "test", {})
        fetched = [_fetched(song) for song in results.chosen]
        tracks.write_fetched(conn, run_id, fetched, max_attempts=3, retry_delay_s=1)
        tracks.group_duplicates(conn)
        ids: dict[str, int] = dict(conn.execute("SELECT title, id FROM tracks").fetchall())
        model_id, dimension = register_model(conn, embedder.model), embedder.model.dimension or 0
        vectors = [replace(results.vectors[title], key=str(i)) for title, i in ids.items()]
        write_embeddings(conn, run_id, model_id, dimension, vectors, stage=embed_stage(embedder.model))
        write_analyses(
            conn, run_id, [replace(results.analyses[title], key=str(i)) for title, i in ids.items()]
        )
    settings = Settings.model_validate(
        {"database": DatabaseSettings(url=database_url), "redis": RedisSettings(url=redis_url)}
    )
    return Collection(settings, ids, embedder)


def _fetched(song: SampleSong) -> FetchResult:
    artist = Artist("genius", str(song.artist_id), song.artist)
    url = f"https://genius.example/{song.id}"
    track = Track(
        source="genius",
        source_id=str(song.id),
        title=song.title,
        artist=artist,
        lyrics=song.lyrics,
        sections=split_sections(song.lyrics),
        content_hash=content_hash(song.lyrics),
        url=url,
        language="en",
        album=song.album,
        release_date=song.release_date if isinstance(song.release_date, date) else None,
        release_year=song.release_date.year,
    )
    return FetchResult(SongRef("genius", str(song.id), url, song.title, artist), Outcome.LYRICS, track)
