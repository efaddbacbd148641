"""The settings that decide a result: each of them makes results due again, and no other setting does."""

from __future__ import annotations

from typing import Any

import pytest

from rapray.analyzers.base import digest_of
from rapray.analyzers.llm.analyzer import LlmAnalyzer
from rapray.analyzers.llm.parameters import defaults_of
from rapray.analyzers.registry import provenance_of, spec
from rapray.config import Settings
from rapray.config.llm import ProviderSettings
from rapray.store.due import DueAnalyses

DECIDING: dict[str, Any] = {
    "context_tokens": 4096,
    "max_output_tokens": 512,
    "structured_output": "json_object",
    "logprobs": False,
    "temperature": 0.7,
    "samples": 3,
    "extra_body": {"seed": 1},
}
IN_THE_PROVENANCE = {"model": "another", "revision": "2"}
OTHERS: dict[str, Any] = {
    "base_url": "https://elsewhere.example/v1",
    "api_key": "another",
    "needs_key": False,
    "enabled": True,
    "max_parts": 3,
    "timeout_s": 7,
    "max_retries": 1,
    "max_wait_s": 1,
    "concurrency": 9,
    "requests_per_minute": 5,
    "tokens_per_minute": 500,
    "input_usd_per_million": 1,
    "output_usd_per_million": 1,
}


def settings(name: str = "qwen", **provider: Any) -> Settings:
    """With a provider that is configured."""
    providers = {name: {"api_key": "k", **provider}}
    return Settings.model_validate({"llm": {"providers": providers}, "redis": {"enabled": False}})


def parameters(name: str = "qwen", **provider: Any) -> str | None:
    """Of that provider."""
    return provenance_of(name, settings(name, **provider)).parameters


def test_parameters_classify_every_setting() -> None:
    """A new setting is to be put into one of them."""
    assert {*DECIDING, *IN_THE_PROVENANCE, *OTHERS} == set(ProviderSettings.model_fields)


def test_parameters_follow_deciding_settings() -> None:
    """Two of them never share a digest, and the result says what the provenance says."""
    found = [parameters(**{name: value}) for name, value in DECIDING.items()]
    assert None not in found
    assert len(set(found)) == len(DECIDING)
    assert LlmAnalyzer(settings(samples=3), "qwen").provenance.parameters == parameters(samples=3)


@pytest.mark.parametrize("name", OTHERS)
def test_parameters_ignore_other_settings(name: str) -> None:
    """A longer time-out or another host of the same model makes nothing due."""
    assert parameters(**{name: OTHERS[name]}) is None
    assert parameters(**{name: OTHERS[name], "samples": 3}) == parameters(samples=3)


def test_parameters_explicit_defaults() -> None:
    """What was stored before digests were, has none: under the defaults it stays current."""
    for name in ("qwen", "ollama", "my_own"):
        needed = {"base_url": "https://h/v1", "model": "m"} if name == "my_own" else {}
        assert parameters(name, **needed) is None
        assert parameters(name, **needed, **defaults_of(name)) is None


def test_parameters_defaults_per_version() -> None:
    """None stands for these values: whoever changes one raises the analyzer's version, and the one here."""
    assert spec("qwen").version == "1.0.0"
    assert defaults_of("qwen") == {
        "context_tokens": 32_768,
        "max_output_tokens": 2048,
        "structured_output": "auto",
        "logprobs": True,
        "temperature": 0,
        "samples": 1,
        "extra_body": {},
    }
    assert {name: defaults_of(name)["context_tokens"] for name in ("gemma", "ollama", "local")} == {
        "gemma": 32_768,
        "ollama": 8192,
        "local": 8192,
    }


def test_parameters_of_hosted_model() -> None:
    """Its quantisation, and not how much memory it may take."""

    def of(**engine: Any) -> str | None:
        hosted = {"model": "org/m", "engine": engine}
        return provenance_of("local", Settings.model_validate({"llm": {"hosted": hosted}})).parameters

    assert of() is None
    assert of(gpu_memory_utilization=0.5, max_num_seqs=4) is None
    assert of(quantization="fp8") not in (None, of(quantization="awq"))


def test_parameters_of_emotion() -> None:
    """bfloat16 changes the third digit; the size of a batch changes nothing that is kept."""

    def of(**changes: Any) -> str | None:
        return provenance_of(
            "emotion", Settings.model_validate({"emotion": {"model": "builtin", **changes}})
        ).parameters

    assert of() is None
    assert of(batch_tokens=512, device="cpu") is None
    assert of(dtype="bfloat16") not in (None, of(dtype="float32"))


def test_parameters_of_algorithmic() -> None:
    """Rules take no settings."""
    assert provenance_of("algorithmic", settings(samples=3)).parameters is None


def test_parameters_select_due_rows() -> None:
    """The query of a job asks for the provenance of the settings, and keeps its dead letters apart."""
    hot, cold = (DueAnalyses(provenance_of("qwen", settings(temperature=heat))) for heat in (1, 0))
    assert hot.values != cold.values
    assert hot.stage != cold.stage


def test_digest_ignores_defaults() -> None:
    """A setting that comes later changes no digest of before."""
    changed = digest_of({"a": 1, "b": 2}, {"a": 1, "b": 1})
    assert changed == digest_of({"a": 1, "b": 2, "new": 0}, {"a": 1, "b": 1, "new": 0})
    assert digest_of({"b": 1.0}, {"b": 1}) is None
