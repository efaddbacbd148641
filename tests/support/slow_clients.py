"""Clients that send nothing, half a head, half a body, or a byte now and then, many at once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

HEAD = b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SLOW: dict[str, tuple[bytes, bytes]] = {
    # what is sent at once, and what then drips without end
    "silent": (b"", b""),
    "half a request line": (b"POST /sea", b""),
    "half a head": (HEAD + b"X-Pad", b""),
    "dripping head": (HEAD + b"X-Pad: ", b"x"),
    "half a body": (HEAD + b'Content-Length: 1000\r\n\r\n{"query": "', b""),
    "dripping body": (HEAD + b'Content-Length: 100000\r\n\r\n{"query": "', b"x"),
    "half a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc", b""),
    "dripping chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "dripping chunk sizes": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "expects to be told to go on": (HEAD + b"Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n", b""),
    "half a second request": (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /liv", b""),
    "body of a request without": (
        b"GET /search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx",
        b"",
    ),
}


@dataclass
class SlowClient:
    """One connection: what came back, and when it was closed."""

    kind: str
    answer: bytes = b""
    seconds: float | None = None

    async def run(self, port: int, *, drip_s: float) -> None:
        """Connect and misbehave until the server hangs up."""
        first, then = SLOW[self.kind]
        started = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        dripping = asyncio.create_task(_drip(writer, first, then, drip_s))
        try:
            while received := await reader.read(65_536):
                self.answer += received
        except ConnectionError:
            pass
        finally:
            dripping.cancel()
            writer.close()
        self.seconds = time.monotonic() - started


async def _drip(writer: asyncio.StreamWriter, first: bytes, then: bytes, every_s: float) -> None:
    try:
        writer.write(first)
        while then:
            await asyncio.sleep(every_s)
            writer.write(then)
            await writer.drain()
    except ConnectionError:
        return


async def run_slow_clients(
    kinds: list[str], port: int, *, drip_s: float, deadline_s: float
) -> list[SlowClient]:
    """Run a client of each kind at once; `seconds` stays None for one that was not cut off in time."""
    clients = [SlowClient(kind) for kind in kinds]
    tasks = [asyncio.create_task(client.run(port, drip_s=drip_s)) for client in clients]
    done, pending = await asyncio.wait(tasks, timeout=deadline_s)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()
    return clients
