"""Which analyzers a list of names means."""

from __future__ import annotations

import pytest

from rapray.analyzers.registry import specs
from rapray.analyzers.selection import expanded, selected
from rapray.config import Settings
from rapray.errors import ConfigError, ProviderNotConfigured, UnknownAnalyzer

SETTINGS = Settings()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["algorithmic"], ["algorithmic"]),
        (["emotion,algorithmic"], ["emotion", "algorithmic"]),
        ([" emotion , algorithmic ", "emotion", ""], ["emotion", "algorithmic"]),
        (["all"], list(specs(SETTINGS))),
        (["qwen", "all"], ["qwen", *(name for name in specs(SETTINGS) if name != "qwen")]),
    ],
)
def test_expanded_unique_in_order(names: list[str], expected: list[str]) -> None:
    """Commas and repeated options are the same, and "all" is every analyzer that is known."""
    assert expanded(names, specs(SETTINGS)) == expected


def test_expanded_rejects_unknown_name() -> None:
    """A typing error is told before anything runs."""
    with pytest.raises(UnknownAnalyzer, match="algoritmic"):
        selected(["algorithmic,algoritmic"], SETTINGS)


def test_selected_all_configured() -> None:
    """Who asks for everything gets what there is."""
    found = selected(["all"], SETTINGS)
    assert "algorithmic" in found.required()
    assert {name: problem.code for name, problem in found.problems.items()} == dict.fromkeys(
        ("gemma", "local", "ollama", "qwen"), "provider_not_configured"
    )


@pytest.mark.parametrize("names", [["algorithmic", "qwen"], ["all,qwen"]])
def test_selected_unconfigured_name(names: list[str]) -> None:
    """Who names one wants that one; the others are known to be ready."""
    found = selected(names, SETTINGS)
    assert "algorithmic" in found.ready
    with pytest.raises(ProviderNotConfigured, match="QWEN"):
        found.required()


def test_selected_empty_list_rejected() -> None:
    """An empty list would run nothing and say that all went well."""
    with pytest.raises(ConfigError):
        selected(["", " , "], SETTINGS)
