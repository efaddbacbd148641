"""What jobs over stored tracks share: reading due lyrics, splitting results from failures, the report.

Does not know what is done to a lyric.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from psycopg import Connection

from rapray.domain import Failure, Lyric
from rapray.pipelines.job import JobContext, JobReport
from rapray.store import costs, due
from rapray.store.due import DueQuery
from rapray.store.ranges import KeyRange

T = TypeVar("T")
HELD = "failed.held."
"""Before the error code, in a run's counts: lyrics that were not tried for a reason that says nothing about them."""


def read_due_lyrics(
    connection: Connection, key_range: KeyRange[int], *, query: DueQuery
) -> Iterator[list[tuple[str, Lyric]]]:
    """One key range of tracks, several lists."""
    for lyrics in due.read_range(connection, query, key_range):
        yield [(lyric.key, lyric) for lyric in lyrics]


def split(records: Sequence[T | Failure]) -> tuple[list[T], list[Failure]]:
    """Results and failures, each in order."""
    failures = [record for record in records if isinstance(record, Failure)]
    return [record for record in records if not isinstance(record, Failure)], failures


def report(context: JobContext, *queries: DueQuery) -> JobReport:
    """What the run did, in tracks times queries. What `--limit` left for later is in no count.

    `failed` is every dead letter and what failed in this run and is due again; `held` is what was not tried.
    """
    written = context.written()
    new = written["new"] + written["changed"]
    due_again = written["failed"] - written["dead"]  # a text that died in this run is a dead letter too
    standings = [due.standing(context.connection, query) for query in queries]
    return JobReport(
        job=context.name,
        new=new,
        unchanged=sum(standing.done for standing in standings) - new,
        failed=sum(standing.failed for standing in standings) + due_again,
        seconds=context.seconds,
        held=sum(n for name, n in written.items() if name.startswith(HELD)),
        stopped=context.stopped,
        costs=costs.of_run(context.connection, context.run_id),
    )
