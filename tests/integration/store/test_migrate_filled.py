"""The newest migrations on a database that the program of revision 0004 has filled."""

from __future__ import annotations

from pathlib import Path

from psycopg.rows import dict_row

from rapray.domain import Provenance
from rapray.store import due, failures, migrate, provenances
from rapray.store.due import DueAnalyses
from rapray.store.pool import connect
from rapray.store.values import marks_of, sections_of
from rapray.text.sections import split_sections
from tests.support.databases import migrate_to

RULES_1, RULES_2 = Provenance("rules", "1.0"), Provenance("rules", "2.0")
MODEL = Provenance("mood", "1", 'org/mé "x"', "r@1", "v1-ab", "0c")
STAGES = {
    "analyze/mood/1/org%2Fm%C3%A9%20%22x%22@r%401/v1-ab/0c": MODEL.stage,
    "analyze/mood/1/gemma3:4b@r": Provenance("mood", "1", "gemma3:4b", "r").stage,
    "analyze/mood/1/m@r//0c": Provenance("mood", "1", "m", "r", parameters="0c").stage,
    "analyze/rules/2.0": RULES_2.stage,  # of track 4
    "analyze/shout/1//v1": Provenance("shout", "1", prompt_version="v1").stage,
    "embed/org/m@r": "embed/org/m@r",
    "collect/genius": "collect/genius",
}


def test_migration_keeps_what_is_stored(empty_database_url: str) -> None:
    """Every result stands under its provenance, and what was done, stale and dead is so afterwards."""
    migrate_to(empty_database_url, "0004")
    with connect(empty_database_url, application_name="test") as conn:
        conn.execute((Path(__file__).parent / "filled_0004.sql").read_bytes())
        for number, stage in enumerate(STAGES):
            conn.execute(
                "INSERT INTO dead_letters (stage, key, code, detail, is_dead) VALUES (%s, %s, 'x', '', true)",
                (stage, str(number + 1)),
            )
    assert migrate.upgrade(empty_database_url) == migrate.head()
    with connect(empty_database_url, application_name="test") as conn:
        stored = {one.provenance: one for one in provenances.list_(conn)}
        assert {one: (row.digest, row.results) for one, row in stored.items()} == {
            RULES_1: (RULES_1.digest, 3),
            RULES_2: (RULES_2.digest, 2),
            MODEL: (MODEL.digest, 1),
        }
        assert {letter.key: letter.stage for letter in failures.list_(conn)} == {
            str(number + 1): stage for number, stage in enumerate(STAGES.values())
        }
        for lyrics, marks in conn.execute("SELECT lyrics, sections FROM tracks").fetchall():
            assert sections_of(lyrics, marks) == split_sections(lyrics)
            assert marks == marks_of(lyrics, split_sections(lyrics))
        duplicates = "SELECT track_id, leader_id, kind, similarity FROM duplicates"
        assert conn.execute(duplicates).fetchall() == [(2, 1, "same_text", 1.0)]
        found = due.coverage(conn, DueAnalyses(RULES_2))
        assert (found.tracks, found.done, found.stale, found.dead) == (4, 1, 2, 1)
        with conn.cursor(row_factory=dict_row) as cursor:
            [row] = cursor.execute(
                """SELECT r.track_id, r.content_hash, r.sentiment, r.confidence, r.data, r.seconds, r.input_tokens,
                          r.output_tokens, r.cost_usd, r.created_at::date::text, vector_dims(r.analysis_embedding)
                   FROM analysis_results r JOIN provenances p ON p.id = r.provenance_id WHERE p.analyzer = 'mood'"""
            ).fetchall()
    assert tuple(row.values()) == (3, "h3", 0.5, 0.25, {"mood": "é"}, 1.5, 7, 9, 0.125, "2025-03-01", 256)
