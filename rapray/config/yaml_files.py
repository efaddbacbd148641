"""Reads `rapray.yaml` and its overlay, with `${VAR}` and `${VAR:-default}` replaced inside strings.

Knows YAML and nothing of which settings exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from rapray.config.document import LONGEST_VALUE, is_present, read_document
from rapray.errors import ConfigError

_ENVIRONMENT = re.compile(r"[a-z]{1,20}")
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


@dataclass(frozen=True, slots=True)
class YamlLayer:
    """One file's values; `place` says where a dotted key stands in it."""

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def place(self, key: str) -> str:
        """`rapray.yaml:12` for the key on line 12."""
        line = self.lines.get(key)
        return f"{self.path}:{line}" if line else str(self.path)


def read_yaml_layers(
    named: Path | None, directory: Path, environment: str | None, variables: Mapping[str, str]
) -> list[YamlLayer]:
    """The base file and the overlay of its environment, lowest first.

    Args:
        named: a file that was asked for and must exist; None: `rapray.yaml` in `directory`, if there.
        directory: where the default file is looked for.
        environment: "dev", "staging" or "prod" where a higher source set it; else the base file's own.
        variables: what `${VAR}` may name.

    Raises:
        ConfigError: a file is missing, unreadable or not a mapping, or a variable is not set.
    """
    base_path = named or directory / "rapray.yaml"
    if named is not None and not is_present(named):
        raise ConfigError(problems=f"{named}: there is no such file")
    base = [_read(base_path, variables)] if is_present(base_path) else []
    chosen = environment or (base[0].values.get("environment") if base else None) or "dev"
    if not isinstance(chosen, str) or not _ENVIRONMENT.fullmatch(chosen):
        return base  # an unusable environment has no overlay; `Settings` reports it
    overlay = base_path.with_name(f"{base_path.stem}.{chosen}{base_path.suffix}")
    return [*base, _read(overlay, variables)] if is_present(overlay) else base


def _read(path: Path, variables: Mapping[str, str]) -> YamlLayer:
    node, loaded = read_document(path)
    if loaded is None:
        return YamlLayer(path, {}, {})
    if not isinstance(loaded, dict):
        raise ConfigError(problems=f"{path}: must hold keys and values")
    lines = dict(_lines(node)) if isinstance(node, yaml.MappingNode) else {}
    values = _substituted(cast("dict[str, Any]", loaded), path, variables)
    return YamlLayer(path, values, lines)


def _lines(node: yaml.MappingNode, prefix: str = "") -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        found.append((name, key.start_mark.line + 1))
        if isinstance(value, yaml.MappingNode):
            found += _lines(value, f"{name}.")
    return found


def _substituted(value: Any, path: Path, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {str(k): _substituted(v, path, variables) for k, v in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_substituted(entry, path, variables) for entry in cast("list[Any]", value)]
    return _expand(value, path, variables) if isinstance(value, str) else value


def _expand(text: str, path: Path, variables: Mapping[str, str]) -> str:
    length = len(text)

    def replace(match: re.Match[str]) -> str:
        nonlocal length
        name, default = match["name"], match["default"]
        # As in a shell, `:-` also covers a variable that is set and empty.
        found = variables.get(name) or default
        if found is None:
            raise ConfigError(
                problems=f"{path}: ${{{name}}} is not set and has no default (`${{{name}:-…}}`)"
            )
        length += len(found)
        if length > LONGEST_VALUE:
            reason = f"a value is longer than {LONGEST_VALUE} characters once its variables are replaced"
            raise ConfigError(problems=f"{path}: {reason}")
        return found

    return _VARIABLE.sub(replace, text)
