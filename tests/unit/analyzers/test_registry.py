"""Listing and making analyzers, built-in and from other packages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rapray.analyzers import spec, specs
from rapray.config import Settings
from rapray.errors import ConfigError, UnknownAnalyzer


def test_specs_load_nothing_heavy() -> None:
    """A command that lists analyzers pays for none of them."""
    program = (
        "import sys; from rapray.analyzers import specs; assert 'algorithmic' in specs();"
        "print([name for name in ('torch', 'numpy', 'transformers', 'ray') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert shown.stdout.strip() == "[]"


def test_spec_unknown_name() -> None:
    """The error says what there is."""
    with pytest.raises(UnknownAnalyzer, match="algorithmic"):
        spec("horoscope")


@pytest.mark.parametrize("name", ["algorithmic", "emotion", "all"])
def test_specs_reject_shadowing_provider(name: str) -> None:
    """It would be shadowed without a word; the presets are providers and can be set."""
    given = {"base_url": "https://h/v1", "model": "m", "api_key": "k"}
    with pytest.raises(ConfigError, match=f"llm.providers.{name}"):
        specs(Settings.model_validate({"llm": {"providers": {name: given}}}))
    assert "qwen" in specs(Settings.model_validate({"llm": {"providers": {"qwen": given}}}))
