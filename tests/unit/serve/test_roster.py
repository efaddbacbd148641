"""Which analyzers get a deployment, which are only known, and what a result is kept under."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rapray.analyzers import registry
from rapray.analyzers.base import AnalyzerSpec
from rapray.config import Settings
from rapray.domain import Analysis, Lyric, Provenance
from rapray.errors import ConfigError, ModelUnavailable, UnknownAnalyzer
from rapray.serve.problems import of_code
from rapray.serve.roster import Roster, roster, to_deploy

LYRIC = Lyric("1", "one line", (), "hash", "Title", "en")


def known(_: Settings, name: str) -> Provenance:
    """An analyzer that is set up."""
    return Provenance(name, "1", "some/model", "1", "p1")


def unknown(_: Settings, name: str) -> Provenance:
    """An analyzer that is not."""
    raise ModelUnavailable(model=name, reason="there is no address")


@pytest.fixture(autouse=True)
def two_analyzers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is set up and one that is not."""
    there = AnalyzerSpec("there", "1", "unused:unused", "", identify=f"{__name__}:known", is_remote=True)
    missing = AnalyzerSpec("missing", "1", "unused:unused", "", identify=f"{__name__}:unknown")
    found = {"missing": missing, "there": there}
    provenances = {"there": known, "missing": unknown}
    for module in ("rapray.serve.roster", "rapray.analyzers.selection"):
        monkeypatch.setattr(f"{module}.specs", lambda _settings=None: found, raising=True)
        monkeypatch.setattr(
            f"{module}.provenance_of", lambda name, settings: provenances[name](settings, name)
        )
    monkeypatch.setattr("rapray.analyzers.registry.specs", lambda _settings=None: found)
    assert registry.spec("there") is there


def test_roster_explains_missing_analyzer() -> None:
    """Not set up and not started are two reasons."""
    found = roster(Settings(), [])
    assert {name: problem.code for name, problem in found.unserved.items()} == {
        "missing": "model_unavailable",
        "there": "analyzer_not_served",
    }
    assert roster(Settings(), ["there"]).served == {"there": "1"}
    assert roster(Settings(), []).remote == {"there"}


def test_meant_by_configured_names() -> None:
    """A request that names no analyzer asks none that may cost money instead of the one that is configured."""
    found = Roster({"a": "1", "b": "1"}, {"c": of_code("analyzer_not_served")})
    assert found.meant_by(["b", "c"]) == ("b", "c")
    assert found.meant_by(["c"]) == ("c",)
    assert found.meant_by(["all"]) == ("a", "b")


def test_to_deploy_skips_unconfigured() -> None:
    """Who asks for everything gets what there is; who asks for one hears why it cannot be."""
    assert to_deploy(["all"], Settings()) == ["there"]
    assert to_deploy(["there"], Settings()) == ["there"]
    with pytest.raises(ModelUnavailable):
        to_deploy(["there", "missing"], Settings())
    with pytest.raises(ModelUnavailable):
        to_deploy(["all", "missing"], Settings())
    with pytest.raises(UnknownAnalyzer):
        to_deploy(["nobody"], Settings())


def test_to_deploy_nothing_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ingress without an analyzer would answer nothing."""
    monkeypatch.setattr(
        "rapray.analyzers.selection.provenance_of", lambda name, settings: unknown(settings, name)
    )
    with pytest.raises(ConfigError):
        to_deploy(["all"], Settings())


def test_cache_key_covers_inputs() -> None:
    """Text, title, language, version, model, prompt and parameters."""
    base = roster(Settings(), ["there"])
    lyrics = [
        LYRIC,
        replace(LYRIC, lyrics="one\nline"),
        replace(LYRIC, content_hash="other"),
        replace(LYRIC, title="Other"),
        replace(LYRIC, language=None),
    ]
    changed = [
        replace(known(Settings(), "there"), **changes)
        for changes in (
            {"version": "2"},
            {"model": "another/model"},
            {"model_revision": "2"},
            {"prompt_version": "p2"},
            {"parameters": "0c"},
        )
    ]
    rosters = [replace(base, provenances={"there": one}) for one in changed]
    keys = [base.cache_key("there", lyric) for lyric in lyrics]
    keys += [other.cache_key("there", LYRIC) for other in rosters]
    assert len(set(keys)) == len(keys)
    assert base.cache_key("there", replace(LYRIC, key="2")) == keys[0]
    assert base.cache_key("missing", LYRIC) is None


def test_roster_rejects_other_model() -> None:
    """A replica on another node may have other weights: its result is an answer, and not for the cache."""
    provenance = known(Settings(), "there")
    expected = Analysis("1", provenance, "hash", {})
    found = roster(Settings(), ["there"])
    assert found.is_as_expected(expected)
    for changes in ({"model": "another"}, {"parameters": "0c"}):
        other = replace(provenance, **changes)
        assert not found.is_as_expected(replace(expected, provenance=other))
    assert not Roster({}).is_as_expected(expected)


def test_cache_key_other_settings() -> None:
    """What one analyzer is asked with, and how long it may take, flushes nobody else's results."""
    plain = roster(Settings(), [])
    other = {"qwen": {"api_key": "k", "timeout_s": 7, "temperature": 1}}
    changed = Settings.model_validate({"llm": {"providers": other}, "serve": {"port": 1234}})
    assert roster(changed, []).cache_key("there", LYRIC) == plain.cache_key("there", LYRIC)
