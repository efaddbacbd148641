"""`rapray search`, `rapray track` and `rapray artist`: reads of the collection, straight from PostgreSQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from rapray.cli import state
from rapray.cli.options import LOOK, Json
from rapray.cli.output import note, print_json, print_table, print_text
from rapray.errors import ArtistNotFound, TrackNotFound, UsageError

if TYPE_CHECKING:
    from rapray.config import Settings
    from rapray.store.read import Pool
    from rapray.store.records import StoredAnalysis, StoredArtist
    from rapray.store.search import Hit

SHOWN_LINES = 4  # of each passage
T = TypeVar("T")
commands = typer.Typer()


@commands.command(rich_help_panel=LOOK, epilog='Example: rapray search "working nights" --limit 5')
def search(
    query: Annotated[str, typer.Argument(help="What the passage should be about.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 10,
    artist: Annotated[str | None, typer.Option(help="Only this artist.")] = None,
    year_from: Annotated[int | None, typer.Option(help="Not before this year.")] = None,
    year_to: Annotated[int | None, typer.Option(help="Not after this year.")] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-1 code, e.g. en.")] = None,
    as_json: Json = False,
) -> None:
    """Find passages by meaning."""
    from rapray.domain import TrackFilter
    from rapray.embeddings import load_embedder
    from rapray.store.search import search as search_store

    if not query.strip():
        raise UsageError(reason="The query is empty.")
    if year_from is not None and year_to is not None and year_from > year_to:
        raise UsageError(reason="--year-from must not be after --year-to.")
    settings = state.settings()
    model_id = _embedded_model(settings)
    vector = load_embedder(settings.embedding).encode([query])[0]
    filters = TrackFilter(artist, year_from, year_to, language)
    hits = _read(
        settings, partial(search_store, model_id=model_id, vector=vector, limit=limit, filters=filters)
    )
    if as_json:
        print_json({"query": query, "results": [asdict(hit) for hit in hits]})
        return
    for hit in hits:
        _print_hit(hit)
    if not hits:
        note("No passage matches.")


@commands.command(rich_help_panel=LOOK, epilog="Example: rapray track 12 --json")
def track(track_id: Annotated[int, typer.Argument(metavar="ID", min=1)], *, as_json: Json = False) -> None:
    """Print one track: title, artist, year, lyrics, analyses."""
    from rapray.analyzers.registry import provenances
    from rapray.store import read

    settings = state.settings()
    with state.connected("rapray track", settings):
        pass  # for its error if the schema is too old
    current = provenances(settings).values()
    stored = _read(settings, lambda pool: read.get_track(pool, track_id, current))
    if stored is None:
        raise TrackNotFound(track_id=track_id)
    if as_json:
        analyses = [_to_json(result) for result in stored.analyses]
        print_json(asdict(replace(stored, analyses=())) | {"analyses": analyses})
        return
    print_text(f"{stored.title} by {stored.artist}, {stored.release_year or 'year unknown'}", bold=True)
    print_text(f"\n{stored.lyrics}\n")
    for result in stored.analyses:
        provenance = result.analysis.provenance
        print_text(f"{provenance.analyzer} {provenance.version}: see --json")


def _to_json(stored: StoredAnalysis) -> dict[str, Any]:
    from rapray.analyzers.base import to_json

    return to_json(stored.analysis) | {"created_at": stored.created_at, "is_current": stored.is_current}


@commands.command(rich_help_panel=LOOK, epilog='Example: rapray artist "Mara Quill" --json')
def artist(
    id_or_name: Annotated[
        str,
        typer.Argument(
            metavar="ID|NAME", help="An id in digits, or a name: the artist most like it is taken."
        ),
    ],
    *,
    as_json: Json = False,
) -> None:
    """Print one artist: tracks, and the distinct words within the first 35,000 (the Daniels count)."""
    from rapray.text.words.diction import DANIELS_WORDS

    if not id_or_name.strip():
        raise UsageError(reason="The name is empty.")
    settings = state.settings()
    with state.connected("rapray artist", settings):
        pass  # for its error if the schema is too old
    stored = _read(settings, lambda pool: _artist(pool, id_or_name.strip()))
    if stored is None:
        raise ArtistNotFound(artist=id_or_name)
    if as_json:
        print_json(asdict(stored))
        return
    rows = [(name.replace("_", " "), value) for name, value in asdict(stored).items() if name != "name"]
    print_table(("measure", "value"), rows, title=stored.name)
    if stored.daniels is None:
        note(f"No Daniels count: this artist has fewer than {DANIELS_WORDS:,} words.")


async def _artist(pool: Pool, id_or_name: str) -> StoredArtist | None:
    from rapray.store import artists, read

    if id_or_name.isascii() and id_or_name.isdigit():
        # The length is checked first: int() refuses more than 4,300 digits.
        return await artists.get_artist(pool, int(id_or_name)) if len(id_or_name) < 20 else None
    nearest = await read.find_artists(pool, id_or_name, limit=1)
    return await artists.get_artist(pool, nearest[0].id) if nearest else None


def _embedded_model(settings: Settings) -> int:
    from rapray.embeddings import model_info
    from rapray.store import models

    with state.connected("rapray search", settings) as connection:
        model_id = models.find_model(connection, model_info(settings.embedding))
    if model_id is None:
        raise UsageError(reason="Nothing is embedded with this model yet: run `rapray embed` first.")
    return model_id


def _read(settings: Settings, query: Callable[[Pool], Awaitable[T]]) -> T:
    """Return the result of a read of the store, on a pool of one connection."""
    import asyncio

    from rapray.embedded import resolve_endpoints
    from rapray.store.pool import address_of, async_pool, map_errors

    url = resolve_endpoints(settings).database_url

    async def run() -> T:
        pool = async_pool(url, settings.database.model_copy(update={"pool_size": 1}))
        await pool.open(wait=True)
        try:
            return await query(pool)
        finally:
            await pool.close()

    with map_errors(address_of(url)):
        return asyncio.run(run())


def _print_hit(hit: Hit) -> None:
    song = hit.track
    year = song.release_year or "?"
    print_text(f"{hit.score:.3f}  {song.title} by {song.artist}, {year} (track {song.id})", bold=True)
    for line in hit.section.lines[:SHOWN_LINES] if hit.section else ():
        print_text(f"       {line}")
