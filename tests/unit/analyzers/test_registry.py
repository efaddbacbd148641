"""Listing and making analyzers, built-in and from other packages."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import pytest

from rapray.analyzers import AnalyzerSpec, Needs, create, spec, specs
from rapray.config import Settings
from rapray.errors import ConfigError, MissingExtra, UnknownAnalyzer

THEIRS = AnalyzerSpec(
    "theirs", "2.0", "no_such_package.module:Class", "Another package's.", Needs(extra="theirs")
)


class _Point(NamedTuple):
    """What `importlib.metadata` gives for an installed package's entry point."""

    name: str
    value: str
    loaded: object

    def load(self) -> object:
        return self.loaded


def _install(monkeypatch: pytest.MonkeyPatch, loaded: object) -> None:
    point = _Point("theirs", "their_package:SPEC", loaded)
    monkeypatch.setattr(
        "rapray.analyzers.registry.entry_points", lambda group: [point] * (group == "rapray.analyzers")
    )


def test_specs_listing_loads_nothing_heavy() -> None:
    """A command that lists analyzers pays for none of them."""
    program = (
        "import sys; from rapray.analyzers import specs; assert 'algorithmic' in specs();"
        "print([name for name in ('torch', 'numpy', 'transformers', 'ray') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_spec_unknown_name_lists_the_known() -> None:
    """The error says what there is."""
    with pytest.raises(UnknownAnalyzer, match="algorithmic"):
        spec("horoscope")


def test_specs_entry_point_of_another_package_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package adds an analyzer without a change here."""
    _install(monkeypatch, THEIRS)
    assert specs()["theirs"] == THEIRS
    assert "algorithmic" in specs()


def test_create_analyzer_without_its_packages_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is said with the command that installs it."""
    _install(monkeypatch, THEIRS)
    with pytest.raises(MissingExtra, match=r"rapray\[theirs\]"):
        create("theirs", Settings())


def test_specs_entry_point_that_is_no_spec_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken package is named, not guessed around."""
    _install(monkeypatch, "not a spec")
    with pytest.raises(ConfigError, match="theirs"):
        specs()
