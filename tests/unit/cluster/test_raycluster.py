"""raycluster.yaml as `ray up` reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import ValidationError
from ray.autoscaler._private.util import prepare_config, validate_config

from rapray.pipelines.ray_environment import FOR_SERVE

ROOT = Path(__file__).resolve().parents[3]
RAYCLUSTER = ROOT / "raycluster.yaml"


def _config() -> dict[str, Any]:
    return yaml.safe_load(RAYCLUSTER.read_text(encoding="utf-8"))


def test_raycluster_starts_every_worker() -> None:
    """Ray takes the file, and starts as many workers as it names."""
    given = _config()
    prepared = prepare_config(given)
    validate_config(prepared)
    (node_type,) = prepared["available_node_types"].values()
    assert node_type["min_workers"] == node_type["max_workers"] == len(given["provider"]["worker_ips"])


def test_raycluster_misspelt_key_refused() -> None:
    """The check above would notice a misspelt key."""
    with pytest.raises(ValidationError):
        validate_config(prepare_config(_config() | {"setup_command": []}))


def test_raycluster_commands_exist() -> None:
    """Jobs named in the header exist, every start command sets the authentication mode and the settings."""
    for script in re.findall(r"python (jobs/\S+\.py)", RAYCLUSTER.read_text(encoding="utf-8")):
        assert (ROOT / script).is_file()
    config = _config()
    for commands in (config["head_start_ray_commands"], config["worker_start_ray_commands"]):
        assert "RAY_AUTH_MODE=token" in commands[-1]
        assert "RAPRAY_CONFIG=" in commands[-1]
        assert "0.0.0.0" not in commands[-1]


def test_raycluster_prepares_serve() -> None:
    """Every `ray start` has the variables that Serve needs from the start of a cluster."""
    config = _config()
    for commands in (config["head_start_ray_commands"], config["worker_start_ray_commands"]):
        (start,) = [command for command in commands if "ray start" in command]
        words = start.partition("ray start")[0].split()
        assert {f"{name}={value}" for name, value in FOR_SERVE.items()} <= set(words)
