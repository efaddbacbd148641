"""Whether a cluster that cannot grow has the CPUs that the application reserves.

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
        UsageError: the cluster inside this process has too few CPUs. One at an address may grow, and is not judged.
    """
    if settings.ray.address is not None or os.environ.get("RAY_ADDRESS"):
        return
    needed, there = reserved_cpus(deployments, settings), ray.cluster_resources().get("CPU", 0.0)
    if needed <= there:
        return
    reason = (
        f"the deployments reserve {needed:g} CPUs and Ray has {there:g}: set RAPRAY_RAY__NUM_CPUS={math.ceil(needed)}, "
        "a figure for Ray's books, since all share what this host has; or name fewer in RAPRAY_SERVE__ANALYZERS"
    )
    raise UsageError(reason=reason)


def _reserved(options: Mapping[str, Any]) -> float:
    scaling = options.get("autoscaling_config") or {}
    replicas = options.get("num_replicas") or scaling.get("min_replicas", 1)
    return replicas * (options.get("ray_actor_options") or {}).get("num_cpus", 1)
