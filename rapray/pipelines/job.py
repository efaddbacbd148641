"""Runs one job from lock to report: what collect, embed and analyze share.

PostgreSQL holds the lock, the ledger and the run. Rows stay due if this process is killed at any point, and running the
job again finishes them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import ray
from psycopg import Connection, Error
from ray.exceptions import RayError

from rapray.config import Settings
from rapray.config.settings import gpus_on
from rapray.embedded import Endpoints, resolve_endpoints
from rapray.errors import DatabaseUnavailable, RaprayError, RayUnavailable
from rapray.pipelines import plan
from rapray.pipelines.cluster import check_gpus, ray_session, total_gpus
from rapray.pipelines.progress import RunProgress, progress
from rapray.pipelines.sink import BatchWriter, PostgresSink
from rapray.pipelines.source import RangeReader
from rapray.store import migrate, runs
from rapray.store.costs import RunCost
from rapray.store.pool import address_of, check_budget, check_server, connect, map_errors
from rapray.store.retry import RetryingConnection
from rapray.telemetry import bound, logger

log = logger(__name__)
_PROGRESS_PATIENCE_S = 5  # shorter than what the end of a job waits for the display


@dataclass(frozen=True, slots=True)
class JobReport:
    """The result of one run. Every record that the job looked at is in exactly one of the five counts.

    `new` were written by this run, `unchanged` were there and current, `rejected` do not belong in the collection (by
    reason), `failed` are due again or dead letters, `held` were not tried and stay due. `stopped` says which analyzers
    could not go on and why, `costs` what language models cost, by provider.
    """

    job: str
    new: int
    unchanged: int
    failed: int
    seconds: float
    rejected: Mapping[str, int] = field(default_factory=dict[str, int])
    held: int = 0
    stopped: Mapping[str, RaprayError] = field(default_factory=dict[str, RaprayError])
    costs: Sequence[RunCost] = ()

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON. `rejected` is there for collect only, and the last three members if they are not empty."""
        rejected = {"rejected": dict(sorted(self.rejected.items()))} if self.job == "collect" else {}
        stopped = {name: {"code": error.code, "detail": str(error)} for name, error in self.stopped.items()}
        optional = {"held": self.held, "stopped": stopped, "costs": [asdict(cost) for cost in self.costs]}
        counts = {"new": self.new, "unchanged": self.unchanged, **rejected, "failed": self.failed}
        return counts | {name: value for name, value in optional.items() if value}


@dataclass(frozen=True)
class JobContext:
    """What the body of a job works with: settings, servers, a connection of its own, and the run."""

    name: str
    settings: Settings
    endpoints: Endpoints
    connection: Connection
    run_id: UUID
    started: float
    stack: ExitStack
    """Closed at the end of the job; holds the connection to Ray once there is one."""
    stopped: dict[str, RaprayError] = field(default_factory=dict[str, RaprayError])
    """The errors of analyzers that could not go on while the rest of the job did, by analyzer."""

    @property
    def seconds(self) -> float:
        """Seconds since the job began."""
        return time.monotonic() - self.started

    def start_ray(self) -> None:
        """Connect to Ray. A job with nothing due never does, and ends within a second."""
        if not ray.is_initialized():
            self.stack.enter_context(ray_session(self.settings, self.endpoints))

    def written(self) -> Counter[str]:
        """Return what this run has written, by the names that the store's write functions count under."""
        return runs.written(self.connection, self.run_id)


@contextmanager
def job(
    name: str,
    settings: Settings,
    parameters: Mapping[str, Any],
    *,
    more_connections: int = 0,
    shares: tuple[str, Sequence[str]] | None = None,
) -> Generator[JobContext]:
    """Do everything around a job: servers, schema check, lock, the run's row, and its end, however the run ends.

    Args:
        name: of the job. Two runs of one job exclude each other, unless `shares` tells them apart.
        settings: of this run.
        parameters: stored with the run.
        more_connections: to PostgreSQL, beyond those of readers, writers and the progress display.
        shares: the name of a parameter that is a list, and this run's values of it. Runs without a common value may run
            side by side.

    Raises:
        ConnectionBudgetExceeded: PostgreSQL has too few connections left.
        JobAlreadyRunning: another process runs the same job, or one of those values, on this database.
        DependencyError: PostgreSQL or Ray cannot be used.
    """
    started = time.monotonic()
    endpoints = resolve_endpoints(settings)
    url = endpoints.database_url
    with (
        map_errors(address_of(url)),
        runs.job_lock(url, name, shares),
        connect(url, application_name=f"rapray {name}") as own,
    ):
        check_server(own)
        migrate.require_current(own)
        # Each writer and each reader holds one connection, the progress display one.
        needed = 2 * settings.jobs.writers + 1 + more_connections
        check_budget(own, needed, "RAPRAY_JOBS__WRITERS (or RAPRAY_JOBS__FETCHERS, RAPRAY_JOBS__WORKERS)")
        run_id = runs.start(own, name, parameters)
        stopped: dict[str, RaprayError] = {}
        with bound(run_id=str(run_id)), _recorded(url, run_id, stopped), ExitStack() as stack:
            yield JobContext(name, settings, endpoints, own, run_id, started, stack, stopped)


