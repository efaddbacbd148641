"""`rapray demo`: the whole way once on this host, from sample pages to a search answer.

Uses the same jobs and the same ingress as everyone; only the settings differ: sample site, embedded servers.
"""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from rapray import embedded
from rapray.cli import state
from rapray.cli.jobs import sentence
from rapray.cli.output import note, only_results_on_stdout, print_json
from rapray.config import Settings, variable
from rapray.net.loopback import choose_port
from rapray.samples.corpus import artists
from rapray.store import migrate

if TYPE_CHECKING:
    from rapray.samples.site import SampleSite

SITE_PORT = 8099
QUERY = "working nights while the city sleeps"
T = TypeVar("T")


def add_to(app: typer.Typer) -> None:
    """Hang the command into the tree."""
    app.command(rich_help_panel="Start here", epilog="Example: rapray demo --once")(demo)


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="One search, a JSON report on stdout, then stop.")
    ] = False,
) -> None:
    """Collect, embed, analyse and serve the sample songs; stays up until Ctrl-C."""
    clock = _Clock()
    with only_results_on_stdout(), ExitStack() as stack:
        settings, report = _prepare(stack, clock)
        clock.timed("ray", lambda: stack.enter_context(_ray(settings)))
        _run_jobs(settings, report, clock)
        address = _serve(stack, settings, clock)
        report["search"] = clock.timed("search", lambda: _search(address))
        report["seconds"] = clock.seconds
        if not once:
            _invite(address, settings, clock)
            _wait()
    print_json(report)


class _Clock:
    """Times the steps of the demo."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, step: str, work: Callable[[], T]) -> T:
        started = time.monotonic()
        result = work()
        self.seconds[step] = round(time.monotonic() - started, 3)
        return result


def _prepare(stack: ExitStack, clock: _Clock) -> tuple[Settings, dict[str, Any]]:
    from rapray.samples.site import SampleSite

    wanted = state.settings()
    if wanted.database.url is not None or wanted.redis.url is not None:
        note("The demo uses its own embedded servers; those at database.url and redis.url are left alone.")
    site = stack.enter_context(SampleSite(port=choose_port(SITE_PORT)))
    settings = _demo_settings(wanted, site)
    note(f"servers: starting in {settings.data_dir}")
    # The servers end with this process, even if it is killed.
    clock.timed("servers", lambda: embedded.up(settings, owner_pid=os.getpid()))
    stack.callback(embedded.down, settings.data_dir)
    migrate.upgrade(embedded.resolve_endpoints(settings).database_url)
    return settings, {}


def _demo_settings(wanted: Settings, site: SampleSite) -> Settings:
    """The user's settings, but on the sample site and on servers of this host.

    Everything that a Ray worker or a Serve replica loads for itself comes from the environment, so the same values
    go there too.
    """
    own = _own_values(wanted, site)
    os.environ.update({variable(key): value for key, value in own.items()})
    state.withdraw(own)  # the command line would win over the environment
    return state.settings()


def _own_values(wanted: Settings, site: SampleSite) -> dict[str, str]:
    """By dotted name; an empty address is that of an embedded server."""
    return {
        "data_dir": str(wanted.data_dir),
        "database.url": "",
        "redis.url": "",
        "genius.api_url": f"{site.url}/api",
        "genius.web_url": site.url,
        "genius.token": site.token,
        "genius.requests_per_second": "50",
        "genius.burst": "10",
        "genius.timeout_s": "3",
        "genius.max_retries": "1",
        "jobs.fetch_block_rows": "4",
        # A worker process takes seconds of CPU to start, and the sample site answers at once.
        "jobs.fetchers": "2",
        "jobs.writers": "1",
        "serve.host": "127.0.0.1",
        "serve.port": str(choose_port(wanted.serve.port)),
    }


def _run_jobs(settings: Settings, report: dict[str, Any], clock: _Clock) -> None:
    from rapray.pipelines.analyze import analyze
    from rapray.pipelines.collect import collect
    from rapray.pipelines.embed import embed
    from rapray.samples.site import DIFFICULT_ARTIST_ID

    ids = [str(artist.id) for artist in artists()] + [str(DIFFICULT_ARTIST_ID)]
    for step, job in (
        ("collect", lambda: collect(settings, ids)),
        ("embed", lambda: embed(settings)),
        ("analyze", lambda: analyze(settings, ["algorithmic"])),
    ):
        done = clock.timed(step, job)
        note(sentence(done))
        report[step] = done.as_json()


def _ray(settings: Settings) -> AbstractContextManager[None]:
    from rapray.pipelines.cluster import ray_session

    note("ray: starting")
    return ray_session(settings, embedded.resolve_endpoints(settings))


def _serve(stack: ExitStack, settings: Settings, clock: _Clock) -> str:
    from rapray.serve.app import served

    note("serve: starting")
    return clock.timed("serve", lambda: stack.enter_context(served(settings)))


def _search(address: str) -> Any:
    import httpx

    answer = httpx.post(f"{address}/search", json={"query": QUERY, "limit": 3}, timeout=60)
    return answer.raise_for_status().json()


def _invite(address: str, settings: Settings, clock: _Clock) -> None:
    took = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in clock.seconds.items())
    note(f"\ntook: {took}\n\nrapray is at {address}\n")
    note("Try, in another terminal:")
    note(
        f"""  curl -s {address}/search -H 'Content-Type: application/json' -d '{{"query": "a letter to a friend"}}'"""
    )
    note(
        f"""  curl -s {address}/analyze -H 'Content-Type: application/json' -d '{{"lyrics": "One for the money"}}'"""
    )
    program = Path(sys.executable).with_name("rapray")
    place = shlex.quote(str(settings.data_dir))
    note(f"  {shlex.quote(str(program))} --data-dir {place} search 'late trains and first snow'\n")
    note("Ctrl-C stops everything.")


def _wait() -> NoReturn:
    """Return only by KeyboardInterrupt, which every exit code and every clean-up further up goes by."""
    try:
        while True:
            threading.Event().wait()
    except KeyboardInterrupt:
        note("\nstopping")
        raise
