"""The sample site as one thing that starts and stops: its address, its request log, its throttle.

Does not know what a page or an API answer looks like (`routes`), nor how bytes travel (`listener`).
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Self

from rapray.errors import UsageError
from rapray.net.loopback import local_url
from rapray.samples.site import answers
from rapray.samples.site.answers import Answer
from rapray.samples.site.catalogue import Catalogue
from rapray.samples.site.listener import Listener, Pace
from rapray.samples.site.routes import Router
from rapray.samples.site.throttle import SlidingWindow

_LONGEST_LOG = 100_000  # requests; the oldest go first where a site runs for days


class Request(NamedTuple):
    """One answered request; `at` is on `time.monotonic`, `path` the request line's, query included."""

    at: float
    method: str
    path: str
    status: int


class SampleSite:
    """Serves the corpus and the difficult pages on one origin: the API under `/api`, the pages under `/`.

    Args:
        host: Address to listen on.
        port: 0 takes a free one.
        token: What the API wants as Bearer token.
        requests_per_second: A client that is faster gets 429 with Retry-After; None never refuses for that.
        faults: False serves the good songs alone.
        slow_s: How long the slow page takes.
        oversized_bytes: Length of the oversized page.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str = "sample-token",  # noqa: S107 (opens nothing but the samples)
        requests_per_second: float | None = None,
        *,
        faults: bool = True,
        slow_s: float = 6.0,
        oversized_bytes: int = 9_000_000,
    ) -> None:
        self.token = token
        self._pace = Pace(slow_s, oversized_bytes)
        self._address = (host, port)
        self._catalogue = Catalogue(faults=faults)
        self._window = SlidingWindow(requests_per_second) if requests_per_second else None
        self._requests: deque[Request] = deque(maxlen=_LONGEST_LOG)
        self._log_lock = threading.Lock()
        self._server: Listener | None = None
        self._thread: threading.Thread | None = None
        self._router: Router | None = None

    @property
    def url(self) -> str:
        """Base address of the pages, without a slash at its end; the API is `url + "/api"`. Known after `start`."""
        assert self._server is not None, "the site is not started"
        host, port = self._server.server_address[0], self._server.server_address[1]
        return local_url(str(host), port)

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every answered request so far, in the order of the answers."""
        with self._log_lock:
            return tuple(self._requests)

    def start(self) -> Self:
        """Listen and answer in threads of this process.

        Raises:
            OSError: The address cannot be listened on.
        """
        assert self._server is None, "the site is started already"
        self._server = Listener(self._address, self._answer, self._pace)
        self._router = Router(self._catalogue, self.url, self.token)
        self._pace.stopping.clear()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="sample-site", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection and give the port back; stopping twice is once."""
        if self._server is None or self._thread is None:
            return
        self._pace.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_all()
        self._server = self._thread = None

    def wait(self) -> None:
        """Return once the site is stopped."""
        self._pace.stopping.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answer(self, method: str, target: str, headers: dict[str, str]) -> Answer:
        """What a request gets, and its line in the log."""
        answer = self._decide(method, target, headers)
        with self._log_lock:
            self._requests.append(Request(time.monotonic(), method, target, answer.status))
        return answer

    def _decide(self, method: str, target: str, headers: dict[str, str]) -> Answer:
        assert self._router is not None
        if method != "GET":
            return answers.plain_page(405, "Method not allowed", "Only GET is served.", {"Allow": "GET"})
        wait = self._window.refused_for() if self._window else 0.0
        return answers.throttled(math.ceil(wait)) if wait else self._router.answer(target, headers)


def serve_forever(host: str, port: int, announce: Callable[[str], object]) -> None:
    """Serve until Ctrl-C.

    Args:
        host: Address to listen on.
        port: 0 takes a free one.
        announce: Gets the lines that tell a person where the site is and how to use it.

    Raises:
        UsageError: The address cannot be listened on.
    """
    site = SampleSite(host, port)
    try:
        site.start()
    except OSError as error:
        raise UsageError(reason=f"{host}:{port} cannot be listened on: {error.strerror}") from error
    announce(f"sample site at {site.url}, Ctrl-C stops it")
    announce(f"  export RAPRAY_GENIUS__API_URL={site.url}/api RAPRAY_GENIUS__WEB_URL={site.url}")
    announce(f"  export RAPRAY_GENIUS__TOKEN={site.token}")
    try:
        site.wait()
    except KeyboardInterrupt:
        announce("stopping")
    finally:
        site.stop()
