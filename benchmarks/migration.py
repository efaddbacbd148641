"""How long does `rapray db upgrade` take on a collection that the last release filled?

The database has revision 0004, with as many tracks as rapray plans for on a laptop and five results of most of them.
Each migration is timed by itself. The alternative is a plain copy of the two large tables, indexes included.

    python -m benchmarks.migration [--tracks 57718] [--json]
"""

from __future__ import annotations

import argparse
import json
from functools import partial

import psycopg
from psycopg import sql

from benchmarks.database import fresh_database
from benchmarks.timing import seconds
from tests.support.databases import create_database, migrate_to

REVISIONS = ("0005", "0006", "0007")
# A thousand lyrics of eight verses, seven lines and eight words each. A track adds its number to the last line.
LYRICS = """
CREATE TABLE lyrics AS SELECT k, string_agg(line, E'\n' ORDER BY l) AS lyrics FROM (
    SELECT k, l, CASE WHEN l % 8 = 0 THEN '[Verse ' || l / 8 + 1 || ']' ELSE array_to_string(ARRAY(
        SELECT substr(md5((k * l * w)::text), 1, 3 + w % 4) FROM generate_series(1, 8) w), ' ') END AS line
    FROM generate_series(1, 1000) k, generate_series(0, 63) l
) every_line GROUP BY k
"""
SECTIONS = """
CREATE TABLE sections AS SELECT k, lyrics, (
    SELECT jsonb_agg(jsonb_build_object(
        'kind', 'verse', 'number', v + 1, 'label', 'Verse ' || v + 1, 'voices', '[]'::jsonb,
        'lines', to_jsonb((string_to_array(lyrics, E'\n'))[v * 8 + 2 : v * 8 + 8])))
    FROM generate_series(0, 7) v) AS sections
FROM lyrics
"""
TRACKS = """
INSERT INTO tracks (source, source_id, artist_id, title, lyrics, sections, url, content_hash)
SELECT 'g', n::text, 1, 'Song', lyrics || ' ' || n,
       jsonb_set(sections, '{7,lines,6}', to_jsonb((sections #>> '{7,lines,6}') || ' ' || n)), 'u',
       md5((n %% 50000)::text)
FROM generate_series(1, %(tracks)s) n JOIN sections ON k = n %% 1000 + 1
"""
# About 3 kB for a model's result and 18 kB for the rules', which hardly compress.
BLOBS = """
CREATE TABLE blobs AS SELECT k, (
    SELECT jsonb_object_agg(i::text, md5((i * k)::text))
    FROM generate_series(1, CASE WHEN k % 5 = 0 THEN 400 ELSE 40 END) i) AS data
FROM generate_series(1, 500) k
"""
RESULTS = """
INSERT INTO analysis_results (track_id, analyzer, version, content_hash, data, analysis_embedding,
                              model, model_revision, prompt_version)
SELECT t.id, 'a' || %(n)s, '1.0', t.content_hash, b.data, array_fill(0.5::real, ARRAY[256])::halfvec,
       CASE WHEN %(n)s > 1 THEN 'org/model' END, CASE WHEN %(n)s > 1 THEN 'r1' END,
       CASE WHEN %(n)s > 1 THEN 'v1-abc' END
FROM tracks t JOIN blobs b ON b.k = t.id %% 100 * 5 + CASE WHEN %(n)s = 0 THEN 5 ELSE %(n)s END
WHERE t.id %% 100 < CASE WHEN %(n)s = 4 THEN 67 ELSE 100 END
"""


def fill(conn: psycopg.Connection, tracks: int) -> int:
    """Fill a database of revision 0004; return the number of results."""
    conn.execute("INSERT INTO artists (source, source_id, name, name_normalized) VALUES ('g', 'a', 'A', 'a')")
    conn.execute("DROP INDEX tracks_lyrics_tsv")  # one row at a time it would take minutes
    for statement in (LYRICS, SECTIONS, BLOBS):
        conn.execute(statement)
    conn.execute(TRACKS, {"tracks": tracks})
    conn.execute("UPDATE tracks SET duplicate_group = id")
    conn.execute("CREATE INDEX tracks_lyrics_tsv ON tracks USING gin (lyrics_tsv) WITH (fastupdate = off)")
    results = sum(conn.execute(RESULTS, {"n": analyzer}).rowcount for analyzer in range(5))
    conn.execute("VACUUM ANALYZE")
    conn.execute("CHECKPOINT")
    return results


def copy_table(conn: psycopg.Connection, table: str) -> None:
    """Copy a table with its indexes into a new one, and drop the copy."""
    query = """
        SELECT array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'
    """
    row = conn.execute(query, (table,)).fetchone()
    assert row is not None
    names = {"copy": sql.Identifier(f"{table}_copy"), "table": sql.Identifier(table)}
    columns = sql.SQL(", ").join(map(sql.Identifier, row[0]))
    conn.execute(
        sql.SQL("CREATE TABLE {copy} (LIKE {table} INCLUDING ALL EXCLUDING IDENTITY)").format(**names)
    )
    insert = sql.SQL("INSERT INTO {copy} ({columns}) SELECT {columns} FROM {table}")
    conn.execute(insert.format(columns=columns, **names))
    conn.execute(sql.SQL("DROP TABLE {copy}").format(**names))


def main() -> None:
    """Print a table, or one JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=int, default=57_718)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with fresh_database() as server:
        url = create_database(server, "filled")
        migrate_to(url, "0004")
        with psycopg.connect(url, autocommit=True) as conn:
            results = fill(conn, options.tracks)
            timed = {
                f"copy of {table}": seconds(partial(copy_table, conn, table))
                for table in ("analysis_results", "tracks")
            }
        timed |= {revision: seconds(partial(migrate_to, url, revision)) for revision in REVISIONS}
    rounded = {name: round(taken, 1) for name, taken in timed.items()}
    if options.json:
        print(
            json.dumps(
                {"benchmark": "migration", "tracks": options.tracks, "results": results, "seconds": rounded}
            )
        )
        return
    print(f"{options.tracks} tracks, {results} results")
    for name, taken in rounded.items():
        print(f"{name:26} {taken:6.1f} s")
    print(f"0005 / copy of analysis_results: {timed['0005'] / timed['copy of analysis_results']:.2f} x")
    print(f"0007 / copy of tracks: {timed['0007'] / timed['copy of tracks']:.2f} x")


if __name__ == "__main__":
    main()
