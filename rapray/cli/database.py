"""`rapray db`: the schema, and the vector index."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import Progress

from rapray.cli import state
from rapray.cli.output import note, print_json, stderr
from rapray.embedded import resolve_endpoints
from rapray.embeddings import model_info
from rapray.errors import UsageError
from rapray.store import migrate, models, vector_index

commands = typer.Typer(name="db", help="The database's schema and indexes.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Hang the family into the tree."""
    app.add_typer(commands, rich_help_panel="Operate")


@commands.command(epilog="Example: rapray db upgrade")
def upgrade() -> None:
    """Bring the schema to this program's version; safe to run from several places at once."""
    url = resolve_endpoints(state.settings()).database_url
    note(f"The schema is at {migrate.upgrade(url)}.")


@commands.command(epilog="Example: rapray db current --json")
def current(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which version the schema has and which this program wants."""
    url = resolve_endpoints(state.settings()).database_url
    found = migrate.current(url)
    schema = found.id if found else None
    if as_json:
        print_json(
            {"schema": schema, "program": migrate.head(), "is_current": bool(found and found.is_current)}
        )
    else:
        note(f"schema: {schema or 'none, run `rapray db upgrade`'}; this program: {migrate.head()}")


@commands.command(epilog="Example: rapray db index")
def index() -> None:
    """Build the HNSW index over the vectors of the configured model; wanted from about 10,000 tracks on."""
    settings = state.settings()
    with state.connected("rapray index", settings) as connection:
        model_id = models.find_model(connection, model_info(settings.embedding))
        if model_id is None:
            raise UsageError(reason="This model has no vectors yet: run `rapray embed` first.")
        with Progress(console=stderr) as bar:
            task = bar.add_task("index", total=1.0)
            vector_index.build_index(
                connection,
                model_id,
                lambda phase, fraction: bar.update(task, description=phase, completed=fraction),
            )
    note("The index is built.")
