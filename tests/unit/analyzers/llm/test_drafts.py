"""Answers that were fetched ahead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rapray.analyzers.llm.completions import Generation, Reply
from rapray.analyzers.llm.drafts import Drafts
from rapray.analyzers.llm.prompts import Message, load_prompts
from rapray.analyzers.llm.questions import Questions
from rapray.config.llm import LlmSettings, ProviderSettings
from rapray.domain import Lyric
from rapray.errors import ProviderRejected, ProviderUnavailable
from rapray.text.sections import split_sections


class Model:
    """Remembers what it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[Message]] = []

    def ask(self, messages: list[Message], **members: Any) -> Generation:
        """The same every time."""
        self.asked.append(messages)
        return Generation("from the model", "stop", 1, 1)


def reply(text: str) -> Reply:
    """An answer of OpenAI's form."""
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return Reply(
        200, json.dumps({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    )


def refused(status: int, message: str) -> Reply:
    """A refusal of OpenAI's form."""
    return Reply(status, json.dumps({"error": {"message": message, "type": "x", "code": status}}))


def messages(text: str) -> list[Message]:
    """One turn."""
    return [{"role": "user", "content": text}]


def test_drafts_then_live_requests() -> None:
    """Two samples of one question are two replies; a repair and a third sample go to the model."""
    model = Model()
    drafts = Drafts("local", model)
    drafts.put([(messages("a"), {"n": 1}), (messages("a"), {"n": 1})], [reply("one"), reply("two")])
    assert [drafts.ask(messages("a"), n=1).text for _ in range(3)] == ["one", "two", "from the model"]
    assert drafts.ask(messages("a"), n=2).text == "from the model"
    drafts.put([(messages("b"), {})], [reply("late")])
    drafts.clear()
    assert drafts.ask(messages("b")).text == "from the model"


def test_drafts_raise_http_errors() -> None:
    """A status that came back ahead is the error that it would have been."""
    drafts = Drafts("local", Model())
    drafts.put([(messages("a"), {}), (messages("b"), {})], [refused(400, "too long"), refused(504, "late")])
    with pytest.raises(ProviderRejected, match="too long"):
        drafts.ask(messages("a"))
    with pytest.raises(ProviderUnavailable, match="late"):
        drafts.ask(messages("b"))


def provider(**settings: Any) -> ProviderSettings:
    """The provider `local`."""
    return LlmSettings.model_validate({"providers": {"local": settings}}).providers["local"]


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("lines", [2, 600])
def test_first_requests_match_analyzer(samples: int, lines: int) -> None:
    """Every part, as often as samples are wanted, and word for word what a reading sends."""
    from rapray.analyzers.llm.caller import Caller
    from rapray.analyzers.llm.conversation import Conversation
    from rapray.analyzers.llm.costs import Usage
    from rapray.cache.gate import GateLimits, ProcessGate
    from rapray.errors import AnswerInvalid

    text = "\n".join(f"Line number {n} of a long song about the rain" for n in range(lines))
    lyric = Lyric("1", text, split_sections(text), "hash", "A title")
    chosen = provider(samples=samples, max_retries=0)
    questions = Questions("local", chosen, load_prompts("v1"))
    requests = questions.first_requests(lyric)
    parts = questions.parts(lyric, questions.room(lyric.title))
    assert len(requests) == samples * len(parts)
    assert (len(parts) > 1) == (lines > 100)

    model = Model()
    gate = ProcessGate(GateLimits(concurrency=4, lease_s=60))
    conversation = Conversation("local", chosen, Caller("local", chosen, model, gate), questions.prompts)
    for place in range(len(parts)):
        with pytest.raises(
            AnswerInvalid
        ):  # "from the model" is no answer; the repair follows the first request
            conversation.ask(questions.about(lyric.title, parts, place), Usage())
    firsts = [asked for asked in model.asked if len(asked) == 2]
    assert firsts == [sent for sent, _ in requests[::samples]]


def test_first_requests_unreadable_lyrics() -> None:
    """No words, or more parts than are allowed: reading it says so, and nobody is asked."""
    questions = Questions("local", provider(max_parts=1), load_prompts("v1"))
    long = "word " * 30_000
    assert questions.first_requests(Lyric("1", "...", (), "hash")) == []
    assert questions.first_requests(Lyric("1", long, split_sections(long), "hash")) == []
