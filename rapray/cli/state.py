"""The options that every command shares, and the settings that they lead to.

Settings are loaded when a command asks for them, so that `rapray --help` works with a broken file.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer
from psycopg import Connection

from rapray import __version__
from rapray.cli.output import stdout
from rapray.config import Loaded, Settings, load_settings
from rapray.embedded import resolve_endpoints
from rapray.store import migrate
from rapray.store.pool import address_of, connect, map_errors
from rapray.telemetry import configure_logging


@dataclass(frozen=True, slots=True)
class RootOptions:
    """What stood before the command's name."""

    overrides: dict[str, str] = field(default_factory=dict[str, str])
    config_file: Path | None = None


_options: ContextVar[RootOptions] = ContextVar("root_options")


def _version(wanted: bool) -> None:
    if wanted:
        stdout.print(__version__)
        raise typer.Exit


def root_options(
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, e.g. --set jobs.workers=4. Repeatable."),
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="The YAML file to read instead of rapray.yaml.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Where rapray keeps everything on this host.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Collect rap lyrics, measure and analyse every track, and ask questions about the collection."""
    del version
    pairs = _pairs(overrides or [])
    if data_dir is not None:
        pairs["data_dir"] = str(data_dir)
    _options.set(RootOptions(pairs, config_file))


def loaded() -> Loaded:
    """The settings with their origins, for the command that runs now; sets up logging on the way."""
    options = _options.get()
    found = load_settings(options.overrides, config_file=options.config_file)
    configure_logging(found.settings.log.level, found.settings.log.format)
    return found


def settings() -> Settings:
    """The settings for the command that runs now."""
    return loaded().settings


@contextmanager
def connected(command: str, own: Settings | None = None) -> Generator[Connection]:
    """A connection to a database that has this program's schema, closed at the end.

    Args:
        command: as the server shows it, "rapray track".
        own: the settings, where the command has them.

    Raises:
        DependencyError: there is no such database, or it goes away meanwhile.
    """
    url = resolve_endpoints(own or settings()).database_url
    with map_errors(address_of(url)), connect(url, application_name=command) as connection:
        migrate.require_current(connection)
        yield connection


def withdraw(keys: Iterable[str]) -> None:
    """Take no value of these settings from the command line any more."""
    options, unwanted = _options.get(), set(keys)
    kept = {key: value for key, value in options.overrides.items() if key not in unwanted}
    _options.set(replace(options, overrides=kept))


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            message = f"it takes KEY=VALUE, not {text!r}"
            raise typer.BadParameter(message, param_hint="--set")
        pairs[key] = value
    return pairs
