"""Whether a provider answers, how its answers can be bound, and how fast it is.

Stores nothing and prints nothing: what went wrong is part of what is found.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

from rapray.analyzers.llm.analyzer import LlmAnalyzer
from rapray.analyzers.llm.providers import gate_of, require_configured
from rapray.analyzers.llm.wire import Wire
from rapray.config import Settings
from rapray.domain import Failure, Lyric
from rapray.errors import AnswerInvalid, RaprayError
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections

# Written for this check; short, so that it costs little.
VERSE = "[Verse 1]\nMorning on the corner and the kettle sings to me\nEvery bill a paper boat, I float them out to sea"


def check(settings: Settings, name: str) -> dict[str, Any]:
    """What is found out about a provider; `problem` is None where all went well.

    Raises:
        UnknownAnalyzer, ProviderNotConfigured: there is nothing to ask.
    """
    provider = require_configured(settings, name)
    found: dict[str, Any] = {
        "provider": name,
        "base_url": provider.base_url,
        "model": provider.model,
        "is_reachable": False,
        "models": None,
        "is_model_listed": None,
        "structured_output": None,
        "has_logprobs": None,
        "latency_s": None,
        "seconds": None,
        "tokens_per_second": None,
        "input_tokens": None,
        "output_tokens": None,
        "cost_usd": None,
        "problem": None,
    }
    try:
        with closing(Wire(name, provider)) as wire:
            _ask(wire, provider.model, found)
        gate_of(settings, name).reopen()  # it has just answered: a pause from before is over
        with closing(LlmAnalyzer(settings, name)) as analyzer:
            _answer(analyzer, found)
    except RaprayError as error:
        found["problem"] = {"code": error.code, "detail": str(error)}
    return found


def _ask(wire: Wire, model: str, found: dict[str, Any]) -> None:
    """Its models, and how long one token takes. Whatever status it answers with, it has answered."""
    try:
        found["models"] = wire.models()
        found["is_model_listed"] = model in found["models"]
        found["is_reachable"] = True
    except RaprayError as error:
        found["is_reachable"] = _has_answered(error)
        if not found["is_reachable"]:
            raise
        found["models"] = None  # many APIs have no list; the answer below decides
    started = time.perf_counter()
    wire.ask([{"role": "user", "content": "Answer with the word yes."}], max_tokens=1)
    found["latency_s"] = round(time.perf_counter() - started, 3)


def _has_answered(error: RaprayError) -> bool:
    return isinstance(error, AnswerInvalid) or error.attributes.get("status") is not None


def _answer(analyzer: LlmAnalyzer, found: dict[str, Any]) -> None:
    lyric = Lyric("check", VERSE, split_sections(VERSE), content_hash(VERSE))
    (result,) = analyzer.analyze([lyric])
    if isinstance(result, Failure):
        found["problem"] = {"code": result.code, "detail": result.detail}
        return
    found["structured_output"] = result.data["reading"]["structured_output"]
    found["has_logprobs"] = result.confidence is not None
    found["seconds"] = round(result.seconds or 0, 3)
    found["input_tokens"], found["output_tokens"] = result.input_tokens, result.output_tokens
    if result.seconds and result.output_tokens:
        found["tokens_per_second"] = round(result.output_tokens / result.seconds, 1)
    found["cost_usd"] = result.cost_usd
