"""Texts as stored tracks, the way collecting leaves them, and what analyzers have left for them.

Knows no Ray: jobs run over what stands here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from rapray.domain import Artist, FetchResult, Outcome, SongRef, Track
from rapray.samples.corpus import SampleSong
from rapray.store import runs, tracks
from rapray.store.pool import connect
from rapray.text.cleaning.lyrics import clean_lyrics
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections

_RESULTS = """
SELECT DISTINCT ON (p.analyzer, t.id)
       p.analyzer, t.source_id, t.title, p.version, a.content_hash, a.sentiment, a.confidence, a.data, a.analysis_embedding::text,
       p.model, p.model_revision, p.prompt_version, p.parameters, a.input_tokens, a.output_tokens
FROM analysis_results a JOIN provenances p ON p.id = a.provenance_id JOIN tracks t ON t.id = a.track_id
ORDER BY p.analyzer, t.id, a.created_at DESC, p.id DESC"""
_VECTORS = """
SELECT m.name, t.source_id, e.passage, e.embedding::text
FROM lyric_embeddings e JOIN models m ON m.id = e.model_id JOIN tracks t ON t.id = e.track_id"""
_FAILURES = """
SELECT split_part(d.stage, '/', 2), t.title, d.code FROM dead_letters d JOIN tracks t ON t.id::text = d.key
WHERE d.stage LIKE 'analyze/%'"""


def song_of(song: SampleSong) -> FetchResult:
    """A sample song as collected."""
    return fetched(str(song.id), song.title, clean_lyrics(song.lyrics), str(song.artist_id), song.artist)


def fetched(key: str, title: str, text: str, artist_id: str = "1", artist: str = "Nobody") -> FetchResult:
    """Any text as collected; it is not cleaned."""
    who, url = Artist("genius", artist_id, artist), f"http://127.0.0.1/{key}"
    track = Track("genius", key, title, who, text, split_sections(text), content_hash(text), url)
    return FetchResult(SongRef("genius", key, url, title, who), Outcome.LYRICS, track)


def store(database_url: str, results: Iterable[FetchResult]) -> dict[str, int]:
    """Write them; the id of every stored track by its title."""
    with connect(database_url, application_name="test") as conn:
        run_id = runs.start(conn, "seed", {})
        tracks.write_fetched(conn, run_id, list(results), max_attempts=3, retry_delay_s=1)
        tracks.group_duplicates(conn)
        return dict(conn.execute("SELECT title, id FROM tracks").fetchall())


def results_of(database_url: str, by: str = "title") -> dict[tuple[str, str], dict[str, Any]]:
    """Return stored results by analyzer and title (or "source_id"): what text and analyzer decide of them.

    Of several results of one analyzer for a track it is the newest.
    """
    with psycopg.connect(database_url, row_factory=dict_row) as conn:
        rows = conn.execute(_RESULTS).fetchall()
    results = {(row.pop("analyzer"), row[by]): row for row in rows}
    assert len(results) == len(rows), f"two tracks have the same {by}"
    return results


def vectors_of(database_url: str) -> dict[tuple[str, str, int], list[float]]:
    """Return every stored vector by model, the track's id at its source, and passage."""
    with psycopg.connect(database_url) as conn:
        return {
            (model, track, passage): json.loads(text)
            for model, track, passage, text in conn.execute(_VECTORS)
        }


def failures_of(database_url: str) -> dict[tuple[str, str], str]:
    """The code of every stored failure, by analyzer and title."""
    with psycopg.connect(database_url) as conn:
        return {(analyzer, title): code for analyzer, title, code in conn.execute(_FAILURES).fetchall()}
