"""`rapray parse` and `rapray samples`: a saved song page, and the sample site to try the Genius source on."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rapray.cli.options import LOOK, OPERATE, Json
from rapray.cli.output import note, print_json, print_text
from rapray.errors import UsageError

if TYPE_CHECKING:
    from rapray.sources.genius import ParsedPage

commands = typer.Typer()
samples = typer.Typer(
    name="samples",
    help="The sample site with original songs.",
    no_args_is_help=True,
    rich_help_panel=OPERATE,
)


@commands.command(rich_help_panel=LOOK, epilog="Example: rapray parse page.html --json")
def parse(
    page: Annotated[
        str, typer.Argument(metavar="PAGE.html", help="A saved song page, '-' for standard input.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Print what the parser reads from a saved page: outcome, title, artist, lyrics, identifiers."""
    from rapray.sources.genius import parse_page

    parsed = parse_page(_read(page))
    if as_json:
        print_json(asdict(parsed))
    else:
        _print_page(parsed)


@samples.command(epilog="Example: rapray samples serve --port 8099")
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free port.")] = 8099,
) -> None:
    """Serve the sample songs the way Genius serves its own, until Ctrl-C."""
    from rapray.samples.site import serve_forever

    serve_forever(host, port, announce=note)


def _read(page: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if page == "-" else Path(page).read_bytes()
    except OSError as error:
        raise UsageError(reason=f"{page} cannot be read: {error.strerror}") from error


def _print_page(parsed: ParsedPage) -> None:
    print_text(f"outcome  {parsed.outcome}\ntitle    {parsed.title}\nartist   {parsed.artist}")
    if parsed.lyrics:
        print_text(f"\n{parsed.lyrics}")
