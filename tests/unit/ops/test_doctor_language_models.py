"""What the doctor says of language models, without asking one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from rapray.config import Settings
from rapray.config.llm import LlmSettings
from rapray.ops.doctor import Finding, examine


def found(tmp_path: Path, llm: LlmSettings) -> Finding:
    """The finding of that subject."""
    findings = examine(Settings(data_dir=tmp_path, llm=llm))
    return next(finding for finding in findings if finding.subject == "language models")


def test_examine_without_language_models(tmp_path: Path) -> None:
    """They are optional; the advice says what sets one up."""
    finding = found(tmp_path, LlmSettings())
    assert (finding.state, finding.summary) == ("ok", "none is set up")
    assert "RAPRAY_LLM__HOSTED__MODEL" in finding.advice


def test_examine_lists_configured_models(tmp_path: Path) -> None:
    """A key and an address each."""
    llm = LlmSettings.model_validate(
        {"providers": {"qwen": {"api_key": "s3cret"}, "ollama": {"enabled": True}}}
    )
    finding = found(tmp_path, llm)
    assert (finding.state, finding.summary) == ("ok", "qwen, ollama")


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed here")
def test_examine_hosted_without_vllm(tmp_path: Path) -> None:
    """`rapray serve` would refuse to start."""
    finding = found(tmp_path, LlmSettings.model_validate({"hosted": {"model": "org/m"}}))
    assert finding.state == "warn"
    assert "make vllm" in finding.advice
