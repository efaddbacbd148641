"""Builds `Settings` from its sources, first one wins: command line, environment, `.env`, YAML, defaults.

Knows where each value came from and says so in errors; does not know what any setting is for.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, cast, get_args

from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from rapray.config.document import is_present, is_shallow, read_text
from rapray.config.secrets import REDACTED, redacted
from rapray.config.section import expanded
from rapray.config.settings import Settings
from rapray.config.yaml_files import read_yaml_layers
from rapray.errors import ConfigError

PREFIX = "RAPRAY_"
# Read here or by a process that rapray starts, and no field of Settings.
RESERVED = frozenset({"RAPRAY_CONFIG"})
# What can be the name of a setting. Any other key may be a misplaced secret: `url: {redis://:password@host}`.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: a kind ("command line", "environment", ".env", "file", "default") and its place."""

    kind: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.place}".strip()


DEFAULT = Origin("default")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Validated settings and the origin of every value, keyed by dotted name."""

    settings: Settings
    origins: Mapping[str, Origin]

    def origin(self, key: str) -> Origin:
        """Where the value of `key` ("database.url") came from."""
        return self.origins.get(key, DEFAULT)


@dataclass(frozen=True, slots=True)
class _Layer:
    values: Mapping[str, Any]
    origins: Mapping[str, Origin]


def load_settings(
    overrides: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    config_file: Path | None = None,
) -> Loaded:
    """Read every source and validate the sum of them.

    Args:
        overrides: dotted names to values, from the command line.
        environ: the process environment; `os.environ` if None.
        directory: where `.env` and `rapray.yaml` are looked for; the working directory if None.
        config_file: the YAML file; wins over `RAPRAY_CONFIG`. A named file must exist.

    Raises:
        ConfigError: a key is unknown or a value is not allowed; every problem is named with its origin.
    """
    environ = os.environ if environ is None else environ
    directory = directory or Path.cwd()
    dotenv = _dotenv(directory / ".env")
    command_line = _command_line_layer(overrides or {})
    process = _environment_layer(environ, "environment")
    env_file = _environment_layer(dotenv, ".env")
    named = config_file or _named_file(environ, dotenv, directory)
    above = (command_line, process, env_file)
    chosen = next(
        (str(layer.values["environment"]) for layer in above if "environment" in layer.values), None
    )
    files = read_yaml_layers(named, directory, chosen, {**dotenv, **environ})
    layers = [_Layer(f.values, {k: Origin("file", f.place(k)) for k in _dotted(f.values)}) for f in files]
    return _validated([*layers, *reversed(above)])


def public_values(settings: Settings) -> dict[str, Any]:
    """Dotted names to plain values, in order of declaration; a secret that is set shows as asterisks."""
    return {key: _shown(value) for key, value in _flat(settings)}


def _shown(value: object) -> Any:
    if isinstance(value, SecretStr):
        return REDACTED
    if isinstance(value, Path):
        return str(value)
    return list(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else redacted(value)


def _flat(model: BaseModel, prefix: str = "") -> Iterable[tuple[str, object]]:
    for name in type(model).model_fields:
        yield from _flat_value(getattr(model, name), f"{prefix}{name}")


def _flat_value(value: object, key: str) -> Iterable[tuple[str, object]]:
    if isinstance(value, BaseModel):
        yield from _flat(value, f"{key}.")
    elif isinstance(value, dict) and any(isinstance(inner, BaseModel) for inner in value.values()):
        for name, inner in cast("dict[str, object]", value).items():
            yield from _flat_value(inner, f"{key}.{name}")
    else:
        yield key, value


def _named_file(environ: Mapping[str, str], dotenv: Mapping[str, str], directory: Path) -> Path | None:
    named = environ.get("RAPRAY_CONFIG") or dotenv.get("RAPRAY_CONFIG")
    try:
        return directory / expanded(Path(named)) if named else None
    except ValueError as error:
        raise ConfigError(problems=f"RAPRAY_CONFIG: {error}") from error


def _dotenv(path: Path) -> dict[str, str]:
    """Return the file's variables.

    Raises:
        ConfigError: it cannot be read, or a setting in it holds `${NAME}`, which is not replaced here: references to
            references could expand without bound.
    """
    if not is_present(path):
        return {}
    values = dotenv_values(stream=io.StringIO(read_text(path)), interpolate=False)
    variables = {name: value for name, value in values.items() if value is not None}
    for name, value in variables.items():
        if name.startswith(PREFIX) and (reference := _REFERENCE.search(value)):
            shown = f"${{{reference[1]}}}"  # without a default, which may be a secret
            advice = f"write the value out, or use {shown} in rapray.yaml"
            raise ConfigError(problems=f"{path}: {name}: {shown} is not replaced in .env; {advice}")
    return variables


def _command_line_layer(overrides: Mapping[str, str]) -> _Layer:
    values: dict[str, Any] = {}
    for key, text in overrides.items():
        section = values
        *parents, leaf = key.split(".")
        for parent in parents:
            section = section.setdefault(parent, {})
        section[leaf] = text
    return _Layer(values, {key: Origin("command line") for key in overrides})


class _Environment(BaseSettings, Settings):  # pyright: ignore[reportIncompatibleVariableOverride]
    """Settings as pydantic-settings sees them, only to reuse its reading of nested variables."""

    model_config = SettingsConfigDict(extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__")


class _MappingSource(EnvSettingsSource):
    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = {k.lower(): v for k, v in variables.items()}
        super().__init__(_Environment)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        """Decode JSON; keep text that is not JSON (`a,b` may be a list) or is nested too deeply."""
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return decoded if is_shallow(decoded) else value


def _environment_layer(variables: Mapping[str, str], kind: str) -> _Layer:
    own = {k: v for k, v in variables.items() if k.startswith(PREFIX) and k not in RESERVED}
    try:
        given = _MappingSource(own)()
    except SettingsError as error:
        raise ConfigError(problems=f"{kind}: {error}") from error
    # A variable may hold a whole mapping as JSON: then its own name stands above the keys that it gives.
    above = {key[:end] for key in _dotted(given) for end in range(len(key) + 1) if key[end:][:1] in ("", ".")}
    known = {variable(name) for name in above | set(Settings.model_fields)}
    unknown = sorted(name for name in own if name.upper() not in known)
    if unknown:
        raise ConfigError(
            problems="\n".join(f"{name} ({kind}): there is no such setting" for name in unknown)
        )
    values = _without_blanks(given, Settings)
    return _Layer(values, {key: Origin(kind, variable(key)) for key in _dotted(values)})


def _without_blanks(values: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """An empty variable means "none" where a setting may be none, so that it can hide a file's; else it is as unset."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        annotation = model.model_fields[name].annotation if name in model.model_fields else None
        if isinstance(value, Mapping) and isinstance(annotation, type) and issubclass(annotation, BaseModel):
            kept[name] = _without_blanks(cast("Mapping[str, Any]", value), annotation)
        elif value != "":
            kept[name] = value
        elif NoneType in get_args(annotation):
            kept[name] = None
    return kept


