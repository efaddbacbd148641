"""`rapray serve`: the HTTP ingress with its embedder and analyzers, until Ctrl-C."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from rapray.cli import state
from rapray.cli.options import START
from rapray.cli.output import note

commands = typer.Typer()


@commands.command(rich_help_panel=START, epilog="Example: rapray serve --port 8000")
def serve(
    *,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Default: serve.port.")] = None,
) -> None:
    """Serve the HTTP API and the web pages until Ctrl-C."""
    from rapray.embedded import resolve_endpoints
    from rapray.pipelines.cluster import ray_session
    from rapray.serve.app import database_connections, served
    from rapray.store import migrate
    from rapray.store.pool import check_budget, check_server, connect

    settings = state.settings()
    if port is not None:
        serve_settings = settings.serve.model_copy(update={"port": port})
        settings = settings.model_copy(update={"serve": serve_settings})
    endpoints = resolve_endpoints(settings)
    with connect(endpoints.database_url, application_name="rapray serve") as connection:
        check_server(connection)
        migrate.require_current(connection)
        check_budget(connection, database_connections(settings), "RAPRAY_DATABASE__POOL_SIZE")
    with ray_session(settings, endpoints), served(settings) as address:
        note(f"rapray is at {address} (documentation at {address}/docs). Ctrl-C stops it.")
        threading.Event().wait()
