"""How a request binds the answer: by JSON schema where the API takes one, else as JSON, else by words alone.

Sends nothing. The schema is the one of `schema.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from rapray.analyzers.llm.schema import json_schema
from rapray.config.llm import ProviderSettings

Mode = Literal["json_schema", "json_object", "extract"]
_MODES: tuple[Mode, ...] = ("json_schema", "json_object", "extract")
_SAMPLE_TEMPERATURE = 0.7
_SCHEMA = json_schema()


@dataclass(frozen=True, slots=True)
class Form:
    """How a request is put: how its answer is bound, and whether log-probabilities are asked for."""

    mode: Mode
    logprobs: bool

    @property
    def written_schema(self) -> dict[str, Any] | None:
        """The schema, where the prompt has to show it because the request does not carry it."""
        return None if self.mode == "json_schema" else _SCHEMA

    def looser(self) -> Form | None:
        """The same with the next weaker binding; None below the weakest."""
        place = _MODES.index(self.mode) + 1
        return replace(self, mode=_MODES[place]) if place < len(_MODES) else None


def first_form(provider: ProviderSettings) -> Form:
    """The strictest form that the settings allow."""
    mode: Mode = "json_schema" if provider.structured_output == "auto" else provider.structured_output
    return Form(mode, provider.logprobs and provider.samples == 1)


def temperature_of(provider: ProviderSettings) -> float:
    """Of one answer; several samples of a text need some heat to differ."""
    if provider.samples == 1:
        return provider.temperature
    return max(provider.temperature, _SAMPLE_TEMPERATURE)


def members_of(provider: ProviderSettings, form: Form) -> dict[str, Any]:
    """The members of a request beside model and messages."""
    members: dict[str, Any] = {
        "max_tokens": provider.max_output_tokens,
        "temperature": temperature_of(provider),
    }
    if form.mode == "json_schema":
        named = {"name": "lyric_analysis", "schema": _SCHEMA, "strict": True}
        members["response_format"] = {"type": "json_schema", "json_schema": named}
    elif form.mode == "json_object":
        members["response_format"] = {"type": "json_object"}
    if form.logprobs:
        members |= {"logprobs": True, "top_logprobs": 1}
    return members
