"""`rapray analyses`: how far each analyzer has come, and how far two of them agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from psycopg import Connection

from rapray.analyzers.base import ALL
from rapray.analyzers.registry import provenance_of, spec, specs
from rapray.analyzers.selection import expanded
from rapray.cli import state
from rapray.cli.output import note, print_json, print_table
from rapray.cli.where import HELP, parse
from rapray.config import Settings
from rapray.errors import RaprayError
from rapray.store import compare as comparison
from rapray.store import due
from rapray.store.scope import Scope

commands = typer.Typer(name="analyses", help="What analyzers have found so far.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_STATES = ("done", "stale", "failed", "dead", "untried")


def add_to(app: typer.Typer) -> None:
    """Hang the family into the tree."""
    app.add_typer(commands, rich_help_panel="Look")


@commands.command(epilog="Example: rapray analyses status --where language=en --json")
def status(
    *,
    analyzer: Annotated[
        list[str] | None, typer.Option("--analyzer", help="Which; all that are known if left out.")
    ] = None,
    where: Annotated[list[str] | None, typer.Option("--where", help=HELP)] = None,
    as_json: Json = False,
) -> None:
    """Count each analyzer's tracks: done, stale, failed (due again), dead, untried; each track is in one of the five.

    Stale is what has a result of another text, version, model, prompt or parameters.
    """
    settings, named = state.settings(), parse(where or [])
    names = expanded(analyzer or [ALL], specs(settings))
    with state.connected("rapray analyses", settings) as connection:
        scope = named.resolved(connection)
        found = {name: _coverage(connection, name, settings, scope) for name in names}
    if as_json:
        print_json({"analyzers": found})
        return
    rows = [
        (name, *(one.get(state_) for state_ in ("version", *_STATES, "problem")))
        for name, one in found.items()
    ]
    print_table(("analyzer", "version", *_STATES, "problem"), rows)


@commands.command(epilog="Example: rapray analyses compare algorithmic emotion --json")
def compare(
    a: Annotated[str, typer.Argument(metavar="A")],
    b: Annotated[str, typer.Argument(metavar="B")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most this many tracks.")] = 5000,
    furthest: Annotated[int, typer.Option(min=0, max=1000, help="How many tracks to name.")] = 10,
    as_json: Json = False,
) -> None:
    """Say how far two analyzers agree: shared scores, moods, themes, and the tracks on which they differ most.

    Compared is what both declare to mean the same: sentiment always, counts and confidence never.
    """
    settings = state.settings()
    shared = spec(a, settings).comparable & spec(b, settings).comparable
    with state.connected("rapray analyses", settings) as connection:
        found = comparison.compare(connection, a, b, shared, limit=limit, furthest=furthest)
    if as_json:
        print_json(asdict(found))
        return
    _show(found)


def _coverage(connection: Connection, name: str, settings: Settings, scope: Scope) -> dict[str, Any]:
    """The counts of one analyzer; where it is not set up, the reason and no counts."""
    try:
        provenance = provenance_of(name, settings)
    except RaprayError as error:
        return {"version": spec(name, settings).version, "problem": error.code, "detail": str(error)}
    counts = due.coverage(connection, due.DueAnalyses(provenance, scope))
    return asdict(provenance) | asdict(counts)


def _show(found: comparison.Agreement) -> None:
    if not found.tracks:
        note(f"No track has a result of both {found.a} and {found.b}.")
        return
    if not (found.scores or found.mood_tracks or found.theme_tracks):
        note(f"{found.a} and {found.b} have no score, mood or theme in common ({found.tracks} tracks).")
        return
    rows = [
        (
            one.score,
            one.tracks,
            *map(_rounded, (one.pearson, one.spearman, one.mean_difference, one.mean_distance)),
        )
        for one in found.scores
    ]
    columns = ("score", "tracks", "Pearson", "Spearman", f"{found.b} less {found.a}", "mean distance")
    _table(columns, rows, title=f"{found.a} and {found.b} on {found.tracks} tracks")
    shares = [
        ("same mood", found.mood_tracks, _rounded(found.mood_agreement)),
        ("themes in common (Jaccard)", found.theme_tracks, _rounded(found.theme_overlap)),
        ("same heaviest theme", found.theme_tracks, _rounded(found.top_theme_agreement)),
    ]
    _table(("share", "tracks", "value"), [row for row in shares if row[1]])
    _table(
        ("track", "title", "distance", "most in", found.a, found.b),
        [
            (f.track_id, f.title, _rounded(f.distance), f.score, _rounded(f.a), _rounded(f.b))
            for f in found.furthest
        ],
        title="Where they differ most, in standard deviations",
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
    """A table, where there is anything to put into it."""
    if rows:
        print_table(columns, rows, title=title)


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"
