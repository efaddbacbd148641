"""An OpenAI-compatible endpoint that answers every question in the same words after a while; no model at all.

For tests of what is around a language model, where a real one would only cost time.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

_SCORED = {"reason": "It says so.", "score": 5}
ANSWER: dict[str, Any] = {
    "summary": "A night ride.",
    "genre": "rap",
    "subgenre": "boom bap",
    "mood": "calm",
    "energy": 5,
    "valence": 1,
    "themes": [{"theme": "city", "weight": 5}],
    "narrative": {"person": "first", "form": "story"},
    "explicitness": {"level": "none", "reason": "No such word."},
    "rhyme": "End rhymes.",
    "flow": "Even.",
    "wordplay": [],
    "quality": dict.fromkeys(
        ("originality", "wordplay", "storytelling", "emotional_depth", "coherence"), _SCORED
    ),
    "era": "1990s",
    "region": "unknown",
    "references": [],
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # many callers at once; the default is 5

    def __init__(self, thinks_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.thinks_s = thinks_s
        self.in_a_hurry = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        """The list of models."""
        self._send({"object": "list", "data": [{"id": "slow", "object": "model"}]})

    def do_POST(self) -> None:
        """An answer."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.in_a_hurry.wait(self.server.thinks_s)
        message = {"role": "assistant", "content": json.dumps(ANSWER)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
        body = {"id": "1", "object": "chat.completion", "created": 0, "model": "slow", "usage": usage}
        self._send({**body, "choices": [choice]})

    def _send(self, body: dict[str, Any]) -> None:
        encoded = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Print nothing."""


class SlowModel:
    """The endpoint as a context manager; `base_url` is what an OpenAI client takes.

    Args:
        thinks_s: Time from a question to its answer.
    """

    def __init__(self, thinks_s: float = 0.5) -> None:
        self._server = _Server(thinks_s)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        """Start it."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def hurry(self) -> None:
        """Answer what waits now, and from now on answer at once."""
        self._server.in_a_hurry.set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.hurry()
        self._server.shutdown()
        self._server.server_close()
