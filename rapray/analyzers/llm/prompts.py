"""The prompts of one version, and lyrics made safe to stand in them.

Knows no provider and no answer. A lyric is data, and so is its title: they stand in a fence that they cannot close,
and what a chat template would read as the end of a turn is taken apart.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rapray.errors import ConfigError

_FOLDER = Path(__file__).parents[1] / "prompts"
_FILES = ("system", "whole", "part", "repair")
_PLACE = re.compile(r"\{\{(\w+)\}\}")
# <|im_end|>, <start_of_turn>, </s>, <think>, DeepSeek's wide bars, [INST], [TOOL_CALLS], <<SYS>>: servers read these
# inside a message too.
_CONTROL_TOKEN = re.compile(
    r"<(?=[|｜]?/?[\w▁][^<>\n]{0,200}>)|<(?=<)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|gMASK|sMASK)\])",
    re.IGNORECASE,
)
_CONTROL_CHARACTER = re.compile(  # and lone surrogates, which no request can carry
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)

MOST_TITLE = 300  # characters

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Prompts:
    """The texts of one version. `version` is what results store: name and hash of the files."""

    version: str
    texts: dict[str, str]

    def whole(self, title: str, lyrics: str, schema: dict[str, Any] | None) -> list[Message]:
        """The messages that ask about a whole lyric."""
        return self._messages("whole", lyrics, {"title": title}, schema)

    def part(
        self, title: str, lyrics: str, part: int, parts: int, schema: dict[str, Any] | None
    ) -> list[Message]:
        """The messages that ask about one part of a lyric."""
        return self._messages(
            "part", lyrics, {"title": title, "part": str(part), "parts": str(parts)}, schema
        )

    def repair(self, asked: list[Message], answer: str, problem: str) -> list[Message]:
        """The messages that ask once more, after an answer that did not fit."""
        again = _filled(self.texts["repair"], {"problem": disarmed(problem)})
        return [*asked, {"role": "assistant", "content": answer}, {"role": "user", "content": again}]

    def _messages(
        self, name: str, lyrics: str, values: dict[str, str], schema: dict[str, Any] | None
    ) -> list[Message]:
        values = {**values, "title": disarmed(values["title"]).replace("\n", " ")[:MOST_TITLE] or "unknown"}
        inside = f"Title: {values['title']}\n\n{disarmed(lyrics)}"
        mark = fence(inside)
        values |= {"fence": mark, "lyrics": f"{mark}\n{inside}\n{mark}"}
        # A server that binds the answer itself reads the schema in the request: its tokens are not paid twice.
        written = json.dumps(schema, ensure_ascii=False, separators=(",", ":")) if schema else ""
        values["schema"] = f" of this schema:\n{written}" if schema else "."
        return [
            {"role": "system", "content": _filled(self.texts["system"], values)},
            {"role": "user", "content": _filled(self.texts[name], values)},
        ]


@cache
def load_prompts(name_or_path: str) -> Prompts:
    """The prompts of a version that ships with rapray, or of a folder.

    Raises:
        ConfigError: there is no such folder, or a file is missing in it.
    """
    folder = _FOLDER / name_or_path if re.fullmatch(r"\w+", name_or_path) else Path(name_or_path)
    try:
        texts = {name: (folder / f"{name}.md").read_text("utf-8") for name in _FILES}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(problems=f"llm.prompts: {error}") from error
    digest = hashlib.sha256("\0".join(texts[name] for name in _FILES).encode()).hexdigest()[:12]
    return Prompts(f"{folder.name}-{digest}", texts)


def fence(inside: str) -> str:
    """A mark that this text cannot contain: it is made of the text's own hash."""
    return f"=====lyric-{hashlib.sha256(inside.encode('utf-8', 'replace')).hexdigest()[:20]}====="


def disarmed(text: str) -> str:
    """The text without control characters, and with a blank in what a server would read as a token of its own."""
    return _CONTROL_TOKEN.sub(lambda found: f"{found[0]} ", _CONTROL_CHARACTER.sub("", text))


def _filled(template: str, values: dict[str, str]) -> str:
    """In one pass: what stands in a value is not filled again."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), template).strip()
