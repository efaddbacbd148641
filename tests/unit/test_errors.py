"""The error tree: codes, messages, pickling."""

from __future__ import annotations

import ast
import pickle
import re
import string
from functools import cache
from pathlib import Path

import pytest

import rapray
from rapray.errors import (
    AnalysisFailed,
    AnswerInvalid,
    AnswerRefused,
    ConfigError,
    CostLimitReached,
    DependencyError,
    InvalidLyrics,
    MissingExtra,
    ProviderRejected,
    RaprayError,
    RedisUnavailable,
    all_errors,
)


def filled(error_type: type[RaprayError]) -> RaprayError:
    """An error of this type with every attribute of its message set."""
    names = {name for _, name, _, _ in string.Formatter().parse(error_type.__doc__ or "") if name}
    return error_type(**{name: f"<{name}>" for name in names})


@pytest.mark.parametrize("error_type", all_errors(), ids=lambda error_type: error_type.__name__)
def test_error_pickle_round_trips(error_type: type[RaprayError]) -> None:
    """An error crosses process boundaries unchanged."""
    error = filled(error_type)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is error_type
    assert (str(copy), copy.attributes, copy.code) == (str(error), error.attributes, error.code)


def test_error_codes_are_unique() -> None:
    """Every class has a code of its own, so that a stored code names one error."""
    codes = [error_type.code for error_type in all_errors()]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("error_type", all_errors(), ids=lambda error_type: error_type.__name__)
def test_error_message_shows_attributes(error_type: type[RaprayError]) -> None:
    """The docstring is the message; what fills its braces is printed."""
    error = filled(error_type)
    assert all(str(value).strip("'") in str(error).replace("'", "") for value in error.attributes.values())
    assert "{" not in str(error)


def test_unrelated_errors_spare_text() -> None:
    """Servers, settings, packages and money fail for every text; an answer and a lyric are of one."""
    rejected = {e for e in all_errors() if issubclass(e, ProviderRejected)}
    others = {e for e in all_errors() if issubclass(e, DependencyError | ConfigError | MissingExtra)}
    assert not any(e.blames_text for e in (others | {CostLimitReached}) - rejected)
    assert all(e.blames_text for e in (AnalysisFailed, AnswerInvalid, AnswerRefused, InvalidLyrics))


@pytest.mark.parametrize(
    ("status", "blames_text"), [(400, True), (413, True), (422, True), (404, False), (302, False)]
)
def test_rejected_request_blames_text(status: int, blames_text: bool) -> None:
    """A model that is gone is gone for every text."""
    error = ProviderRejected(provider="qwen", status=status, reason="no")
    assert error.blames_text is blames_text
    assert pickle.loads(pickle.dumps(error)).blames_text is blames_text


REMEDY = re.compile(r"`(rapray|ray) [^`]+`|RAPRAY_[A-Z_]+|\b(un)?install\b|\{setting\}")


@pytest.mark.parametrize(
    "error_type",
    [one for one in all_errors() if issubclass(one, DependencyError | MissingExtra)],
    ids=lambda error_type: error_type.__name__,
)
def test_dependency_error_suggests_action(error_type: type[RaprayError]) -> None:
    """A command, a setting or what to install, whatever the reason is."""
    assert REMEDY.search(error_type.__doc__ or ""), str(filled(error_type))


@pytest.mark.parametrize("error_type", all_errors(), ids=lambda error_type: error_type.__name__)
def test_error_message_single_line(error_type: type[RaprayError]) -> None:
    """How the source is wrapped is nobody's business."""
    assert "\n" not in str(filled(error_type)) or error_type is ConfigError


def test_error_reason_full_stop() -> None:
    """Other programs end theirs with one, and paths keep their dots."""
    told = str(RedisUnavailable(address="h:1", reason="Connection refused."))
    assert "refused. Is it" in told
    assert "in ../songs. `rapray" in str(DependencyError(reason="there is nothing in ../songs"))


def _called_error(node: ast.AST) -> str | None:
    called = node.func if isinstance(node, ast.Call) else None
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", None)


@pytest.mark.parametrize("error_type", all_errors(), ids=lambda error_type: error_type.__name__)
def test_error_raised_with_attributes(error_type: type[RaprayError]) -> None:
    """A missing attribute would turn the error into a KeyError at the moment it is needed."""
    needed = {name for _, name, _, _ in string.Formatter().parse(error_type.__doc__ or "") if name}
    for path, tree in _modules().items():
        for node in ast.walk(tree):
            if _called_error(node) == error_type.__name__:
                assert isinstance(node, ast.Call)
                given = {keyword.arg for keyword in node.keywords}
                assert None in given or needed <= given, f"{path}:{node.lineno} lacks {needed - given}"


@cache
def _modules() -> dict[Path, ast.Module]:
    package = Path(rapray.__file__).parent
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in package.rglob("*.py")}
