"""The plan that every job has: key ranges → a fixed pool of actors → bounded writers.

Does not know what a stage does. A test pins the shape of the plan, because Ray Data's optimiser may fuse a read
into an actor or split a write, and both change how many connections and CPUs a job takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.data import ActorPoolStrategy, Dataset

from rapray.analyzers.base import Needs
from rapray.config import Settings
from rapray.config.settings import Gpus, gpus_on
from rapray.pipelines.cluster import total_cpus, total_gpus
from rapray.pipelines.source import KeyRangeSource, RangeReader

# Readers and writers mostly wait for PostgreSQL; a small share keeps them from being starved by the actors.
IO_CPUS = 0.1
# Of each CPU that an actor needs; the rest is for readers and writers.
_SHARE = 0.75
_ONE_CPU = Needs()


@dataclass(frozen=True)
class Stage:
    """A class whose instances map one table of `rapray.pipelines.records` to another.

    `actors` is how many may run; fewer do where the cluster has no CPUs or GPUs for them or there are fewer ranges.
    `before` is what happens to the rows on their way to it.
    """

    actor: type
    arguments: Mapping[str, Any]
    batch_rows: int
    actors: int
    cpus: float
    gpus: Gpus = 0.0
    before: Callable[[Dataset], Dataset] | None = None


def computing(
    settings: Settings,
    actor: type,
    arguments: Mapping[str, Any],
    batch_rows: int,
    *,
    needs: Needs = _ONE_CPU,
    before: Callable[[Dataset], Dataset] | None = None,
) -> Stage:
    """A stage of `jobs.workers` actors that take what they need."""
    return Stage(actor, arguments, batch_rows, settings.jobs.workers, _SHARE * needs.cpu, needs.gpu, before)


def dataset(
    database_url: str, reader: RangeReader, key_ranges: Sequence[Any], stage: Stage, readers: int
) -> Dataset:
    """The lazy dataset: one read task a range, `readers` of them at once, then the stage's actors.

    Without that bound every range would start a worker process of its own at once.
    """
    source = KeyRangeSource(database_url, reader, key_ranges)
    gpus = gpus_on(stage.gpus, total_gpus())
    rows = ray.data.read_datasource(
        source, num_cpus=IO_CPUS, concurrency=readers, override_num_blocks=len(key_ranges)
    )
    if stage.before is not None:
        rows = stage.before(rows)
    return rows.map_batches(
        stage.actor,
        fn_constructor_kwargs=dict(stage.arguments),
        batch_size=stage.batch_rows,
        batch_format="pyarrow",
        compute=_pool(stage, gpus, len(key_ranges)),
        num_cpus=stage.cpus,
        num_gpus=gpus or None,
    )


def _pool(stage: Stage, gpus: float, ranges: int) -> ActorPoolStrategy:
    """Return a pool of the actors that fit the cluster, or one that grows with the cluster's GPUs.

    A group of GPU nodes may be at zero: only actors that wait for a GPU make the autoscaler start one. The job
    begins with the first.
    """
    fitting = max(1, int(total_cpus() / max(stage.cpus, IO_CPUS)))
    if not gpus:
        return ActorPoolStrategy(size=min(stage.actors, ranges, fitting))
    return ActorPoolStrategy(min_size=1, max_size=min(stage.actors, ranges))
