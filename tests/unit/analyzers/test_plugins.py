"""Analyzers of other packages: listed as they are, and broken alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rapray.analyzers import create, provenance_of, spec, specs
from rapray.analyzers.base import AnalyzerSpec
from rapray.analyzers.plugins import faults_of
from rapray.analyzers.selection import selected
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.errors import AnalyzerBroken, MissingExtra, MissingPackages, RaprayError
from tests.support.commands import heeding_ctrl_c
from tests.support.package import install

SHOUT = """
from rapray.analyzers import digest_of, one_by_one, rounded
from rapray.domain import Analysis, Provenance
from rapray.errors import AnalysisFailed


class Class:
    def __init__(self, settings, name):
        parameters = digest_of({"sign": "!"}, {"sign": "!"})
        self.provenance = Provenance(name, "2.0", parameters=parameters)

    def analyze(self, batch):
        return one_by_one(self, batch, self._analyze_one)

    def _analyze_one(self, lyric):
        if "!" not in lyric.lyrics:
            raise AnalysisFailed(analyzer=self.provenance.analyzer, reason="too quiet")
        data = rounded({"loud": lyric.lyrics.count("!") / len(lyric.lyrics)})
        return Analysis(lyric.key, self.provenance, lyric.content_hash, data)
"""


def lyric(text: str) -> Lyric:
    """One line."""
    return Lyric("1", text, (), "hash")


def test_plugin_listed_with_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package adds an analyzer without a change here."""
    install(monkeypatch, tmp_path, "theirs")
    found = specs()["theirs"]
    assert (found.version, found.package, found.problem) == ("2.0", "theirs-dist", None)
    assert specs()["algorithmic"].package is None


_SUBCLASS = """
from rapray.analyzers.base import AnalyzerSpec
class Spec(AnalyzerSpec):
    {}
SPEC = object.__new__(Spec)
"""
_SPEC = """
from rapray.analyzers.base import AnalyzerSpec
SPEC = AnalyzerSpec(**{{"name": "theirs", "version": "1", "factory": "a:b", "summary": "Loud."}} | dict({}))
"""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module_here", "No module named 'no_such_module_here'"),
        ("1 / 0", "ZeroDivisionError"),
        ("SPEC =", "SyntaxError"),
        ("SPEC = 'not a spec'", "is no AnalyzerSpec"),
        ("", "AttributeError"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("raise GeneratorExit('mid-import')", "GeneratorExit: mid-import"),
        ("class Panic(BaseException): pass\nraise Panic('from Rust')", "Panic: from Rust"),
        (
            "class Mute(Exception):\n    def __str__(self): raise OSError\nraise Mute",
            "an error whose message cannot be read",
        ),
        (_SUBCLASS.format("name = property(lambda self: 1 / 0)"), "ZeroDivisionError"),
        (_SPEC.format("needs=None"), "its needs is of a type that it cannot have"),
        (_SPEC.format("summary=None"), "its summary is of a type that it cannot have"),
        (_SPEC.format("batch_size=True"), "its batch_size is of a type that it cannot have"),
        (_SPEC.format("identify=type('Text', (str,), {})('a:b')"), "its identify is of a type"),
        (_SUBCLASS.format("def __getattribute__(self, name): raise SystemExit(3)"), "SystemExit: 3"),
    ],
)
def test_plugin_load_error_isolated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, reason: str
) -> None:
    """Every other analyzer works, and whoever names this one hears why it does not."""
    install(monkeypatch, tmp_path, "theirs", spec=source)
    assert {"theirs", "algorithmic", "qwen"} <= set(specs())
    assert provenance_of("algorithmic", Settings()).analyzer == "algorithmic"
    for ask in (provenance_of, create):
        with pytest.raises(AnalyzerBroken, match=f"(?s)theirs.*theirs-dist.*{reason}") as caught:
            ask("theirs", Settings())
        assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("point", "listed"),
    [("theirs", "theirs"), ("all", "theirs-dist:all"), ("a,b", "theirs-dist:a,b"), ("", "theirs-dist:")],
)
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("'all', '2.0'", "'all' cannot be its name"),
        ("'', '2.0'", "'' cannot be its name"),
        ("'a,b', '2.0'", "'a,b' cannot be its name"),
        ("'Loud Voice', '2.0'", "'Loud Voice' cannot be its name"),
        ("'a/b', '2.0'", "'a/b' cannot be its name"),
        ("7, '2.0'", "7 cannot be its name"),
        ("'theirs', ''", "'' cannot be its version"),
        ("'theirs', '2/0'", "'2/0' cannot be its version"),
    ],
)
def test_plugin_invalid_name_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, point: str, listed: str, arguments: str, reason: str
) -> None:
    """What it cannot be, and what a name is; "all" still means every analyzer, each by its own name."""
    spec_ = f"from rapray.analyzers import AnalyzerSpec\nSPEC = AnalyzerSpec({arguments}, 'x:y', '')"
    install(monkeypatch, tmp_path, "theirs", spec=spec_, point=point)
    assert "algorithmic" in specs()
    assert "all" not in specs()
    with pytest.raises(AnalyzerBroken, match=f"theirs-dist.*{reason}"):
        provenance_of(listed, Settings())
    assert isinstance(selected(["all"], Settings()).problems[listed], AnalyzerBroken)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("Class = lambda settings, name: None", "a NoneType, which is no Analyzer"),
        (SHOUT.replace('"2.0"', '"2.1"'), r"its spec says theirs 2\.0, its Analyzer theirs 2\.1"),
        (SHOUT.replace("self.provenance = ", "self.origin = "), "a Class, which is no Analyzer"),
        (
            SHOUT.replace('Provenance(name, "2.0", parameters=parameters)', "name"),
            "a Class, which is no Analyzer",
        ),
        (SHOUT.replace("parameters=parameters", "parameters=7"), "a provenance with a value that is no text"),
    ],
    ids=["nothing", "another version", "no provenance", "another type", "a number"],
)
def test_plugin_wrong_provenance_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, reason: str
) -> None:
    """Its results would never be current, and its tracks due for ever."""
    install(monkeypatch, tmp_path, "theirs", code=code)
    with pytest.raises(AnalyzerBroken, match=reason):
        create("theirs", Settings())


