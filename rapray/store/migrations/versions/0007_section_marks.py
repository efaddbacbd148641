"""Sections without their lines: where they stand in the lyric, which is stored once."""

from collections.abc import Iterator
from typing import Any

import psycopg
from alembic import op
from psycopg.types.json import Jsonb

from rapray.store.migrate import run_sql

revision = "0007"
down_revision = "0006"
_ROWS = 1000


def upgrade() -> None:
    """Rewrites the sections of every track, a thousand at a time."""
    run_sql("0007_section_marks.sql")
    driver = op.get_bind().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor() as cursor:
        for rows in _batches(driver):
            marked = [(Jsonb(marks(lyrics, sections)), track_id) for track_id, lyrics, sections in rows]
            cursor.executemany("UPDATE tracks SET sections = %s WHERE id = %s", marked)
    driver.execute("CREATE INDEX tracks_lyrics_tsv ON tracks USING gin (lyrics_tsv) WITH (fastupdate = off)")


def _batches(driver: psycopg.Connection) -> Iterator[list[Any]]:
    after = 0
    query = "SELECT id, lyrics, sections FROM tracks WHERE id > %s ORDER BY id LIMIT %s"
    while rows := driver.execute(query, (after, _ROWS)).fetchall():
        yield rows
        after = rows[-1][0]


def marks(lyrics: str, sections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the sections with the number of their first line and of their lines, instead of the lines.

    A line may stand behind a header: "[Hook] Put your hands up". A section whose lines are not in the lyric gets none.
    """
    lines = [line.strip() for line in lyrics.split("\n")]
    found: list[dict[str, Any]] = []
    start = 0
    for section in sections:
        numbers: list[int] = []
        at = start
        for sung in section.pop("lines"):
            at = next((n for n in range(at, len(lines)) if _is_line(lines[n], sung)), len(lines))
            numbers.append(at)
            at += 1
        is_whole = bool(numbers) and numbers[-1] < len(lines)
        start = numbers[-1] + 1 if is_whole else start
        first, last = (numbers[0], numbers[-1]) if is_whole else (start, start - 1)
        found.append({**section, "first_line": first, "line_count": last - first + 1})
    return found


def _is_line(line: str, sung: str) -> bool:
    return line == sung or (line.startswith("[") and line.endswith(sung))
