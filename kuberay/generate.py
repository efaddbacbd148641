"""Writes serveConfigV2 of rayservice.yaml from serve_config.yaml, so that both describe one application.

Knows what differs on Kubernetes and nothing else of the manifest. Serve spreads only deployments that are listed by
name, so each analyzer of `args` is: with what `serve_config.yaml` says of it, else with its defaults.

    python kuberay/generate.py [--check]
"""

from __future__ import annotations

import copy
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

from rapray.analyzers.base import ALL
from rapray.analyzers.registry import spec
from rapray.serve.app import analyzer_options

ROOT = Path(__file__).resolve().parent.parent
SERVE_CONFIG = ROOT / "serve_config.yaml"
RAYSERVICE = ROOT / "kuberay" / "rayservice.yaml"

_BLOCK = re.compile(r"(?m)^  serveConfigV2: \|\n(?:    .*\n|\n)*")


def on_kubernetes(config: dict[str, Any]) -> dict[str, Any]:
    """The Serve configuration with what a cluster of pods needs.

    Kubernetes routes to the proxy of every pod, from outside the pod; each deployment survives the loss of a pod.
    """
    applications = [
        application | {"deployments": [_spread(deployment) for deployment in _deployments(application)]}
        for application in config["applications"]
    ]
    http = config["http_options"] | {"host": "0.0.0.0"}  # noqa: S104 (inside a pod; the Service decides who reaches it)
    return config | {"proxy_location": "EveryNode", "http_options": http, "applications": applications}


def rendered(manifest: str, serve_config: str) -> str:
    """The manifest with serveConfigV2 made anew.

    Raises:
        ValueError: the manifest has no block to replace.
    """
    config = yaml.safe_dump(on_kubernetes(yaml.safe_load(serve_config)), sort_keys=False, width=110)
    block = "  serveConfigV2: |\n" + textwrap.indent(config, "    ")
    replaced, count = _BLOCK.subn(lambda _: block, manifest)
    if count != 1:
        reason = f"{count} serveConfigV2 blocks in the manifest, 1 expected"
        raise ValueError(reason)
    return replaced


def main(arguments: list[str]) -> int:
    """Write the manifest, or say with `--check` whether it is up to date."""
    found = RAYSERVICE.read_text(encoding="utf-8")
    wanted = rendered(found, SERVE_CONFIG.read_text(encoding="utf-8"))
    if "--check" in arguments:
        return int(found != wanted)
    RAYSERVICE.write_text(wanted, encoding="utf-8")
    return 0


def _deployments(application: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that are listed, and one for each further analyzer.

    Raises:
        ValueError: the analyzers are not named; which are set up is known on the cluster alone.
    """
    listed = application["deployments"]
    names = application["args"].get("analyzers") or [ALL]
    if ALL in names:
        raise ValueError("name the analyzers in args: not listed by name, one is not spread over nodes")
    known = {deployment["name"] for deployment in listed}
    return listed + [
        {"name": name} | copy.deepcopy(analyzer_options(spec(name))) for name in names if name not in known
    ]


def _spread(deployment: dict[str, Any]) -> dict[str, Any]:
    scaling = deployment["autoscaling_config"]
    replicas = max(2, scaling["min_replicas"])
    return deployment | {
        "max_replicas_per_node": 1,
        "autoscaling_config": scaling | {"min_replicas": replicas},
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
