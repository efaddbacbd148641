"""Collects songs: discovery into the crawl frontier, pages through a pool of fetchers, tracks into PostgreSQL.

Knows the order of the steps; what a page means is the source's business, what a row means the store's.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
from psycopg import Connection

from rapray.cache import FallbackRateLimiter, RateLimiter, RedisRateLimiter
from rapray.cache import connect as redis_connect
from rapray.config import Settings
from rapray.domain import Artist, Outcome, SongRef
from rapray.embedded import Endpoints
from rapray.pipelines.job import JobContext, JobReport, job, run_plan
from rapray.pipelines.plan import Stage
from rapray.pipelines.records import from_table, to_table
from rapray.sources import Source, create_source
from rapray.store import frontier, tracks
from rapray.store.ranges import KeyRange
from rapray.store.ratelimit import PostgresRateLimiter
from rapray.telemetry import logger

log = logger(__name__)

# A fetcher waits for the network nearly all of its time.
FETCHER_CPUS = 0.1
DISCOVERY_PAGE = 50  # songs of one page of the source's API, written together


class Fetch:
    """An actor that turns due songs into fetch results, at the pace that all fetchers share."""

    def __init__(self, source: str, settings: Settings, endpoints: Endpoints) -> None:
        self._source = open_source(source, settings, endpoints)

    def __call__(self, block: pa.Table) -> pa.Table:
        """Fetch every song of the block; a bad page is a result, not an error."""
        songs: list[SongRef] = from_table(block)
        return to_table([(song.source_id, self._source.fetch(song)) for song in songs])


def open_source(source: str, settings: Settings, endpoints: Endpoints) -> Source:
    """A source whose requests draw from the rate limit that all workers of all jobs share."""
    return create_source(source, settings, shared_limiter(settings, endpoints))


def shared_limiter(settings: Settings, endpoints: Endpoints) -> RateLimiter:
    """One bucket a host, in Redis; in PostgreSQL where there is no Redis or it does not answer."""
    rate, burst = settings.genius.requests_per_second, settings.genius.burst
    in_postgres = PostgresRateLimiter(endpoints.database_url, rate, burst)
    if endpoints.redis_url is None:
        return in_postgres
    client = redis_connect(endpoints.redis_url, settings.redis.timeout_s)
    return FallbackRateLimiter(RedisRateLimiter(client, rate, burst), in_postgres)


def collect(settings: Settings, artists: Sequence[str], *, source: str = "genius") -> JobReport:
    """Discover the songs of `artists` (names or ids) and store the lyrics of those that are due.

    Raises:
        SourceArtistNotFound: the source does not know one of them; nothing has been fetched then.
        SourceAuthError: the source refuses the credentials.
        JobAlreadyRunning, DependencyError: see `rapray.pipelines.job.job`.
    """
    parameters = {"source": source, "artists": list(artists)}
    # The rate limit falls back to PostgreSQL: a connection of each fetcher, and one of the discovery here.
    with job("collect", settings, parameters, more_connections=settings.jobs.fetchers + 1) as context:
        found = _discover(context, source, artists)
        ids = [artist.source_id for artist in found]
        _fetch_due(context, source, ids)
        tracks.group_duplicates(context.connection)
        return _report(context, frontier.summary(context.connection, source, ids))


def _discover(context: JobContext, source: str, names: Sequence[str]) -> list[Artist]:
    """Every artist is looked up before the first song list is read, so that a typing error costs nothing."""
    reader = open_source(source, context.settings, context.endpoints)
    found = [reader.find_artist(name) for name in names]
    for artist in found:
        discoveries = reader.discover(artist)
        while page := [(d.ref, d.is_feature) for d in itertools.islice(discoveries, DISCOVERY_PAGE)]:
            frontier.add_discovered(context.connection, artist, page)
        log.debug("discovered", artist=artist.name)
    reader.close()
    return found


def _fetch_due(context: JobContext, source: str, artist_ids: Sequence[str]) -> None:
    settings = context.settings
    rows = settings.jobs.fetch_block_rows
    ranges = frontier.due_ranges(context.connection, source, rows, artist_source_ids=artist_ids)
    run_plan(
        context,
        reader=partial(read_due_songs, source=source, artist_ids=artist_ids),
        key_ranges=ranges,
        total=sum(found.rows for found in ranges),
        stage=Stage(
            Fetch,
            {"source": source, "settings": settings, "endpoints": context.endpoints},
            rows,
            settings.jobs.fetchers,
            FETCHER_CPUS,
        ),
        writer=partial(
            tracks.write_fetched,
            max_attempts=settings.jobs.max_attempts,
            retry_delay_s=settings.jobs.retry_delay_s,
        ),
    )


def read_due_songs(
    connection: Connection, key_range: KeyRange[str], *, source: str, artist_ids: Sequence[str]
) -> Iterator[list[tuple[str, SongRef]]]:
    """One range of the frontier as a single block: fetching is slow, so blocks stay small anyway."""
    songs = frontier.read_due(connection, source, key_range, artist_source_ids=artist_ids)
    yield [(song.source_id, song) for song in songs]


def _report(context: JobContext, outcomes: dict[str, int]) -> JobReport:
    written = context.written()
    new = written["new"] + written["changed"]
    retryable = {outcome.value for outcome in Outcome if outcome.is_retryable} | {"due"}
    return JobReport(
        job="collect",
        new=new,
        unchanged=outcomes.get(Outcome.LYRICS, 0) - new,
        failed=sum(n for outcome, n in outcomes.items() if outcome in retryable),
        rejected=Counter({o: n for o, n in outcomes.items() if o not in retryable and o != Outcome.LYRICS}),
        seconds=context.seconds,
    )
