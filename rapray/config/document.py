"""Turns the text of a YAML file into plain values, within bounds, and says what is wrong without quoting the file.

Does not know what the values are for. A line of a settings file may hold a password, so no message repeats any of it.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any, cast

import yaml

from rapray.errors import ConfigError

MOST_BYTES = 200_000  # twenty times the example file, which names every setting
MOST_VALUES = 10_000  # an alias counts as all that it stands for
DEEPEST = 20
LONGEST_VALUE = 20_000  # characters
# Converting a number in base 60 (`1:30:00` is 5400) takes time quadratic in its length.
LONGEST_NUMBER = 100

# PyYAML ends a message with the name, tag or character that it met, in quotes. Only names of tokens and
# single characters are safe to show: anything else may be a secret.
_HARMLESS_END = re.compile(r"'(?:<[a-z ]+>|\S|\\t)'(?: that cannot start any token)?")


def read_document(path: Path) -> tuple[yaml.Node | None, object]:
    """Return a file's nodes, which know their lines, and the values they stand for; two Nones if it is empty.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or is too large or too deep.
    """
    text = read_text(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return None, None
        _check_extent(node)
        return node, yaml.constructor.SafeConstructor().construct_document(node)
    except (yaml.YAMLError, _Unbounded) as error:
        reason = _reason(error)
    except RecursionError:
        reason = _DEEP
    # PyYAML raises these for a tag such as !!int before another text.
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        reason = "a value is not what its tag or form says"
    # Raised outside the handlers, so that the parser's error, which quotes the line, is not chained to it.
    raise ConfigError(problems=f"{path}: {reason}")


def is_shallow(value: object) -> bool:
    """Return True if plain values are nested no deeper than a document may be."""
    level = [value]
    for _ in range(DEEPEST):
        held = [cast("dict[Any, Any]", part).values() for part in level if isinstance(part, dict)]
        held += [cast("list[Any]", part) for part in level if isinstance(part, list)]
        level = [part for parts in held for part in parts]
    return not level


class _Unbounded(Exception):
    """The document is larger or deeper than any settings are."""


_DEEP = f"it is nested more than {DEEPEST} levels deep, or a part of it contains itself"


def is_present(path: Path) -> bool:
    """Return True if there is something at this path that is not a directory.

    Raises:
        ConfigError: this user may not look there.
    """
    try:
        return path.exists() and not path.is_dir()
    except OSError as error:
        raise ConfigError(problems=f"{path}: {error.strerror or 'it cannot be read'}") from error


def read_text(path: Path) -> str:
    """Return the text of a settings file.

    Raises:
        ConfigError: it is not a regular file, cannot be read, is too large or is not UTF-8; or another user put it
            into a directory that everyone may write to, such as /tmp.
    """
    try:
        # O_NONBLOCK: opening a pipe would wait for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            entry = os.fstat(file.fileno())
            if not stat.S_ISREG(entry.st_mode):
                reason = "it is not a regular file, so rapray does not read it; write the values to a file"
                raise ConfigError(problems=f"{path}: {reason}, or set them as environment variables")
            _refuse_strangers(path, {entry.st_uid, path.lstat().st_uid})
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(problems=f"{path}: {error.strerror or 'it cannot be read'}") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(problems=f"{path}: it is larger than {MOST_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"it stops being UTF-8 at byte {error.start}"
    raise ConfigError(problems=f"{path}: {reason}; save it as UTF-8")


def _refuse_strangers(path: Path, owners: set[int]) -> None:
    """Refuse another user's file in a directory that everyone may write to: it could send our passwords elsewhere."""
    others = owners - {0, os.geteuid()}
    if others and path.absolute().parent.stat().st_mode & stat.S_IWOTH:
        advice = "move it to a directory of your own, or change its owner with `chown`"
        reason = f"it belongs to user {min(others)}, and everyone may write to its directory"
        raise ConfigError(problems=f"{path}: {reason}; {advice}")


def _check_extent(root: yaml.Node) -> None:
    """Count all values as often as aliases repeat them, and stop at the bounds, before any value is built."""
    values = 0
    waiting = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        values += 1
        if depth > DEEPEST:
            raise _Unbounded(_DEEP)
        if values > MOST_VALUES:
            reason = f"it holds more than {MOST_VALUES} values, each alias counted as all that it repeats"
            raise _Unbounded(reason)
        _check_length(node)
        if isinstance(node, yaml.MappingNode):
            waiting += [(part, depth + 1) for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(part, depth + 1) for part in node.value]


def _check_length(node: yaml.Node) -> None:
    line = node.start_mark.line + 1
    is_number = node.tag.endswith((":int", ":float"))
    if not isinstance(node, yaml.ScalarNode):
        if is_number:  # PyYAML would take the text of the member "=" for the number
            reason = f"line {line}: a number must be a plain value"
            raise _Unbounded(reason)
        return
    longest = LONGEST_NUMBER if is_number else LONGEST_VALUE
    if len(node.value) > longest:
        reason = f"line {line}: a {'number' if is_number else 'value'} is longer than {longest} characters"
        raise _Unbounded(reason)


def _reason(error: Exception) -> str:
    """Return what is wrong and where, in the parser's words but without the file's."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return f"{place}it is not YAML: {_own_words(error.problem or error.context or '')}"
    if isinstance(error, yaml.reader.ReaderError):
        return f"it holds a character that YAML does not allow, at position {error.position}"
    return str(error) if isinstance(error, _Unbounded) else "it is not YAML"


def _own_words(problem: str) -> str:
    # `repr` takes double quotes around what holds a single one.
    begin = min((at for at in (problem.find("'"), problem.find('"')) if at >= 0), default=len(problem))
    if begin == len(problem) or _HARMLESS_END.fullmatch(problem[begin:]):
        return problem.strip() or "it cannot be read"
    return f"{problem[:begin].strip()} (not shown, it may be a secret; put a value with special characters in quotes)"
