"""`rapray demo`: everything once on this host, from sample pages to a search result.

It runs the same jobs and the same ingress as every other command; only the settings differ: the sample site, and
embedded servers.
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

from rapray.cli import state
from rapray.cli.jobs import sentence
from rapray.cli.options import START
from rapray.cli.output import note, only_results_on_stdout, print_json

if TYPE_CHECKING:
    from rapray.config import Settings
    from rapray.samples.site import SampleSite

SITE_PORT = 8099
QUERY = "working nights while the city sleeps"
T = TypeVar("T")
commands = typer.Typer()


@commands.command(rich_help_panel=START, epilog="Example: rapray demo --once")
def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="One search, a JSON report on stdout, then stop.")
    ] = False,
) -> None:
    """Collect, embed, analyse and serve the sample songs; stays up until Ctrl-C."""
    clock, report = _Clock(), dict[str, Any]()
    with only_results_on_stdout(), ExitStack() as stack:
        settings = _prepare(stack, clock)
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
    """The seconds that each step of the demo took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, step: str, work: Callable[[], T]) -> T:
        started = time.monotonic()
        result = work()
        self.seconds[step] = round(time.monotonic() - started, 3)
        return result


def _prepare(stack: ExitStack, clock: _Clock) -> Settings:
    """Start the sample site and the embedded servers, and return the demo's settings."""
    from rapray import embedded
    from rapray.net.loopback import choose_port
    from rapray.samples.site import SampleSite
    from rapray.store import migrate

    users = state.settings()
    if users.database.url is not None or users.redis.url is not None:
        note(
            "The demo starts embedded servers of its own and leaves those at database.url and redis.url alone."
        )
    site = stack.enter_context(SampleSite(port=choose_port(SITE_PORT)))
    settings = _demo_settings(users, site)
    note(f"servers: starting in {settings.data_dir}")
    # With `owner_pid` the servers end with this process, even if it is killed.
    clock.timed("servers", lambda: embedded.up(settings, owner_pid=os.getpid()))
    stack.callback(embedded.down, settings.data_dir)
    migrate.upgrade(embedded.resolve_endpoints(settings).database_url)
    return settings


def _demo_settings(users: Settings, site: SampleSite) -> Settings:
    """Return the user's settings, changed to the sample site and to servers of this host.

    Ray workers and Serve replicas load some settings themselves, from the environment: it gets the same values.
    """
    from rapray.config import variable

    values = _own_values(users, site)
    os.environ.update({variable(key): value for key, value in values.items()})
    state.withdraw(values)  # the command line would win over the environment
    return state.settings()


def _own_values(users: Settings, site: SampleSite) -> dict[str, str]:
    """Return the demo's own values by dotted name; an empty address stands for an embedded server."""
    from rapray.net.loopback import choose_port

    return {
        "data_dir": str(users.data_dir),
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
        "serve.port": str(choose_port(users.serve.port)),
    }


def _run_jobs(settings: Settings, report: dict[str, Any], clock: _Clock) -> None:
    """Collect, embed and analyse the sample songs, and add what each job did to the report."""
    from rapray.pipelines.analyze import analyze
    from rapray.pipelines.collect import collect
    from rapray.pipelines.embed import embed
    from rapray.samples.corpus import artists
    from rapray.samples.site import DIFFICULT_ARTIST_ID

    ids = [str(artist.id) for artist in artists()] + [str(DIFFICULT_ARTIST_ID)]
    for step, job in (
        ("collect", lambda: collect(settings, ids)),
        ("embed", lambda: embed(settings)),
        ("analyze", lambda: analyze(settings, ["algorithmic"])),
    ):
        job_report = clock.timed(step, job)
        note(sentence(job_report))
        report[step] = job_report.as_json()


def _ray(settings: Settings) -> AbstractContextManager[None]:
    from rapray.embedded import resolve_endpoints
    from rapray.pipelines.cluster import ray_session

    note("ray: starting")
    return ray_session(settings, resolve_endpoints(settings))


def _serve(stack: ExitStack, settings: Settings, clock: _Clock) -> str:
    from rapray.serve.app import served

    note("serve: starting")
    return clock.timed("serve", lambda: stack.enter_context(served(settings)))


def _search(address: str) -> Any:
    import httpx

    response = httpx.post(f"{address}/search", json={"query": QUERY, "limit": 3}, timeout=60)
    return response.raise_for_status().json()


def _invite(address: str, settings: Settings, clock: _Clock) -> None:
    """Print what to try now, in commands to copy."""
    steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in clock.seconds.items())
    program = shlex.quote(str(Path(sys.executable).with_name("rapray")))
    data_dir = shlex.quote(str(settings.data_dir))
    post = "-H 'Content-Type: application/json' -d"
    note(f"\ntook: {steps}\n\nrapray is at {address}\n")
    note("Try, in another terminal:")
    note(f"""  curl -s {address}/search {post} '{{"query": "a letter to a friend"}}'""")
    note(f"""  curl -s {address}/analyze {post} '{{"lyrics": "One for the money"}}'""")
    note(f"  {program} --data-dir {data_dir} search 'late trains and first snow'\n")
    note("Ctrl-C stops everything.")


def _wait() -> NoReturn:
    """Wait for KeyboardInterrupt; callers clean up and choose the exit code by it."""
    try:
        while True:
            threading.Event().wait()
    except KeyboardInterrupt:
        note("\nstopping")
        raise
