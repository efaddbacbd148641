"""What is asked about a lyric: in how many parts, and the messages for each.

Asks nobody: the same questions go one by one from `analyzer.py`, or ahead and many at once from a job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rapray.analyzers.llm.conversation import REPAIR_CHARACTERS, Build
from rapray.analyzers.llm.forms import first_form, members_of
from rapray.analyzers.llm.parts import estimated_tokens, parts_of
from rapray.analyzers.llm.prompts import MOST_TITLE, Message, Prompts
from rapray.analyzers.llm.schema import json_schema
from rapray.config.llm import ProviderSettings
from rapray.domain import Lyric
from rapray.errors import ConfigError, LyricsTooLong

LONGEST_TITLE = "\N{MUSICAL SYMBOL G CLEF}" * MOST_TITLE  # four bytes each: no title takes more room
LEAST_ROOM = 256  # tokens of lyric; with less, most of every request would be the prompt


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of one provider; `name` is its name."""

    name: str
    provider: ProviderSettings
    prompts: Prompts

    def room(self, title: str) -> int:
        """Estimated tokens that the context leaves for a lyric, beside prompt, schema, answer and a repair.

        Raises:
            ConfigError: the context is too small for any lyric.
        """
        around = self.prompts.part(title, "", 1, 1, json_schema())
        taken = sum(estimated_tokens(message["content"]) for message in around)
        taken += self.provider.max_output_tokens + estimated_tokens("x" * REPAIR_CHARACTERS)
        room = self.provider.context_tokens - taken
        if room < LEAST_ROOM:
            least = taken + LEAST_ROOM
            problem = (
                f"llm.providers.{self.name}.context_tokens: at least {least}, or a lower max_output_tokens"
            )
            raise ConfigError(problems=problem)
        return room

    def parts(self, lyric: Lyric, room: int) -> list[str]:
        """The lyric whole, or in parts that fit into so many estimated tokens.

        Raises:
            LyricsTooLong: in more parts than the settings allow.
        """
        found = parts_of(lyric.lyrics, room)
        most = self.provider.max_parts
        if len(found) > most:
            raise LyricsTooLong(length=len(found), unit="parts for this model", limit=most)
        return found

    def about(self, title: str, parts: Sequence[str], place: int) -> Build:
        """The question about one of the parts, counted from 0; about the whole lyric where there is one part."""
        if len(parts) == 1:
            return lambda schema: self.prompts.whole(title, parts[0], schema)
        return lambda schema: self.prompts.part(title, parts[place], place + 1, len(parts), schema)

    def first_requests(self, lyric: Lyric) -> list[tuple[list[Message], dict[str, Any]]]:
        """Messages and members of every request that reading this lyric begins with; none where it cannot be read."""
        if not lyric.has_words:
            return []
        try:
            parts = self.parts(lyric, self.room(lyric.title))
        except (ConfigError, LyricsTooLong):
            return []  # reading it says so
        form = first_form(self.provider)
        members = members_of(self.provider, form)
        builds = [self.about(lyric.title, parts, place) for place in range(len(parts))]
        return [
            (build(form.written_schema), members) for build in builds for _ in range(self.provider.samples)
        ]
