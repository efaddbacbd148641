"""What is promised outside: the OpenAPI document, the Serve configuration, where the proxy may listen."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from pydantic import BaseModel
from ray.serve._private.api import call_user_app_builder_with_args_if_necessary
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import ServeDeploySchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from rapray.analyzers.algorithmic import AlgorithmicAnalyzer
from rapray.analyzers.registry import spec
from rapray.config import AnalyzeSettings, DatabaseSettings, ServeSettings, Settings
from rapray.errors import ConfigError, RaprayError, UnknownAnalyzer, UsageError
from rapray.net.loopback import is_loopback
from rapray.serve import app as serve_app
from rapray.serve.api import create_app, openapi
from rapray.serve.memory import MemoryServices
from rapray.serve.security import check_host

ROOT = Path(__file__).parents[3]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
SERVICES = MemoryServices(analyzers={"algorithmic": lambda lyric: AlgorithmicAnalyzer().analyze([lyric])[0]})
schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(SERVICES))


def test_openapi_document_is_current() -> None:
    """A change of the API shows in the diff; `python -m rapray.serve.api.openapi` writes it."""
    assert openapi.TARGET.read_text(encoding="utf-8") == openapi.text()


def test_openapi_errors_are_problems() -> None:
    """FastAPI's own error bodies are nowhere."""
    document = json.loads(openapi.TARGET.read_text(encoding="utf-8"))
    for operations in document["paths"].values():
        for operation in operations.values():
            errors = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
            assert all(list(r["content"]) == ["application/problem+json"] for r in errors.values())
    assert "HTTPValidationError" not in document["components"]["schemas"]


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [reference for inner in part for reference in _references(inner)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return own + [reference for inner in part.values() for reference in _references(inner)]


def test_openapi_every_reference_resolves() -> None:
    """A client generator follows each `$ref` of the committed document."""
    document = json.loads(openapi.TARGET.read_text(encoding="utf-8"))
    references = _references(document)
    assert references
    for reference in set(references):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, f"{reference} leads nowhere"
            place = place[step]


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_api_fuzzed_requests(case: schemathesis.Case) -> None:
    """Whatever is sent, the answer has a documented status, media type and shape, and is never a 500."""
    # Some rules are beyond a JSON schema: years in order, a known analyzer, a cursor that was given out.
    case.call_and_validate(excluded_checks=[positive_data_acceptance])


def _unknown(model: type[BaseModel], given: dict[str, Any], path: str = "") -> list[str]:
    """Keys that the schema would silently ignore."""
    found: list[str] = []
    for key, value in given.items():
        field = model.model_fields.get(key)
        if field is None:
            found.append(path + key)
            continue
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        inner = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
        for element in value if isinstance(value, list) else [value]:
            if inner and isinstance(element, dict):
                found += _unknown(inner, element, f"{path}{key}.")
    return found


def test_serve_config_keys_valid() -> None:
    """Serve ignores what it does not know, so a typing error would go unseen."""
    ServeDeploySchema.model_validate(CONFIG)
    assert _unknown(ServeDeploySchema, CONFIG) == []
    assert _unknown(ServeDeploySchema, {"aplications": []}) == ["aplications"]


def test_serve_config_matches_defaults() -> None:
    """`rapray serve` and `serve deploy` run the same application."""
    [application] = CONFIG["applications"]
    assert application["import_path"] == "rapray.serve.app:build"
    given = {d.pop("name"): d for d in application["deployments"]}
    assert given == {
        "ingress": serve_app.INGRESS,
        "embedder": serve_app.EMBEDDER,
        "algorithmic": serve_app.analyzer_options(spec("algorithmic")),
    }
    http = CONFIG["http_options"]
    assert http["request_timeout_s"] == serve_app.longest_request_s(Settings())
    assert http["keep_alive_timeout_s"] == serve_app.KEEP_ALIVE_S
    assert is_loopback(http["host"])


@pytest.mark.parametrize(
    "settings",
    [
        Settings(serve=ServeSettings(body_timeout_s=3000)),
        Settings(analyze=AnalyzeSettings(deadline_s=600)),
        Settings(database=DatabaseSettings(statement_timeout_s=600)),
    ],
    ids=["body", "analyzer", "database"],
)
def test_longest_request_follows_deadlines(settings: Settings) -> None:
    """The proxy waits longer if any deadline inside a request is longer."""
    assert serve_app.longest_request_s(settings) > serve_app.longest_request_s(Settings())


@pytest.mark.parametrize("name", ["ingress", "embedder", "algorithmic", "emotion", "qwen"])
def test_full_replica_scales_up(name: str) -> None:
    """As many requests as one replica takes, or as one ingress sends on, are above the target of the deployment."""
    defaults = {"ingress": serve_app.INGRESS, "embedder": serve_app.EMBEDDER}
    options = defaults.get(name) or serve_app.analyzer_options(spec(name))
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)  # a look back that is shorter than the interval
        scaling = AutoscalingConfig(**options["autoscaling_config"])
    full = min(options["max_ongoing_requests"], serve_app.MOST_WORKING)
    assert full > scaling.get_target_ongoing_requests()
    assert scaling.max_replicas > scaling.min_replicas


@pytest.mark.parametrize("name", ["ingress", "embedder", "algorithmic", "emotion", "qwen"])
def test_leaving_replica_outlives_answers(name: str) -> None:
    """By default a single answer lasts no longer than Serve waits before it kills a replica that it stops."""
    defaults = {"ingress": serve_app.INGRESS, "embedder": serve_app.EMBEDDER}
    options = defaults.get(name) or serve_app.analyzer_options(spec(name))
    own = Settings()
    model_s = max(own.llm.providers["qwen"].timeout_s, own.analyze.deadline_s)
    longest_s = model_s if name in {"ingress", "qwen"} else own.analyze.deadline_s
    assert options["graceful_shutdown_timeout_s"] >= longest_s


def test_build_deploys_each_analyzer() -> None:
    """The names in the configuration are those of the deployments."""
    application = call_user_app_builder_with_args_if_necessary(
        serve_app.build, {"analyzers": ["algorithmic"]}
    )
    bound = application._bound_deployment
    assert bound.name == "ingress"
    embedder, analyzers, *_ = bound.init_args
    assert embedder._bound_deployment.name == "embedder"
    assert analyzers["algorithmic"]._bound_deployment.name == "algorithmic"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"analyzer": ["x"]}, ConfigError),
        ({"analyzers": []}, ConfigError),
        ({"analyzers": ["x"]}, UnknownAnalyzer),
    ],
)
def test_build_rejects_wrong_arguments(args: dict[str, Any], error: type[RaprayError]) -> None:
    """A typing error in the configuration ends the deployment with its reason."""
    with pytest.raises(error):
        serve_app.build(args)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_check_host_requires_loopback(host: str) -> None:
    """Without API keys nobody else may connect."""
    with pytest.raises(UsageError, match="RAPRAY_SERVE__ALLOW_UNAUTHENTICATED"):
        check_host(host, ServeSettings())
    check_host(host, ServeSettings(allow_unauthenticated=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_check_host_loopback_passes(host: str) -> None:
    """This host alone is fine."""
    check_host(host, ServeSettings())
