"""`rapray search`, `rapray track` and `rapray artist`: questions about what is stored, straight from PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, TypeVar

import typer

from rapray.cli import state
from rapray.cli.output import note, print_json, print_table, stdout
from rapray.config import Settings
from rapray.domain import TrackFilter
from rapray.embedded import resolve_endpoints
from rapray.embeddings import load_embedder, model_info
from rapray.errors import ArtistNotFound, TrackNotFound, UsageError
from rapray.store import artists, models, read
from rapray.store.pool import address_of, async_pool, translated
from rapray.store.records import StoredArtist
from rapray.store.search import Hit
from rapray.store.search import search as search_store
from rapray.text.words.diction import DANIELS_WORDS

PANEL = "Look"
SHOWN_LINES = 4  # of a passage in a terminal
T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_to(app: typer.Typer) -> None:
    """Hang the family into the tree."""
    app.command(rich_help_panel=PANEL, epilog='Example: rapray search "working nights" --limit 5')(search)
    app.command(rich_help_panel=PANEL, epilog="Example: rapray track 12 --json")(track)
    app.command(rich_help_panel=PANEL, epilog='Example: rapray artist "Mara Quill" --json')(artist)


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
    if not query.strip():
        raise UsageError(reason="The query is empty.")
    if year_from is not None and year_to is not None and year_from > year_to:
        raise UsageError(reason="--year-from must not be after --year-to.")
    settings = state.settings()
    model_id = _embedded_model(settings)
    vector = load_embedder(settings.embedding).encode([query])[0]
    ask = partial(
        search_store,
        model_id=model_id,
        vector=vector,
        limit=limit,
        filters=TrackFilter(artist, year_from, year_to, language),
    )
    hits = _asked(settings, ask)
    if as_json:
        print_json({"query": query, "results": [asdict(hit) for hit in hits]})
        return
    for hit in hits:
        _show_hit(hit)
    if not hits:
        note("Nothing found.")


def track(track_id: Annotated[int, typer.Argument(metavar="ID", min=1)], *, as_json: Json = False) -> None:
    """Print one track: what it is, its lyrics, its analyses."""
    settings = state.settings()
    with state.connected("rapray track", settings):
        pass  # so that a database that is older is named
    found = _asked(settings, lambda pool: read.get_track(pool, track_id))
    if found is None:
        raise TrackNotFound(track_id=track_id)
    if as_json:
        print_json(asdict(found))
        return
    stdout.print(
        f"{found.title} by {found.artist}, {found.release_year or 'year unknown'}", markup=False, style="bold"
    )
    stdout.print(f"\n{found.lyrics}\n", markup=False, highlight=False)
    for analysis in found.analyses:
        stdout.print(f"{analysis.analyzer} {analysis.version}: see --json", markup=False)


def artist(
    id_or_name: Annotated[
        str,
        typer.Argument(
            metavar="ID|NAME", help="A name stands for the artist most like it; digits are an id."
        ),
    ],
    *,
    as_json: Json = False,
) -> None:
    """Print one artist: tracks, and the distinct words within the first 35,000 (the Daniels count)."""
    if not id_or_name.strip():
        raise UsageError(reason="The name is empty.")
    settings = state.settings()
    with state.connected("rapray artist", settings):
        pass  # so that a database that is older is named
    found = _asked(settings, lambda pool: _artist(pool, id_or_name.strip()))
    if found is None:
        raise ArtistNotFound(artist=id_or_name)
    if as_json:
        print_json(asdict(found))
        return
    rows = [(name.replace("_", " "), value) for name, value in asdict(found).items() if name != "name"]
    print_table(("measure", "value"), rows, title=found.name)
    if found.daniels is None:
        note(f"No Daniels count: it takes the first {DANIELS_WORDS:,} words of an artist.")


async def _artist(pool: read.Pool, id_or_name: str) -> StoredArtist | None:
    if id_or_name.isascii() and id_or_name.isdigit():
        # Measured before it is read: int() refuses 4,300 digits.
        return await artists.get_artist(pool, int(id_or_name)) if len(id_or_name) < 20 else None
    alike = await read.find_artists(pool, id_or_name, limit=1)
    return await artists.get_artist(pool, alike[0].id) if alike else None


def _embedded_model(settings: Settings) -> int:
    with state.connected("rapray search", settings) as connection:
        model_id = models.find_model(connection, model_info(settings.embedding))
    if model_id is None:
        raise UsageError(reason="Nothing is embedded with this model yet: run `rapray embed` first.")
    return model_id


def _asked(settings: Settings, question: Callable[[read.Pool], Awaitable[T]]) -> T:
    url = resolve_endpoints(settings).database_url

    async def ask() -> T:
        pool = async_pool(url, settings.database.model_copy(update={"pool_size": 1}))
        await pool.open(wait=True)
        try:
            return await question(pool)
        finally:
            await pool.close()

    with translated(address_of(url)):
        return asyncio.run(ask())


def _show_hit(hit: Hit) -> None:
    found = hit.track
    line = f"{hit.score:.3f}  {found.title} by {found.artist}, {found.release_year or '?'} (track {found.id})"
    stdout.print(line, markup=False, highlight=False, style="bold")
    for sung in hit.section.lines[:SHOWN_LINES] if hit.section else ():
        stdout.print(f"       {sung}", markup=False, highlight=False)
