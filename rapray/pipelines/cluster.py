"""Connects to the Ray cluster that the settings name, or starts one inside this process.

Does not know what runs on it.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import ray
from ray.data import DataContext

from rapray.config import Settings
from rapray.embedded import Endpoints, refuse_on_cluster
from rapray.errors import RayUnavailable
from rapray.telemetry import configure_logging

# Ray turns token authentication on by itself for new clusters, and `uv run` rewrites the workers' environment.
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Read by each proxy of Ray Serve: `rapray/serve/doorway.py` says what for.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "rapray.serve.doorway:middlewares",
}
# Of a cluster inside this process: Ray's core prints warnings about Ray Data's own actors to the terminal.
_LOCAL_ENVIRONMENT = {"RAY_BACKEND_LOG_LEVEL": "fatal"}


@contextmanager
def ray_session(settings: Settings, endpoints: Endpoints) -> Generator[None]:
    """A connection to Ray for the time of a job; a cluster that was started here is stopped at the end.

    Raises:
        RayUnavailable: no cluster answers at the address.
        EmbeddedOnCluster: an embedded server is in use and the cluster spans several hosts.
    """
    already = ray.is_initialized()
    if not already:
        _connect(settings)
    try:
        # Known only now: how many hosts there are.
        refuse_on_cluster(endpoints, [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]])
        _configure_data()
        yield
    finally:
        if not already:
            ray.shutdown()


def total_cpus() -> int:
    """Whole CPUs of the cluster, at least one."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _connect(settings: Settings) -> None:
    address = settings.ray.address or os.environ.get("RAY_ADDRESS") or "local"
    for name, value in (_ENVIRONMENT | (_LOCAL_ENVIRONMENT if address == "local" else {})).items():
        os.environ.setdefault(name, value)
    local: dict[str, Any] = {
        "num_cpus": settings.ray.num_cpus,
        "object_store_memory": settings.ray.object_store_bytes,
        "include_dashboard": False,
    }
    level = settings.log.level

    def set_up_worker() -> None:
        configure_logging(level, "json")

    runtime_env = {"worker_process_setup_hook": set_up_worker}
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        ray.init(
            address,
            runtime_env=runtime_env,
            log_to_driver=settings.log.level == "debug",
            logging_level=logging.WARNING,
            **(local if address == "local" else {}),
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise RayUnavailable(reason=f"{address}: {error}") from error
    finally:
        # Ray puts its own handler there, which ends the process without stopping what it started.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_sigterm)


def _knock(address: str) -> None:
    """Fail in seconds where nobody listens: Ray itself tries a plain host:port for many minutes."""
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    if parts.hostname is None or parts.port is None:
        return
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=10).close()
    except OSError as error:
        raise RayUnavailable(reason=f"{address}: {error.strerror or error}") from error


def _configure_data() -> None:
    context = DataContext.get_current()
    context.enable_progress_bars = False  # rapray prints its own, from the ledger
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # A job may have fewer blocks than it may have writers; that is no mistake.
    warnings.filterwarnings("ignore", message="The maximum number of concurrent tasks")
