"""An endpoint of OpenAI's form that answers badly, by a script, and records its requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Reply = Callable[["_Handler"], None]

ANSWER: dict[str, Any] = {
    "summary": "Somebody counts money in the city at night.",
    "genre": "hip hop",
    "subgenre": "boom bap",
    "mood": "determined",
    "energy": 6,
    "valence": 2,
    "themes": [{"theme": "money", "weight": 8}, {"theme": "city", "weight": 4}],
    "narrative": {"person": "first", "form": "confession"},
    "explicitness": {"level": "none", "reason": "There is no strong word."},
    "rhyme": "The lines rhyme in couplets.",
    "flow": "The lines are even.",
    "wordplay": [{"device": "metaphor", "quote": "the city on my mind", "explanation": "A city is carried."}],
    "quality": {
        name: {"reason": f"The {name.replace('_', ' ')} is even.", "score": 5}
        for name in ("originality", "wordplay", "storytelling", "emotional_depth", "coherence")
    },
    "era": "unknown",
    "region": "unknown",
    "references": [],
}


class _Handler(BaseHTTPRequestHandler):
    server: HostileServer  # pyright: ignore[reportIncompatibleVariableOverride]
    asked: dict[str, Any]

    def do_POST(self) -> None:
        asked = self.asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.asked.append(asked)
            self.server.headers.append(dict(self.headers))
            reply = self.server.script.pop(0) if len(self.server.script) > 1 else self.server.script[0]
        reply(self)

    def do_GET(self) -> None:
        self.server.listed(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        pass


class HostileServer(ThreadingHTTPServer):
    """Plays a script, the last reply for ever; `asked` are the bodies of requests in order."""

    daemon_threads = True

    def __init__(self, *script: Reply) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = list(script)
        self.listed = status(200, {"object": "list", "data": [{"id": "some-model"}]})
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self.is_over = threading.Event()

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the play."""


def status(code: int, body: object, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply with a JSON body, or with bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    def reply(handler: _Handler) -> None:
        handler.send_response(code)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    return reply


def error(
    code: int, message: str = "no", headers: Mapping[str, str] | None = None, kind: str = "error"
) -> Reply:
    """An error of OpenAI's form."""
    return status(code, {"error": {"message": message, "type": kind, "code": kind}}, headers)


def says(content: str | None, *, finish: str = "stop", **more: Any) -> Reply:
    """A completion with this text."""
    message = {"role": "assistant", "content": content, **more}
    choices = [{"index": 0, "message": message, "finish_reason": finish}]
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    return status(
        200, {"id": "x", "object": "chat.completion", "model": "m", "choices": choices, "usage": usage}
    )


def answers(**changes: Any) -> Reply:
    """A completion with a good answer."""
    return says(json.dumps({**ANSWER, **changes}))


def describing(handler: _Handler) -> None:
    """A good answer that only this question gets: another text, another title, other words and figures."""
    digest = sha256(json.dumps(handler.asked["messages"]).encode()).hexdigest()
    summary, weight = f"A song that begins with {digest[:8]}.", int(digest, 16) % 10 + 1
    answers(summary=summary, energy=weight, themes=[{"theme": "city", "weight": weight}])(handler)


def cut(handler: _Handler) -> None:
    """Half of a body, and the end of the connection."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"message": {"con')
    handler.wfile.flush()
    handler.connection.close()


def slow(seconds: float) -> Reply:
    """Nothing for a while."""

    def reply(handler: _Handler) -> None:
        handler.server.is_over.wait(seconds)
        answers()(handler)

    return reply


def dripping(handler: _Handler) -> None:
    """A byte now and then, for ever: no read time-out ends it."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "100000")
    handler.end_headers()
    _drip(handler, b"", b" ")


def dripping_header(handler: _Handler) -> None:
    """A header that never ends, a byte now and then."""
    _drip(handler, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")


def dripping_hints(handler: _Handler) -> None:
    """Word after word that the answer is to come."""
    _drip(handler, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")


def _drip(handler: _Handler, first: bytes, again: bytes) -> None:
    handler.wfile.write(first)
    while not handler.server.is_over.wait(0.05):  # shorter than any read time-out
        handler.wfile.write(again)
        handler.wfile.flush()
