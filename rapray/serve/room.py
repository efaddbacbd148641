"""Whether a cluster that cannot grow has the CPUs and GPUs that the application reserves.

Serve itself waits for ever for a replica that finds no place.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import ray

from rapray.config import Settings
from rapray.errors import UsageError


def reserved_cpus(deployments: Mapping[str, Mapping[str, Any]], settings: Settings) -> float:
    """CPUs of the least number of replicas of every deployment, the hosted model's among them."""
    hosted = settings.llm.hosted
    on_cpus = hosted.model is not None and hosted.device == "cpu"
    model = hosted.cpus * hosted.min_replicas if on_cpus else 0.0
    return model + sum(map(_reserved, deployments.values()))


def check_room(deployments: Mapping[str, Mapping[str, Any]], settings: Settings) -> None:
    """Refuse to start where a replica would never find its place.

    Raises:
        UsageError: the cluster inside this process has too few CPUs or GPUs. One at an address may grow, and is not
            judged.
    """
    if settings.ray.address is not None or os.environ.get("RAY_ADDRESS"):
        return
    _check_gpus(deployments)
    needed, there = reserved_cpus(deployments, settings), ray.cluster_resources().get("CPU", 0.0)
    if needed <= there:
        return
    reason = (
        f"the deployments reserve {needed:g} CPUs and Ray has {there:g}: set RAPRAY_RAY__NUM_CPUS={math.ceil(needed)}, "
        "a figure for Ray's books, since all share what this host has; or name fewer in RAPRAY_SERVE__ANALYZERS"
    )
    raise UsageError(reason=reason)


def _check_gpus(deployments: Mapping[str, Mapping[str, Any]]) -> None:
    needed = sum(_reserved(options, "num_gpus", 0) for options in deployments.values())
    there = ray.cluster_resources().get("GPU", 0.0)
    if needed > there:
        reason = (
            f"the deployments reserve {needed:g} GPUs and Ray has {there:g}: lower RAPRAY_EMBEDDING__GPUS and "
            "RAPRAY_EMOTION__GPUS (0.5 lets two share one, 0 is the CPU)"
        )
        raise UsageError(reason=reason)


def _reserved(options: Mapping[str, Any], resource: str = "num_cpus", default: float = 1) -> float:
    scaling = options.get("autoscaling_config") or {}
    replicas = options.get("num_replicas") or scaling.get("min_replicas", 1)
    return replicas * (options.get("ray_actor_options") or {}).get(resource, default)