@pytest.mark.parametrize(
    ("needs", "kind", "told"),
    [
        (
            "install=\"pip install 'theirs-dist[audio]'\"",
            MissingPackages,
            r"pip install 'theirs-dist\[audio\]'",
        ),
        ("extra='embeddings'", MissingExtra, r"pip install 'rapray\[embeddings\]'"),
        ("", AnalyzerBroken, "no_such_module_here"),
    ],
)
def test_plugin_missing_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, needs: str, kind: type[RaprayError], told: str
) -> None:
    """Its own extra is no extra of rapray."""
    install(monkeypatch, tmp_path, "theirs", code="import no_such_module_here", needs=needs)
    with pytest.raises(kind, match=told):
        create("theirs", Settings())


def test_plugin_factory_error_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its defect is a sentence, and not a traceback of ours."""
    code = "class Class:\n    def __init__(self, settings, name):\n        raise ValueError('no file')"
    install(monkeypatch, tmp_path, "theirs", code=code)
    with pytest.raises(AnalyzerBroken, match="ValueError: no file"):
        create("theirs", Settings())


def test_plugin_cannot_shadow_builtin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is built in stays what it is."""
    install(monkeypatch, tmp_path, "algorithmic")
    assert spec("algorithmic").package is None


def test_plugin_from_readme_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing but what `rapray.analyzers` exports, records and errors: a result, and a failure for one text."""
    install(monkeypatch, tmp_path, "shout", code=SHOUT)
    loud, quiet = create("shout", Settings()).analyze([lyric("Hey! Ho!"), lyric("a whisper")])
    assert isinstance(loud, Analysis)
    assert (loud.data, loud.provenance) == ({"loud": 0.25}, Provenance("shout", "2.0"))
    assert isinstance(quiet, Failure)
    assert (quiet.stage, quiet.code) == (loud.provenance.stage, "analysis_failed")


@pytest.mark.parametrize(
    "code", ["import sys\nsys.exit(3)", "class Class:\n    def __init__(self, *_):\n        exit(3)"]
)
def test_plugin_system_exit_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """A plugin that calls exit at import or construction counts as broken and does not end rapray."""
    install(monkeypatch, tmp_path, "theirs", code=code)
    with pytest.raises(AnalyzerBroken, match=r"(?s)theirs.*theirs-dist.*SystemExit: 3"):
        create("theirs", Settings())


def test_plugin_keyboard_interrupt_propagates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ctrl-C ends the program also while a slow package is being imported."""
    install(monkeypatch, tmp_path, "theirs", spec="import signal\nsignal.raise_signal(signal.SIGINT)")
    with heeding_ctrl_c(), pytest.raises(KeyboardInterrupt):
        specs()


@pytest.mark.parametrize("kind", [GeneratorExit, asyncio.CancelledError, KeyboardInterrupt])
def test_faults_exclude_interruptions(kind: type[BaseException]) -> None:
    """What comes from outside of an analyzer's code, such as a cancelled task, does not make it broken."""
    shout = AnalyzerSpec("shout", version="1", factory="shout:make", summary="Loud.", package="shout")
    with pytest.raises(kind), faults_of(shout):
        raise kind
    with pytest.raises(AnalyzerBroken), faults_of(shout):
        raise SystemExit
