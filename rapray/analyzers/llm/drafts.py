"""Answers that were fetched ahead, many at once; whatever was not asked ahead goes to a model as ever.

Does not know who fetched them.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any

from rapray.analyzers.llm.completions import Completions, Generation, Reply, generation_in
from rapray.analyzers.llm.prompts import Message

Request = tuple[list[Message], dict[str, Any]]


class Drafts:
    """`Completions` that gives each reply once, to the request that it was made for. Safe to use from several threads.

    Args:
        name: of the provider, as errors say it.
        then: who is asked where there is no reply, or it has been given: repairs and repeats.
    """

    def __init__(self, name: str, then: Completions) -> None:
        self._name, self._then = name, then
        self._replies: defaultdict[bytes, deque[Reply]] = defaultdict(deque)
        self._lock = threading.Lock()

    def put(self, requests: Iterable[Request], replies: Iterable[Reply]) -> None:
        """Keep the replies of as many requests."""
        with self._lock:
            for request, reply in zip(requests, replies, strict=True):
                self._replies[_fingerprint(*request)].append(reply)

    def clear(self) -> None:
        """Forget what nobody asked for."""
        with self._lock:
            self._replies.clear()

    def ask(self, messages: list[Message], **members: Any) -> Generation:
        """Send one request; raises as `Completions.ask`."""
        with self._lock:
            waiting = self._replies.get(_fingerprint(messages, members))
            reply = waiting.popleft() if waiting else None
        return self._then.ask(messages, **members) if reply is None else generation_in(self._name, reply)


def _fingerprint(messages: list[Message], members: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps([messages, members], sort_keys=True).encode()).digest()
