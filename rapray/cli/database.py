"""`rapray db`: the schema, and the vector index."""

from __future__ import annotations

import typer

from rapray.cli import state
from rapray.cli.options import OPERATE, Json
from rapray.cli.output import note, print_json, stderr
from rapray.errors import UsageError

commands = typer.Typer(
    name="db", help="The database's schema and indexes.", no_args_is_help=True, rich_help_panel=OPERATE
)


@commands.command(epilog="Example: rapray db upgrade")
def upgrade() -> None:
    """Bring the schema to this program's version; safe to run from several places at once."""
    from rapray.embedded import resolve_endpoints
    from rapray.store import migrate

    url = resolve_endpoints(state.settings()).database_url
    note(f"The schema is at {migrate.upgrade(url)}.")


@commands.command(epilog="Example: rapray db current --json")
def current(*, as_json: Json = False) -> None:
    """Say which version the schema has and which this program needs."""
    from rapray.embedded import resolve_endpoints
    from rapray.store import migrate

    url = resolve_endpoints(state.settings()).database_url
    revision, needed = migrate.current(url), migrate.head()
    schema = revision.id if revision else None
    if as_json:
        is_current = revision is not None and revision.is_current
        print_json({"schema": schema, "program": needed, "is_current": is_current})
    else:
        note(f"schema: {schema or 'none, run `rapray db upgrade`'}; this program: {needed}")


@commands.command(epilog="Example: rapray db index")
def index() -> None:
    """Build the HNSW index over the vectors of the configured model; worth it from about 10,000 tracks on."""
    from rich.progress import Progress

    from rapray.embeddings import model_info
    from rapray.store import models, vector_index

    settings = state.settings()
    with state.connected("rapray index", settings) as connection:
        model_id = models.find_model(connection, model_info(settings.embedding))
        if model_id is None:
            raise UsageError(reason="This model has no vectors yet: run `rapray embed` first.")
        with Progress(console=stderr()) as bar:
            task = bar.add_task("index", total=1.0)
            vector_index.build_index(
                connection,
                model_id,
                lambda phase, fraction: bar.update(task, description=phase, completed=fraction),
            )
    note("The index is built.")
