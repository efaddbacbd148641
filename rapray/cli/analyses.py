"""`rapray analyses`: how far each analyzer has come, how far two of them agree, and dropping outdated results."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rapray.cli import state
from rapray.cli.options import LOOK, Json, Where
from rapray.cli.output import note, print_json, print_table
from rapray.cli.where import parse
from rapray.errors import RaprayError, UsageError

if TYPE_CHECKING:
    from psycopg import Connection

    from rapray.config import Settings
    from rapray.store import compare as comparison
    from rapray.store.provenances import StoredProvenance
    from rapray.store.scope import Scope

commands = typer.Typer(
    name="analyses", help="What analyzers have found so far.", no_args_is_help=True, rich_help_panel=LOOK
)
_STATES = ("done", "stale", "failed", "dead", "untried")
_PROVENANCE = ("analyzer", "version", "model", "model_revision", "prompt_version", "parameters")


@commands.command(epilog="Example: rapray analyses status --where language=en --json")
def status(
    *,
    analyzer: Annotated[
        list[str] | None,
        typer.Option("--analyzer", help="A name, or several separated by commas. Repeatable. Default: all."),
    ] = None,
    where: Where = None,
    as_json: Json = False,
) -> None:
    """Count each analyzer's tracks: done, stale, failed (due again), dead, untried; each track is in one of the five.

    Stale is what has a result of another text, version, model, prompt or parameters. Below stand the provenances that
    results were made with, the current ones and others, with the number of results in the whole collection.
    """
    from rapray.analyzers.base import ALL
    from rapray.analyzers.registry import specs
    from rapray.analyzers.selection import expanded
    from rapray.store import provenances

    settings, named = state.settings(), parse(where or [])
    names = expanded(analyzer or [ALL], specs(settings))
    with state.connected("rapray analyses", settings) as connection:
        scope = named.resolved(connection)
        stored = provenances.list_(connection)
        standings = {name: _standing(connection, name, settings, scope, stored) for name in names}
    if as_json:
        print_json({"analyzers": standings})
        return
    rows = [
        (name, *(standing.get(column) for column in ("version", *_STATES, "problem")))
        for name, standing in standings.items()
    ]
    print_table(("analyzer", "version", *_STATES, "problem"), rows)
    _show_provenances(standings)


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

    It compares the scores that both declare to mean the same: sentiment always, counts and confidence never.
    """
    from rapray.analyzers.registry import provenances, spec
    from rapray.store import compare as comparison

    settings = state.settings()
    shared = spec(a, settings).comparable & spec(b, settings).comparable
    with state.connected("rapray analyses", settings) as connection:
        current = provenances(settings).values()
        agreement = comparison.compare(
            connection, a, b, shared, current=current, limit=limit, furthest=furthest
        )
    if as_json:
        print_json(asdict(agreement))
        return
    _show(agreement)


@commands.command(epilog="Example: rapray analyses prune --analyzer qwen --dry-run")
def prune(
    *,
    analyzer: Annotated[
        list[str] | None, typer.Option("--analyzer", help="Which; all that are set up if left out.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Drop them without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
    as_json: Json = False,
) -> None:
    """Drop the stored provenances that are not current, with their results.

    Those of analyzers that are not set up here stay: nobody can say which of them are current.
    """
    from rapray.analyzers.base import ALL
    from rapray.analyzers.registry import provenance_of
    from rapray.analyzers.selection import selected
    from rapray.store import provenances

    settings = state.settings()
    names = selected(analyzer or [ALL], settings).required()
    current = [provenance_of(name, settings) for name in names]
    with state.connected("rapray analyses", settings) as connection:
        outdated = provenances.outdated(connection, current)
        if not as_json:
            _table((*_PROVENANCE, "results"), [tuple(_to_json(stored).values())[1:] for stored in outdated])
        if outdated and not dry_run:
            _confirm(
                f"Drop these provenances ({len(outdated)}) and their results ({_results(outdated)})?", yes
            )
            outdated = provenances.prune(connection, current)
    if as_json:
        dropped = list(map(_to_json, outdated))
        print_json({"results": _results(outdated), "is_dry_run": dry_run, "provenances": dropped})
        return
    verb = "to drop" if dry_run else "dropped"
    note(f"Provenances {verb}: {len(outdated)}, results: {_results(outdated)}.")


def _confirm(question: str, yes: bool) -> None:
    """Ask at a terminal, unless the answer is given. Raises UsageError if there is no terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        reason = "Without a terminal, add --yes to drop them or --dry-run to only list them."
        raise UsageError(reason=reason)
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def _results(stored: Sequence[StoredProvenance]) -> int:
    return sum(provenance.results for provenance in stored)


def _to_json(stored: StoredProvenance) -> dict[str, Any]:
    return {"digest": stored.digest, **asdict(stored.provenance), "results": stored.results}


def _standing(
    connection: Connection,
    name: str,
    settings: Settings,
    scope: Scope,
    stored: Sequence[StoredProvenance],
) -> dict[str, Any]:
    """Return an analyzer's counts, its current provenance and the others; the reason instead if it is not set up."""
    from rapray.analyzers.registry import provenance_of, spec
    from rapray.store import due

    others = [_to_json(other) for other in stored if other.provenance.analyzer == name]
    try:
        provenance = provenance_of(name, settings)
    except RaprayError as error:
        version = spec(name, settings).version
        return {"version": version, "problem": error.code, "detail": str(error), "others": others}
    digest = provenance.digest
    return {
        "digest": digest,
        **asdict(provenance),
        **asdict(due.coverage(connection, due.DueAnalyses(provenance, scope))),
        "results": sum(other["results"] for other in others if other["digest"] == digest),
        "others": [other for other in others if other["digest"] != digest],
    }


def _show_provenances(standings: Mapping[str, dict[str, Any]]) -> None:
    rows: list[tuple[Any, ...]] = []
    for standing in standings.values():
        is_set_up = "digest" in standing
        shown = [("current", standing)] if is_set_up else []
        shown += [("other" if is_set_up else "unknown", other) for other in standing["others"]]
        rows += [
            (state_, *(values[column] for column in (*_PROVENANCE, "results"))) for state_, values in shown
        ]
    _table(("state", *_PROVENANCE, "results"), rows, title="Provenances")


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
