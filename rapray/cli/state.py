"""The options in front of a command's name, and the settings and the database that they lead to.

Settings are loaded when a command asks for them, so that `rapray --help` works even if a settings file is broken.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rapray import __version__

if TYPE_CHECKING:
    from psycopg import Connection

    from rapray.config import Loaded, Settings


@dataclass(frozen=True, slots=True)
class RootOptions:
    """The options in front of the command's name."""

    overrides: dict[str, str] = field(default_factory=dict[str, str])
    config_file: Path | None = None


_options: ContextVar[RootOptions] = ContextVar("root_options")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
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
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Collect rap lyrics, measure and analyse every track, and ask questions about the collection."""
    del version
    pairs = _pairs(overrides or [])
    if data_dir is not None:
        pairs["data_dir"] = str(data_dir)
    _options.set(RootOptions(pairs, config_file))


def loaded() -> Loaded:
    """Load the current command's settings with their origins, and configure logging accordingly."""
    from rapray.config import load_settings
    from rapray.telemetry import configure_logging

    options = _options.get()
    result = load_settings(options.overrides, config_file=options.config_file)
    configure_logging(result.settings.log.level, result.settings.log.format)
    return result


def settings() -> Settings:
    """Load the current command's settings, and configure logging accordingly."""
    return loaded().settings


@contextmanager
def connected(command: str, own: Settings | None = None) -> Generator[Connection]:
    """Connect to a database that has this program's schema; the connection is closed at the end.

    Args:
        command: the name that the server shows for the connection, such as "rapray track".
        own: the settings, if the command has loaded them already.

    Raises:
        DependencyError: there is no such database, or it becomes unreachable.
    """
    from rapray.embedded import resolve_endpoints
    from rapray.store import migrate
    from rapray.store.pool import address_of, connect, map_errors

    url = resolve_endpoints(own or settings()).database_url
    with map_errors(address_of(url)), connect(url, application_name=command) as connection:
        migrate.require_current(connection)
        yield connection


def withdraw(keys: Iterable[str]) -> None:
    """Ignore the values that the command line gave to these settings."""
    options, withdrawn = _options.get(), set(keys)
    overrides = {key: value for key, value in options.overrides.items() if key not in withdrawn}
    _options.set(replace(options, overrides=overrides))


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            message = f"expected KEY=VALUE, not {text!r}"
            raise typer.BadParameter(message, param_hint="--set")
        pairs[key] = value
    return pairs
