"""The manifests for KubeRay, checked offline against what KubeRay and Ray would make of them."""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import ServeDeploySchema

from rapray.analyzers.registry import spec
from rapray.serve.app import analyzer_options

ROOT = Path(__file__).resolve().parents[3]
CRDS = ROOT.parent / "shared" / "crds"
GENERATE = runpy.run_path(str(ROOT / "kuberay" / "generate.py"))
MANIFESTS = ["rayservice.yaml", "rayjob.yaml"]


def _manifest(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "kuberay" / name).read_text(encoding="utf-8"))


def _cluster(manifest: dict[str, Any]) -> dict[str, Any]:
    spec = manifest["spec"]
    return spec["rayClusterConfig"] if manifest["kind"] == "RayService" else spec["rayClusterSpec"]


def _closed(schema: Any) -> Any:
    """The schema with unknown fields refused wherever fields are named, as `kubectl --validate=strict` does."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    is_open = closed.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in closed
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object" and not is_open:
        closed["additionalProperties"] = False
    return closed


def _crd_errors(manifest: dict[str, Any]) -> list[str]:
    file = CRDS / f"ray.io_{manifest['kind'].lower()}s.yaml"
    if not file.exists():
        pytest.skip(f"{file} is not there: KubeRay's CRDs are kept beside the checkout")
    versions = yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]["versions"]
    (schema,) = [version["schema"]["openAPIV3Schema"] for version in versions if version["name"] == "v1"]
    validator = jsonschema.Draft202012Validator(_closed(schema))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


def _replicas(bound: str) -> int:
    """The most replicas of one deployment at the lower or upper end of its scaling."""
    config = yaml.safe_load(_manifest("rayservice.yaml")["spec"]["serveConfigV2"])
    deployments = config["applications"][0]["deployments"]
    return max(deployment["autoscaling_config"][bound] for deployment in deployments)


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_fits_crd(name: str) -> None:
    """KubeRay's schema takes every field, and knows every field."""
    assert _crd_errors(_manifest(name)) == []


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_misspelt_field(name: str) -> None:
    """The check above would notice a misspelt field, at the top and deep inside."""
    manifest = _manifest(name)
    manifest["spec"]["shutdownAfterJobFinish"] = True
    container = _cluster(manifest)["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]
    container["resource"] = container.pop("resources")
    assert len(_crd_errors(manifest)) == 2


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_autoscaler_config(name: str) -> None:
    """Ray's autoscaler reads the cluster: no CPUs on the head, workers between their bounds."""
    manifest = _manifest(name)
    cluster = _cluster(manifest)
    config = _derive_autoscaling_config_from_ray_cr(
        {"metadata": {"name": "rapray", "namespace": "default"}, "spec": cluster}
    )
    group, gpu_group = cluster["workerGroupSpecs"]
    types = config["available_node_types"]
    head = types[config["head_node_type"]]
    assert head["resources"]["CPU"] == 0
    gpu_worker = types[gpu_group["groupName"]]
    assert (gpu_worker["resources"]["GPU"], gpu_worker["min_workers"]) == (1, 0)
    worker = types[group["groupName"]]
    assert "GPU" not in worker["resources"]
    cpu = group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"]
    assert worker["resources"]["CPU"] == int(cpu)
    assert (worker["min_workers"], worker["max_workers"]) == (group["minReplicas"], group["maxReplicas"])


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_names_installed_ray(name: str) -> None:
    """The Ray of the cluster is the Ray that rapray is pinned to."""
    assert _cluster(_manifest(name))["rayVersion"] == ray.__version__


def test_rayservice_config_is_generated() -> None:
    """`python kuberay/generate.py` would change nothing."""
    manifest = (ROOT / "kuberay" / "rayservice.yaml").read_text(encoding="utf-8")
    serve_config = (ROOT / "serve_config.yaml").read_text(encoding="utf-8")
    assert GENERATE["rendered"](manifest, serve_config) == manifest


def _generated(analyzers: Any) -> dict[str, dict[str, Any]]:
    """The deployments by name for these analyzers in serve_config.yaml."""
    config = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
    config["applications"][0]["args"] = {"analyzers": analyzers} if analyzers else {}
    (application,) = GENERATE["on_kubernetes"](config)["applications"]
    return {deployment["name"]: deployment for deployment in application["deployments"]}


def test_rayservice_analyzers_survive_pod() -> None:
    """Also one that serve_config.yaml leaves at its defaults: two replicas on two nodes."""
    found = _generated(["algorithmic", "emotion", "qwen"])
    assert set(found) == {"ingress", "embedder", "algorithmic", "emotion", "qwen"}
    for deployment in found.values():
        assert deployment["autoscaling_config"]["min_replicas"] == 2
        assert deployment["max_replicas_per_node"] == 1
    defaults = analyzer_options(spec("qwen"))
    assert found["qwen"]["ray_actor_options"] == defaults["ray_actor_options"]
    assert defaults["autoscaling_config"]["min_replicas"] == 1


@pytest.mark.parametrize("analyzers", [["all"], None])
def test_rayservice_unnamed_analyzers_refused(analyzers: Any) -> None:
    """They would have one replica each, whatever the README promises."""
    with pytest.raises(ValueError, match="name the analyzers"):
        _generated(analyzers)


def test_rayservice_config_keys_valid() -> None:
    """Serve takes the configuration; it ignores unknown keys, so each key is looked for in what it took."""
    config = yaml.safe_load(_manifest("rayservice.yaml")["spec"]["serveConfigV2"])
    taken = ServeDeploySchema.model_validate(config).model_dump(warnings=False)
    assert _unknown(config, taken) == []
    config["applications"][0]["deployments"][0]["max_ongoing_request"] = 5
    taken = ServeDeploySchema.model_validate(config).model_dump(warnings=False)
    assert _unknown(config, taken) == ["applications.0.deployments.0.max_ongoing_request"]


def test_rayservice_autoscaling_keys_valid() -> None:
    """Serve keeps autoscaling_config as it finds it at this point, so its keys are compared with the model's."""
    config = yaml.safe_load(_manifest("rayservice.yaml")["spec"]["serveConfigV2"])
    for deployment in config["applications"][0]["deployments"]:
        assert deployment["autoscaling_config"].keys() <= AutoscalingConfig.model_fields.keys()


def _unknown(given: Any, taken: Any, path: str = "") -> list[str]:
    if isinstance(given, list):
        pairs = [(str(n), part, taken[n]) for n, part in enumerate(given)]
        return [found for n, part, other in pairs for found in _unknown(part, other, f"{path}{n}.")]
    if not isinstance(given, dict) or not isinstance(taken, dict):
        return []
    missing = [f"{path}{key}" for key in given if key not in taken]
    known = [(key, value) for key, value in given.items() if key in taken]
    return missing + [found for key, value in known for found in _unknown(value, taken[key], f"{path}{key}.")]


def test_rayservice_workers_hold_replicas() -> None:
    """With one replica a node, the bounds of the worker group are those of the widest deployment."""
    group, _ = _cluster(_manifest("rayservice.yaml"))["workerGroupSpecs"]
    assert group["minReplicas"] >= _replicas("min_replicas") >= 2
    assert group["maxReplicas"] >= _replicas("max_replicas")
    config = yaml.safe_load(_manifest("rayservice.yaml")["spec"]["serveConfigV2"])
    needed = sum(
        deployment["ray_actor_options"]["num_cpus"] for deployment in config["applications"][0]["deployments"]
    )
    assert needed <= int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])


def test_rayjob_entrypoint_exists() -> None:
    """The entrypoint runs a script that is there."""
    python, script, *_ = shlex.split(_manifest("rayjob.yaml")["spec"]["entrypoint"])
    assert python == "python"
    assert (ROOT / script).is_file()


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_secrets_are_references(name: str) -> None:
    """Addresses with passwords come from the secret; each variable is a setting of rapray, or one that Serve needs."""
    from rapray.config import Settings
    from rapray.pipelines.ray_environment import FOR_SERVE

    group = _cluster(_manifest(name))["headGroupSpec"]
    variables = group["template"]["spec"]["containers"][0]["env"]
    of_ray = {one["name"]: one["value"] for one in variables if not one["name"].startswith("RAPRAY_")}
    assert of_ray == (FOR_SERVE if name == "rayservice.yaml" else {})
    for variable in variables:
        if variable["name"] in of_ray:
            continue
        section, _, field = variable["name"].removeprefix("RAPRAY_").lower().partition("__")
        model = Settings.model_fields[section].annotation
        assert not field or field in model.model_fields, variable["name"]
        assert "url" not in field or "secretKeyRef" in variable["valueFrom"]
