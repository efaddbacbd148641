"""What the doctor says about Ray on this host: its token, the clusters that run, and who can reach their ports."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import psutil

from rapray.config import Settings
from rapray.embedded.paths import Paths
from rapray.embedded.ray_directory import RayCluster, ray_clusters
from rapray.embedded.ray_ports import Listener, beyond_loopback, described, listeners, other_listeners
from rapray.embedded.ray_token import ensure_token, has_token
from rapray.errors import RaprayError, RayTokenUnusable
from rapray.ops.finding import Finding, State

SUBJECT = "Ray"


def ray_findings(settings: Settings) -> list[Finding]:
    """Return a finding for a token that cannot be used, one for each cluster of rapray, and one for other clusters."""
    findings = list(_token(settings))
    try:
        clusters = ray_clusters()
    except RaprayError as error:
        findings.append(Finding(SUBJECT, "fail", error.code, str(error)))
        clusters = []
    else:
        findings += map(_cluster, clusters)
        if not clusters:
            findings.append(Finding(SUBJECT, "ok", "no cluster of rapray runs here"))
    others = other_listeners(cluster.process.pid for cluster in clusters)
    return [*findings, _others(others)] if others else findings


def _token(settings: Settings) -> Iterator[Finding]:
    path = Paths.of(settings.data_dir).ray_token
    try:
        if has_token(path):  # else the first cluster makes it
            ensure_token(path)
    except RayTokenUnusable as error:
        yield Finding(SUBJECT, "fail", error.code, str(error))


def _cluster(cluster: RayCluster) -> Finding:
    origin = f"pid {cluster.process.pid} of {cluster.data_dir}"
    if not cluster.process.is_alive:
        return Finding(SUBJECT, "ok", f"{origin} runs in another container, so its ports cannot be seen here")
    ports = listeners(cluster.process.pid)
    summary = f"{origin}: {_ports(ports)}"
    if not cluster.asks_for_token:
        advice = "unset RAY_AUTH_MODE and start it again"
        return Finding(SUBJECT, "warn", f"{summary}; no token protects them", advice)
    return Finding(SUBJECT, _state(ports), summary, _status_command(ports, cluster.data_dir))


def _others(ports: Sequence[Listener]) -> Finding:
    """Return what to know of Ray's processes that run outside of rapray's: those of `ray start`, for example."""
    servers = {listener.pid for listener in ports if listener.process in ("GCS", "raylet")}
    pids = sorted(servers or {listener.pid for listener in ports})
    origin = f"started by `ray start` or another program (pid {', '.join(map(str, pids))})"
    summary = f"{origin}: {_ports(ports)}"
    if not all(map(_is_token_mode, pids)):
        advice = 'stop it, and start it again after: eval "$(rapray ray-env)"'
        return Finding(SUBJECT, "warn", f"{summary}; no token protects them", advice)
    return Finding(SUBJECT, _state(ports), summary)


def _is_token_mode(pid: int) -> bool:
    """Return True if a server of Ray was told to ask for a token; by itself Ray asks for none."""
    try:
        return psutil.Process(pid).environ().get("RAY_AUTH_MODE", "").lower() == "token"
    except psutil.Error:
        return True  # it has ended


def _ports(ports: Sequence[Listener]) -> str:
    beyond = beyond_loopback(ports)
    summary = f"{len(ports) - len(beyond)} ports on loopback"
    return f"{summary}, open to other hosts: {described(beyond)}" if beyond else summary


def _state(ports: Sequence[Listener]) -> State:
    return "ok" if all(listener.is_protected for listener in beyond_loopback(ports)) else "warn"


def _status_command(ports: Sequence[Listener], data_dir: str) -> str:
    address = next((f"127.0.0.1:{listener.port}" for listener in ports if listener.process == "GCS"), None)
    if address is None:
        return ""
    variables = f"RAPRAY_DATA_DIR={shlex.quote(data_dir)} rapray ray-env"
    return f'eval "$({variables})"; ray status --address {address}'
