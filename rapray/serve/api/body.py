"""Reads a JSON body strictly: media type, UTF-8, no NaN, bounded depth.

Does not know what the body should hold: the endpoint's model says that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from rapray.net.limits import BodyTooLarge, ByteLimit
from rapray.serve.api.errors import Refused
from rapray.serve.problems import of_code

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
# Parsing is fast (1 MB in about 5 ms), but above this it leaves the event loop all the same.
_THREAD_ABOVE_BYTES = 200_000


class JsonRoute(APIRoute):
    """A route whose body, where it has one, is JSON in the strict sense."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, with the body parsed before by our rules."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def strict(request: Request) -> Response:
            # Starlette's caches behind `request.body()` and `request.json()`, which FastAPI asks next.
            read: Any = request
            read._body = await read_bounded(request)  # noqa: SLF001 - see above
            read._json = await read_json(request)  # noqa: SLF001 - see above
            return await handle(request)

        return strict


async def read_json(request: Request) -> Any:
    """The parsed body.

    Raises:
        Refused: 400, with the place where it stops being UTF-8 or JSON.
    """
    body = await request.body()
    return await asyncio.to_thread(parse, body) if len(body) > _THREAD_ABOVE_BYTES else parse(body)


async def read_bounded(request: Request) -> bytes:
    """Return the body if its header says that it is JSON; stop reading as soon as it is longer than the limit.

    FastAPI's own limit answers in plain text; this one is a problem like every other.

    Raises:
        Refused: 415, or 413, before anything is read if the announced length is over the limit.
    """
    _check_media_type(request)
    limit = ByteLimit(request.app.state.services.limits.max_body_bytes)
    body = bytearray()
    try:
        limit.announce(request.headers.get("content-length", ""))
        async for chunk in request.stream():
            limit.take(len(chunk))
            body += chunk
    except BodyTooLarge as error:
        raise Refused(of_code("body_too_large")) from error
    return bytes(body)


def parse(body: bytes) -> Any:
    """Bytes to plain values; see `read_json`."""
    try:
        text = body.decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _refused("body_not_utf8", f"The body stops being UTF-8 at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _refused("json_malformed", f"The body stops being JSON at {where}: {error.msg}.") from error
    except RecursionError as error:
        raise _refused("json_malformed", "The body is nested too deeply.") from error
    except ValueError as error:  # a whole number of more than 4,300 digits, or NaN
        raise _refused("json_malformed", "The body holds a number that is not allowed.") from error


def _check_media_type(request: Request) -> None:
    # A body without a type is refused: a foreign web page may send one without asking the browser's permission.
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    subtype = message.get_content_subtype()
    is_json = message.get_content_maintype() == "application" and (
        subtype == "json" or subtype.endswith("+json")
    )
    charset = str(message.get_param("charset", "utf-8")).lower()
    if not is_json or charset not in {"utf-8", "utf8", "us-ascii"}:
        raise Refused(of_code("media_type_unsupported"))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refused(code: str, detail: str) -> Refused:
    return Refused(of_code(code, detail))
