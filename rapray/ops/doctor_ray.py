"""What the doctor says about Ray on this host: its token, the clusters that run, and who can reach their ports."""

from __future__ import annotations

from collections.abc import Iterator

from rapray.config import Settings
from rapray.embedded.paths import Paths
from rapray.embedded.ray_directory import RayCluster, ray_clusters
from rapray.embedded.ray_ports import Listener, described, listeners
from rapray.embedded.ray_token import ensure_token
from rapray.errors import RayTokenUnusable
from rapray.ops.finding import Finding

SUBJECT = "Ray"


def ray_findings(settings: Settings) -> list[Finding]:
    """Return a finding for a token that cannot be used, and one for each running cluster of this user."""
    clusters = [_cluster(cluster) for cluster in ray_clusters()]
    return [*_token(settings), *(clusters or [Finding(SUBJECT, "ok", "no cluster of rapray runs here")])]


def _token(settings: Settings) -> Iterator[Finding]:
    path = Paths.of(settings.data_dir).ray_token
    if not path.is_symlink() and not path.exists():
        return  # the first cluster makes it
    try:
        ensure_token(path)
    except RayTokenUnusable as error:
        yield Finding(SUBJECT, "fail", error.code, str(error))


def _cluster(cluster: RayCluster) -> Finding:
    ports = listeners(cluster.process.pid)
    beyond = [listener for listener in ports if not listener.is_on_loopback]
    loopback = len(ports) - len(beyond)
    summary = f"pid {cluster.process.pid} of {cluster.data_dir}: {loopback} ports on loopback"
    if beyond:
        summary += f", open to other hosts: {described(beyond)}"
    if not cluster.asks_for_token:
        return Finding(
            SUBJECT, "warn", f"{summary}; no token protects them", "unset RAY_AUTH_MODE and start it again"
        )
    state = "ok" if all(listener.is_protected for listener in beyond) else "warn"
    return Finding(SUBJECT, state, summary, _status_command(ports))


def _status_command(ports: list[Listener]) -> str:
    address = next((f"127.0.0.1:{listener.port}" for listener in ports if listener.process == "GCS"), None)
    return f'eval "$(rapray ray-env)"; ray status --address {address}' if address else ""
