"""From what a model wrote to a checked answer, or a sentence that says what is wrong with it.

Knows no provider. Thinking is taken out; nothing is guessed or filled in.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from pydantic import ValidationError

from rapray.analyzers.llm.schema import LyricAnswer

_MARK = re.compile(
    r"<(?P<end>/?)(?P<tag>think|thinking|thought|reasoning|reflection)>|<\|channel\|>(?P<channel>analysis|final)",
    re.IGNORECASE,
)
_MOST_STARTS = (
    50  # braces at which an object is looked for: an answer of a million braces must not take a minute
)
_MOST_PROBLEMS = 5
_LONGEST_PLACE = 80  # characters; a member that the model made up may have a name without end


class Unusable(Exception):
    """What is wrong with an answer, in words that a model can act on."""


def read_answer(text: str) -> LyricAnswer:
    """The answer in a model's text.

    Raises:
        Unusable: there is none, or it does not follow the schema.
    """
    found = _object(without_thinking(text))
    if found is None:
        raise Unusable("There is no JSON object in it." if text.strip() else "It is empty.")
    try:
        return LyricAnswer.model_validate_json(json.dumps(found))
    except ValidationError as error:
        raise Unusable(_told(error)) from error


def without_thinking(text: str) -> str:
    """The text without blocks in which a model thinks aloud, closed or not.

    One pass: an answer may hold a mark a hundred thousand times. An end without a beginning ends a block that the chat
    template opened, and takes all before it along.
    """
    kept: list[str] = []
    inside, place = "", 0
    for mark in _MARK.finditer(text):
        tag, is_end = (mark["tag"] or "channel").lower(), mark["end"] == "/" or mark["channel"] == "final"
        if not inside:
            if is_end and tag != "channel":
                kept.clear()
            elif not is_end:
                kept.append(text[place : mark.start()])
                inside = tag
            else:
                continue
        elif not is_end or tag != inside:
            continue
        else:
            inside = ""
        place = mark.start() if tag == "channel" else mark.end()
    return "".join(kept) if inside else "".join(kept) + text[place:]


def _object(text: str) -> dict[str, Any] | None:
    """The largest JSON object that the text holds, alone, in a fence or among prose."""
    decoder = json.JSONDecoder()
    found: dict[str, Any] | None = None
    size, start = 0, text.find("{")
    for _ in range(_MOST_STARTS):
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if end - start > size:
                found, size = cast("dict[str, Any]", value), end - start
        start = text.find("{", end)
    return found


def _told(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    lines = [
        f"- {'.'.join(map(str, p['loc']))[:_LONGEST_PLACE] or 'the object'}: {p['msg']}"
        for p in problems[:_MOST_PROBLEMS]
    ]
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"- and {len(problems) - _MOST_PROBLEMS} more")
    return "\n".join(lines)