def run_plan(
    context: JobContext,
    *,
    reader: RangeReader,
    key_ranges: Sequence[Any],
    total: int,
    stage: plan.Stage,
    writer: BatchWriter,
) -> None:
    """Read the ranges, map them through the stage and write the results, with a progress display.

    Raises:
        RaprayError: whatever a worker raised.
        RayUnavailable: Ray itself failed.
        UsageError: the cluster inside this process has fewer GPUs than an actor needs.
    """
    if not key_ranges:
        return
    context.start_ray()
    check_gpus(context.settings, gpus_on(stage.gpus, total_gpus()))
    url = context.endpoints.database_url
    dataset = plan.dataset(url, reader, key_ranges, stage, readers=context.settings.jobs.writers)
    with _ledger_progress(context, total), _map_errors():
        dataset.write_datasink(
            PostgresSink(url, context.run_id, writer),
            ray_remote_args={"max_retries": 3, "num_cpus": plan.IO_CPUS},
            concurrency=context.settings.jobs.writers,
        )


@contextmanager
def _map_errors() -> Generator[None]:
    """Raise the rapray error that a worker raised, or RayUnavailable if Ray itself failed."""
    try:
        yield
    except RayError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, RaprayError):
            cause = getattr(cause, "cause", None) or cause.__cause__
        raise cause or RayUnavailable(reason=str(error).strip().splitlines()[-1]) from error


@contextmanager
def _recorded(url: str, run_id: UUID, stopped: Mapping[str, RaprayError]) -> Generator[None]:
    """Write how the run ended, over a new connection: the job's own may be what broke."""
    state: runs.RunState = "failed"
    reason: str | None = None
    try:
        yield
        state = "succeeded"
        reason = "; ".join(f"{name}: {error}" for name, error in stopped.items()) or None
    except KeyboardInterrupt:
        state = "interrupted"
        raise
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        raise
    finally:
        try:
            with connect(url, application_name="rapray run") as connection:
                counts = runs.written(connection, run_id)
                if state == "succeeded":
                    state = _state_of(counts, is_stopped=bool(stopped))
                runs.finish(connection, run_id, state, counts, reason)
        except RaprayError as error:
            log.warning("the end of the run could not be written", reason=str(error))


def _state_of(counts: Counter[str], *, is_stopped: bool) -> runs.RunState:
    if is_stopped and not +counts:
        return "failed"
    is_partial = is_stopped or any(name.startswith(("failed", "dead")) for name in +counts)
    return "partial" if is_partial else "succeeded"


@contextmanager
def _ledger_progress(context: JobContext, total: int) -> Generator[None]:
    before = context.written()  # by an earlier plan of the same run: another analyzer's
    with RetryingConnection(
        context.endpoints.database_url, application_name="rapray progress", patience_s=_PROGRESS_PATIENCE_S
    ) as connection:

        def so_far() -> RunProgress | None:
            try:
                return _progress_of(connection.run(lambda conn: runs.written(conn, context.run_id)) - before)
            except (Error, DatabaseUnavailable) as error:
                log.warning("progress is not known now", reason=str(error))
                return None

        with progress(context.name, total, so_far, context.settings.jobs.progress_interval_s):
            yield


def _progress_of(counts: Counter[str]) -> RunProgress:
    failed = sum(n for name, n in counts.items() if name.split(".")[0] == "failed")
    # "dead" repeats some of "failed" where a whole text failed, and stands alone where a page did.
    dead_pages = sum(n for name, n in counts.items() if name.startswith("dead."))
    others = sum(n for name, n in counts.items() if name.split(".")[0] not in ("failed", "dead"))
    return RunProgress(done=others + failed + dead_pages, failed=failed + dead_pages)
