"""The one Ray of a test run, a raylet or several on this machine, and what runs on it for the whole run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Generic, TypeVar
from unittest.mock import patch

import ray
import ray._common.utils
import ray._private.utils
from ray import serve
from ray._common.constants import HEAD_NODE_RESOURCE_NAME
from ray.cluster_utils import Cluster
from ray.util import placement_group, remove_placement_group

from rapray.config import RaySettings, Settings
from rapray.embedded import Endpoints
from rapray.embedded.ray_directory import ray_directory
from rapray.pipelines.cluster import ray_session
from rapray.pipelines.ray_environment import ray_environment

# CPUs as Ray counts them, so that jobs fit beside a whole application; in truth all share the host's cores.
_CPUS = 6
_STORE_BYTES = 10**8
_REACHABLE = Endpoints("postgresql://h/d", None, False, False)
App = TypeVar("App")


class RayCluster:
    """A cluster that this process may join and leave; make it with `raylet_cluster`."""

    def __init__(self, settings: Settings, cluster: Cluster) -> None:
        self._settings = settings
        self._cluster = cluster
        self._connection = ExitStack()

    @property
    def address(self) -> str:
        """Where other processes join it; they need the token of its data directory."""
        assert self._settings.ray.address is not None
        return self._settings.ray.address

    @contextmanager
    def other_raylets(self, cpus: Sequence[int], gpus: int = 0) -> Generator[None]:
        """Add a raylet for each number of CPUs, and keep work from the head until they are gone again.

        Each says that it has `gpus` GPUs. Ray then places work by them; no device is needed for that.
        """
        free = ray.available_resources().get("CPU", 0)  # an application may have the rest, or all
        with ExitStack() as stack:
            for cpu_count in cpus:
                node = self._cluster.add_node(
                    num_cpus=cpu_count, num_gpus=gpus, object_store_memory=_STORE_BYTES
                )
                stack.callback(self._cluster.remove_node, node)
            self._cluster.wait_for_nodes()
            head = placement_group([{HEAD_NODE_RESOURCE_NAME: 0.001} | ({"CPU": free} if free else {})])
            stack.callback(remove_placement_group, head)
            assert head.wait(60), f"the head has no {free} free CPUs"
            yield

    def connect(self) -> None:
        """Join the cluster, unless this process has joined it."""
        if not ray.is_initialized():
            self._connection.enter_context(ray_session(self._settings, _REACHABLE))

    def disconnect(self) -> None:
        """Leave the cluster. The next connection is a new job, with workers of its own that see this process's `sys.path`."""
        self._connection.close()
        serve.context._set_global_client(None)


@contextmanager
def raylet_cluster(settings: Settings, more_cpus: Sequence[int] = ()) -> Generator[RayCluster]:
    """Start a head, and more raylets with these CPUs, with the token of the settings' data directory; stop them at the end."""
    with ExitStack() as stack:
        stack.enter_context(ray_environment(settings))
        directory = stack.enter_context(ray_directory(settings.data_dir, asks_for_token=True))
        stack.enter_context(_default_address_untouched())
        cluster = Cluster()
        stack.callback(cluster.shutdown)  # also of a head that has started in part
        cluster.add_node(
            temp_dir=str(directory),  # the other raylets learn it from the head
            num_cpus=_CPUS - sum(more_cpus),
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
        )
        for cpus in more_cpus:
            cluster.add_node(num_cpus=cpus, object_store_memory=_STORE_BYTES)
        cluster.wait_for_nodes()
        address = RaySettings(address=cluster.address)
        joined = RayCluster(settings.model_copy(update={"ray": address}), cluster)
        stack.callback(joined.disconnect)
        yield joined


@contextmanager
def _default_address_untouched() -> Generator[None]:
    """Keep `Cluster` from writing and removing /tmp/ray/ray_current_cluster.

    Where Ray has never run, there is no /tmp/ray and `Cluster` fails; where one runs, its `ray.init()` would find ours.
    """
    with (
        patch.object(ray._private.utils, "write_ray_address"),
        patch.object(ray._common.utils, "reset_ray_address"),
    ):
        yield


class SharedRay(Generic[App]):
    """The cluster and the application of a run; each starts when a test first asks for it.

    A process has one connection to Ray. A test that needs a Ray of its own ends the shared one first, with `close`; the next
    test that asks for it starts it again. `run_order.py` keeps the tests that share it together, so that this is rare.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running = ExitStack()
        self._cluster: RayCluster | None = None
        self._app: App | None = None

    def cluster(self) -> RayCluster:
        """Return the cluster, joined by this process."""
        if self._cluster is None:
            self._cluster = self._running.enter_context(raylet_cluster(self._settings))
        self._cluster.connect()
        return self._cluster

    def app(self, start: Callable[[], AbstractContextManager[App]]) -> App:
        """Return the application that `start` made, on the cluster."""
        cluster = self.cluster()
        if self._app is None:
            self._app = self._running.enter_context(start())
            self._running.callback(cluster.connect)  # a test may have left the cluster
        return self._app

    def close(self) -> None:
        """Stop the application, then the cluster."""
        self._cluster = self._app = None
        self._running.close()
