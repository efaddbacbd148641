"""The files that tell processes about each other: the endpoint, the credentials, the failure.

Knows their form and that they are written whole or not at all; does not know who runs.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rapray.embedded.processes import ProcessId
from rapray.errors import EmbeddedServerError

State = Literal["stopped", "starting", "ready", "restarting", "orphaned"]


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """One server as its supervisor last saw it; `started_at` is in seconds since 1970."""

    name: str
    state: State
    port: int
    version: str
    process: ProcessId | None = None
    started_at: float | None = None
    restarts: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """What a supervisor publishes."""

    supervisor: ProcessId
    started_at: float
    owner: ProcessId | None
    postgres: ServerRecord
    valkey: ServerRecord
    credentials: Credentials = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What stays the same from one start to the next; ports move only where another program took them."""

    postgres_password: str = field(repr=False)
    valkey_password: str = field(repr=False)
    postgres_port: int | None = None
    valkey_port: int | None = None


def new_credentials() -> Credentials:
    """Fresh passwords; letters, digits, `-` and `_` only, so that they need no quoting anywhere."""
    return Credentials(secrets.token_urlsafe(24), secrets.token_urlsafe(24))


def write_private(path: Path, content: object) -> None:
    """Replace the file by this JSON in one step, readable by its owner alone."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Mapping[str, Any] | None:
    """The object in this file; None where there is no file or it is not JSON.

    Raises:
        EmbeddedServerError: the file is another user's.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    except PermissionError as error:
        reason = f"{path} may be read by the user who started it alone"
        raise EmbeddedServerError(server="PostgreSQL", reason=reason) from error
    return content if isinstance(content, dict) else None


def write_endpoint(path: Path, record: EndpointRecord) -> None:
    """Publish."""
    write_private(path, asdict(record))


def read_endpoint(path: Path) -> EndpointRecord | None:
    """What was last published, whether or not its supervisor still lives; None where nothing readable is there."""
    content = read_json(path)
    if content is None:
        return None
    try:
        return EndpointRecord(
            supervisor=ProcessId(**content["supervisor"]),
            started_at=content["started_at"],
            owner=_process(content["owner"]),
            postgres=_server(content["postgres"]),
            valkey=_server(content["valkey"]),
            credentials=Credentials(**content["credentials"]),
        )
    except (KeyError, TypeError):
        return None


def load_credentials(path: Path) -> Credentials | None:
    """The credentials of this data directory; None where there are none yet or they are unreadable."""
    content = read_json(path)
    try:
        return None if content is None else Credentials(**content)
    except TypeError:
        return None


def save_credentials(path: Path, credentials: Credentials) -> None:
    """Keep them for the next start."""
    write_private(path, asdict(credentials))


def _process(content: Mapping[str, Any] | None) -> ProcessId | None:
    return None if content is None else ProcessId(**content)


def _server(content: Mapping[str, Any]) -> ServerRecord:
    fields: dict[str, Any] = {**content, "process": _process(content["process"])}
    return ServerRecord(**fields)