def variable(key: str) -> str:
    """The environment variable of a dotted name."""
    return PREFIX + key.replace(".", "__").upper()


def _dotted(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, value in values.items():
        keys += _dotted(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [f"{prefix}{name}"]
    return keys


def _merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for name, value in high.items():
        below = merged.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[name] = _merge(below, value)
        else:
            merged[name] = value
    return merged


def _validated(layers: Iterable[_Layer]) -> Loaded:
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for layer in layers:
        values = _merge(values, layer.values)
        origins.update(layer.origins)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems = [_problem(detail, origins) for detail in error.errors(include_url=False)]
        raise ConfigError(problems="\n".join(problems)) from None
    return Loaded(settings, origins)


def _problem(detail: ErrorDetails, origins: Mapping[str, Origin]) -> str:
    """One line: key, origin, what is allowed. The value itself is left out: it may be a secret."""
    path = [str(part) for part in detail["loc"]]
    key = ".".join(path)
    near = (key, ".".join(path[:-1]), *(k for k in origins if k.startswith(f"{key}.")))
    origin = next((origins[k] for k in near if k in origins), DEFAULT)
    # `{hunter2}` in YAML is a key without a value, so an unknown key without a value may be a secret.
    hides_last = detail["input"] is None and path and path[-1] not in _field_names(Settings)
    shown = [part if _NAME.fullmatch(part) else REDACTED for part in path]
    key = ".".join([*shown[:-1], REDACTED] if hides_last else shown)
    if detail["type"] == "extra_forbidden":
        return f"{key} ({origin}): there is no such setting"
    message = detail["msg"]
    return f"{key} ({origin}): {message[0].lower()}{message[1:]}"


@cache
def _field_names(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of all fields of a model and of the models in it."""
    names = set(model.model_fields)
    for field in model.model_fields.values():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                names |= _field_names(part)
    return frozenset(names)
