"""Connects to the Ray cluster that the settings name, or starts one inside this process."""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import ray
from ray.data import DataContext
from ray.exceptions import RayError

from rapray.config import Settings
from rapray.embedded import Endpoints, refuse_on_cluster
from rapray.embedded.ray_directory import ray_directory
from rapray.embedded.ray_ports import log_open_ports
from rapray.errors import RayUnavailable, UsageError
from rapray.pipelines.ray_environment import LOCAL, is_token_mode, ray_environment
from rapray.telemetry import configure_logging


@contextmanager
def ray_session(settings: Settings, endpoints: Endpoints) -> Generator[None]:
    """Connect to Ray for the time of a job; a connection that exists already is used and stays open.

    Raises:
        RayUnavailable: no cluster answers at the address.
        RayRefused: the cluster asks for a token, and this process has none that is valid.
        RayTokenUnusable: others may read this data directory's token.
        EmbeddedOnCluster: an embedded server is in use and the cluster spans several hosts.
    """
    with nullcontext() if ray.is_initialized() else ray_connection(settings):
        # Only a connection tells how many hosts there are.
        refuse_on_cluster(endpoints, [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]])
        _configure_data()
        yield


@contextmanager
def ray_connection(settings: Settings) -> Generator[None]:
    """Connect to the cluster in the settings, or start one inside this process; leave or stop it at the end.

    Raises:
        RayUnavailable, RayRefused, RayTokenUnusable: as `ray_session`.
    """
    address = settings.ray.address or os.environ.get("RAY_ADDRESS") or LOCAL
    with ExitStack() as stack:
        stack.enter_context(ray_environment(settings, address))
        options = {}
        if address == LOCAL:
            directory = ray_directory(settings.data_dir, asks_for_token=is_token_mode())
            options = _local_options(settings, stack.enter_context(directory))
        stack.callback(ray.shutdown)
        _connect(settings, address, options)
        log_open_ports()
        yield


def total_cpus() -> int:
    """Return the number of whole CPUs of the cluster, at least one."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def total_gpus() -> float:
    """Return the GPUs of the nodes that the cluster has now."""
    return float(ray.cluster_resources().get("GPU", 0))


def check_gpus(settings: Settings, gpus: float) -> None:
    """Refuse to wait for GPUs that a cluster without an autoscaler will never have.

    Raises:
        UsageError: the cluster inside this process has too few. One at an address may grow, and is not judged.
    """
    if settings.ray.address is not None or os.environ.get("RAY_ADDRESS") or gpus <= total_gpus():
        return
    reason = (
        f"each actor is to have {gpus:g} GPUs, and this host has {total_gpus():g}: set RAPRAY_EMBEDDING__GPUS or "
        "RAPRAY_EMOTION__GPUS to auto or 0"
    )
    raise UsageError(reason=reason)


def _local_options(settings: Settings, directory: Path) -> dict[str, Any]:
    return {
        "num_cpus": settings.ray.num_cpus,
        "object_store_memory": settings.ray.object_store_bytes,
        "include_dashboard": False,
        "_temp_dir": str(directory),
    }


def _connect(settings: Settings, address: str, options: dict[str, Any]) -> None:
    level = settings.log.level

    def set_up_worker() -> None:
        configure_logging(level, "json")

    runtime_env = {"worker_process_setup_hook": set_up_worker}
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        with _map_errors(address):
            ray.init(
                address,
                runtime_env=runtime_env,
                log_to_driver=settings.log.level == "debug",
                logging_level=logging.WARNING,
                **options,
            )
    finally:
        # Ray puts its own handler there, which ends the process without stopping what it started.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_sigterm)


@contextmanager
def _map_errors(address: str) -> Generator[None]:
    """Raise RayUnavailable if Ray cannot start, or no cluster answers at the address."""
    try:
        yield
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise RayUnavailable(reason=f"{address}: {error}") from error


def _configure_data() -> None:
    context = DataContext.get_current()
    context.enable_progress_bars = False  # rapray prints its own, from the ledger
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # A job may have fewer blocks than it may have writers; that is no mistake.
    warnings.filterwarnings("ignore", message="The maximum number of concurrent tasks")
