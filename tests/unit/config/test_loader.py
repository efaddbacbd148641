"""Settings: precedence, substitution, overlays, errors, secrets."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from rapray.config import Settings, load_settings, public_values
from rapray.config.llm import ProviderSettings
from rapray.errors import ConfigError

ROOT = Path(__file__).parents[3]


def test_settings_source_precedence(tmp_path: Path) -> None:
    """Command line over environment over .env over YAML over default, and the origin says which."""
    (tmp_path / "rapray.yaml").write_text("jobs: {workers: 2, writers: 2, fetchers: 2, max_attempts: 2}\n")
    (tmp_path / ".env").write_text(
        "RAPRAY_JOBS__WORKERS=3\nRAPRAY_JOBS__WRITERS=3\nRAPRAY_JOBS__FETCHERS=3\n"
    )
    environ = {"RAPRAY_JOBS__WORKERS": "4", "RAPRAY_JOBS__WRITERS": "4"}
    loaded = load_settings({"jobs.workers": "5"}, environ=environ, directory=tmp_path)
    jobs = loaded.settings.jobs
    assert (jobs.workers, jobs.writers, jobs.fetchers, jobs.max_attempts) == (5, 4, 3, 2)
    kinds = [
        loaded.origin(f"jobs.{name}").kind for name in ("workers", "writers", "fetchers", "max_attempts")
    ]
    assert kinds == ["command line", "environment", ".env", "file"]
    assert loaded.origin("jobs.retry_delay_s").kind == "default"


@pytest.mark.parametrize(
    ("text", "gpus"), [("auto", "auto"), ("0", 0), ("0.25", 0.25), ("1", 1), ("2", 2), ("64", 64)]
)
def test_gpus_valid_values(text: str, gpus: float | str, tmp_path: Path) -> None:
    """A fraction of one GPU, a whole number of them, or a decision by the cluster."""
    loaded = load_settings(environ={"RAPRAY_EMBEDDING__GPUS": text}, directory=tmp_path)
    assert loaded.settings.embedding.gpus == gpus


@pytest.mark.parametrize("text", ["1.5", "-1", "-0.5", "65", "nan", "inf", "many", "true"])
def test_gpus_invalid_values(text: str, tmp_path: Path) -> None:
    """One sentence says what is allowed."""
    with pytest.raises(ConfigError, match=r"embedding\.gpus.*a fraction of one GPU, or a whole number"):
        load_settings(environ={"RAPRAY_EMBEDDING__GPUS": text}, directory=tmp_path)


@pytest.mark.parametrize("device", ["banana", "cuda:", "cuda:x", "CUDA", "cpu:1"])
def test_device_invalid_values(device: str, tmp_path: Path) -> None:
    """A device that torch does not know would fail in the middle of a job."""
    with pytest.raises(ConfigError, match=r"embedding\.device"):
        load_settings(environ={"RAPRAY_EMBEDDING__DEVICE": device}, directory=tmp_path)


def test_gpus_follow_device(tmp_path: Path) -> None:
    """A model that is to compute on the CPU asks for no GPU, and cannot be given one."""
    on_cpu = load_settings(environ={"RAPRAY_EMOTION__DEVICE": "cpu"}, directory=tmp_path).settings.emotion
    assert (on_cpu.gpus, on_cpu.gpus_needed) == ("auto", 0)
    with pytest.raises(ConfigError, match="gpus is 1, but device is 'cpu'"):
        load_settings({"emotion.device": "cpu", "emotion.gpus": "1"}, environ={}, directory=tmp_path)


def test_origin_names_file_line(tmp_path: Path) -> None:
    """A value from YAML is traced to file and line."""
    (tmp_path / "rapray.yaml").write_text("log:\n  format: json\n  level: debug\n")
    loaded = load_settings(environ={}, directory=tmp_path)
    assert loaded.origin("log.level").place == f"{tmp_path / 'rapray.yaml'}:3"


def test_overlay_covers_base_file(tmp_path: Path) -> None:
    """`rapray.prod.yaml` changes what it names and nothing else."""
    (tmp_path / "rapray.yaml").write_text("serve: {port: 9000, host: 127.0.0.2}\n")
    (tmp_path / "rapray.prod.yaml").write_text("serve: {port: 9001}\n")
    serve = load_settings(environ={"RAPRAY_ENVIRONMENT": "prod"}, directory=tmp_path).settings.serve
    assert (serve.port, serve.host) == (9001, "127.0.0.2")
    assert load_settings(environ={}, directory=tmp_path).settings.serve.port == 9000


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("${PORT}", {"PORT": "8123"}, 8123),
        ("${PORT:-8124}", {}, 8124),
        ("${PORT:-8124}", {"PORT": ""}, 8124),
        ("81${TAIL:-25}", {}, 8125),
    ],
)
def test_yaml_variable_is_replaced(tmp_path: Path, text: str, environ: dict[str, str], expected: int) -> None:
    """`${VAR}` and `${VAR:-default}` work inside a value, and the sum is checked like any value."""
    (tmp_path / "rapray.yaml").write_text(f'serve: {{port: "{text}"}}\n')
    assert load_settings(environ=environ, directory=tmp_path).settings.serve.port == expected


def test_yaml_variable_unset_fails(tmp_path: Path) -> None:
    """A missing variable is named, not replaced by nothing."""
    (tmp_path / "rapray.yaml").write_text('serve: {port: "${NOWHERE}"}\n')
    with pytest.raises(ConfigError, match="NOWHERE"):
        load_settings(environ={}, directory=tmp_path)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"RAPRAY_JOBS__WORKER": "2"}, ("jobs.worker", "RAPRAY_JOBS__WORKER")),
        ({"RAPRAY_JOB__WORKERS": "2"}, ("RAPRAY_JOB__WORKERS",)),
        ({"RAPRAY_NONSENSE": "2"}, ("RAPRAY_NONSENSE",)),
        ({"RAPRAY_GENIUS__TOKEN__X": "2"}, ("RAPRAY_GENIUS__TOKEN__X",)),
        ({"RAPRAY_SERVE__PORT": "70000"}, ("serve.port", "65535", "RAPRAY_SERVE__PORT")),
        ({"RAPRAY_ENVIRONMENT": "live"}, ("environment", "'prod'")),
    ],
)
def test_bad_environment_is_explained(
    tmp_path: Path, environ: dict[str, str], named: tuple[str, ...]
) -> None:
    """Whoever reads the message can mend the setting."""
    with pytest.raises(ConfigError) as caught:
        load_settings(environ=environ, directory=tmp_path)
    assert all(part in str(caught.value) for part in named)


@pytest.mark.parametrize("text", ["jobs: {worker: 2}\n", "- a list\n", "a: [\n", "jobs: 3\n"])
def test_bad_yaml_names_file(tmp_path: Path, text: str) -> None:
    """Unknown keys, other shapes and broken YAML are refused."""
    (tmp_path / "rapray.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rapray\.yaml"):
        load_settings(environ={}, directory=tmp_path)


def test_missing_config_file_fails(tmp_path: Path) -> None:
    """RAPRAY_CONFIG is a promise that the file is there."""
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(environ={"RAPRAY_CONFIG": "other.yaml"}, directory=tmp_path)


def test_empty_variable_overrides_file(tmp_path: Path) -> None:
    """`RAPRAY_DATABASE__URL=` switches to the embedded server whatever the file says."""
    (tmp_path / "rapray.yaml").write_text("database: {url: postgresql://h/d, pool_size: 7}\n")
    environ = {"RAPRAY_DATABASE__URL": "", "RAPRAY_DATABASE__POOL_SIZE": ""}
    database = load_settings(environ=environ, directory=tmp_path).settings.database
    assert (database.url, database.pool_size) == (None, 7)


def test_names_accept_comma_list(tmp_path: Path) -> None:
    """A list of names needs no JSON in the environment."""
    loaded = load_settings(environ={"RAPRAY_ANALYZE__ANALYZERS": "algorithmic, emotion"}, directory=tmp_path)
    assert loaded.settings.analyze.analyzers == ("algorithmic", "emotion")


def test_secret_is_never_shown(tmp_path: Path) -> None:
    """Neither printing, nor listing, nor a validation error shows a secret."""
    environ = {"RAPRAY_GENIUS__TOKEN": "tok-123", "RAPRAY_DATABASE__URL": "postgresql://u:tok-123@h/d"}
    settings = load_settings(environ=environ, directory=tmp_path).settings
    assert "tok-123" not in f"{settings!r} {public_values(settings)}"
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={**environ, "RAPRAY_GENIUS__BURST": "tok-123"}, directory=tmp_path)
    assert "tok-123" not in str(caught.value)


def test_settings_pickle_round_trips(tmp_path: Path) -> None:
    """Settings travel to Ray workers."""
    settings = load_settings(environ={"RAPRAY_GENIUS__TOKEN": "t"}, directory=tmp_path).settings
    assert pickle.loads(pickle.dumps(settings)) == settings


def _keys(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys |= _keys(field.annotation, f"{prefix}{name}.")
        else:
            keys[f"{prefix}{name}"] = field
    return keys


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys; an empty mapping is a value."""
    shown: dict[str, Any] = {}
    for name, value in values.items():
        shown |= (
            _flat(value, f"{prefix}{name}.")
            if isinstance(value, dict) and value
            else {f"{prefix}{name}": value}
        )
    return shown


def test_example_file_shows_defaults() -> None:
    """`rapray.example.yaml` names all settings, no other, and shows the defaults."""
    example = yaml.safe_load((ROOT / "rapray.example.yaml").read_text(encoding="utf-8"))
    shown = _flat(example)
    defaults = public_values(Settings())
    assert set(shown) == set(defaults)
    del shown["data_dir"], defaults["data_dir"]  # differs from host to host
    assert shown == defaults


def test_example_file_matches_descriptions() -> None:
    """A provider's keys are explained once, at the first."""
    shown = _comments((ROOT / "rapray.example.yaml").read_text(encoding="utf-8"))
    told = _descriptions(Settings) | _descriptions(ProviderSettings, "llm.providers.qwen.")
    assert {key: shown.get(key) for key in told} == told


def _comments(example: str) -> dict[str, str]:
    """What stands above each dotted key, in one line."""
    found: dict[str, str] = {}
    path: list[str] = []
    above: list[str] = []
    for line in example.splitlines():
        text = line.lstrip()
        if text.startswith("#"):
            above.append(text.removeprefix("# "))
            continue
        if text:
            path = [*path[: (len(line) - len(text)) // 2], text.partition(":")[0]]
            found[".".join(path)] = " ".join(above)
        above = []
    return found


def _descriptions(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """What each dotted key does; of a section without a description, what its class says."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        told, key = field.description, f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            told = told or field.annotation.__doc__
            found |= _descriptions(field.annotation, f"{key}.")
        found[key] = " ".join((told or "").split())
    return found


def test_every_setting_is_described() -> None:
    """A setting without a sentence is not documented; a password in plain text would be printed."""
    fields = _keys(Settings) | _keys(ProviderSettings, "llm.providers.*.")
    assert all(field.description for field in fields.values())
    secrets = {key for key, field in fields.items() if SecretStr in getattr(field.annotation, "__args__", ())}
    assert secrets == {"database.url", "redis.url", "genius.token", "llm.providers.*.api_key"}


def test_provider_key_enables_preset(tmp_path: Path) -> None:
    """What is not given stays as the preset has it, and the key is not printed."""
    found = load_settings(environ={"RAPRAY_LLM__PROVIDERS__QWEN__API_KEY": "s3cret"}, directory=tmp_path)
    qwen = found.settings.llm.providers["qwen"]
    assert (qwen.model, qwen.api_key) == ("qwen/qwen3-4b-fp8", SecretStr("s3cret"))
    assert "s3cret" not in str(public_values(found.settings))


def test_provider_added_by_configuration(tmp_path: Path) -> None:
    """Any endpoint of OpenAI's form is a provider, beside the presets."""
    (tmp_path / "rapray.yaml").write_text(
        "llm: {providers: {mine: {base_url: 'http://127.0.0.1:1/v1', model: m, needs_key: false}}}\n"
    )
    found = load_settings(environ={}, directory=tmp_path).settings.llm.providers
    assert list(found) == ["qwen", "gemma", "ollama", "local", "mine"]


def test_provider_name_without_hyphen(tmp_path: Path) -> None:
    """It is one, and part of environment variables besides."""

    def names(name: str) -> list[str]:
        mine = {"base_url": "http://127.0.0.1:1/v1", "model": "m"}
        given = {f"llm.providers.{name}.{key}": value for key, value in mine.items()}
        return list(load_settings(given, environ={}, directory=tmp_path).settings.llm.providers)

    assert names("m" * 40)[-1] == "m" * 40
    for refused in ("m" * 41, "8b", "Mine"):
        with pytest.raises(ConfigError, match=refused):
            names(refused)
    with pytest.raises(ConfigError, match="write '_' for '-'"):
        names("my-model")


def test_provider_needs_an_address(tmp_path: Path) -> None:
    """The error names the provider's missing key."""
    with pytest.raises(ConfigError, match=r"llm.providers.mine.base_url"):
        load_settings({"llm.providers.mine.model": "m"}, environ={}, directory=tmp_path)


def test_provider_mapping_from_environment(tmp_path: Path) -> None:
    """JSON in a variable below a section is a value like any other, and a typing error is still one."""
    name = "RAPRAY_LLM__PROVIDERS__OLLAMA__EXTRA_BODY"
    found = load_settings(environ={name: '{"options": {"top_k": 1}}'}, directory=tmp_path)
    ollama = found.settings.llm.providers["ollama"]
    assert (ollama.extra_body, ollama.enabled) == ({"options": {"top_k": 1}}, True)
    with pytest.raises(ConfigError, match="no_such"):
        load_settings(environ={"RAPRAY_LLM__PROVIDERS__OLLAMA__NO_SUCH": "1"}, directory=tmp_path)


def test_provider_extra_secrets_hidden(tmp_path: Path) -> None:
    """By its name, at any depth; what is no secret stays readable."""
    name = "RAPRAY_LLM__PROVIDERS__OLLAMA__EXTRA_BODY"
    body = '{"max_tokens": 7, "proxies": [{"apiKey": "s3cret-1", "headers": {"Authorization": "s3cret-2"}}]}'
    settings = load_settings(environ={name: body}, directory=tmp_path).settings
    shown = public_values(settings)
    assert "s3cret" not in f"{settings!r} {shown}"
    assert shown["llm.providers.ollama.extra_body"]["max_tokens"] == 7
    assert settings.llm.providers["ollama"].extra_body["proxies"][0]["apiKey"] == "s3cret-1"


@pytest.mark.parametrize(
    "address",
    [
        "https://me:s3cret@host/v1",
        "https://me:s3cret@ho\u2100st",
        "https://host/v1?key=s3cret",
        "https://host#s3cret",
    ],
)
@pytest.mark.parametrize("key", ["llm.providers.qwen.base_url", "genius.api_url", "genius.web_url"])
def test_address_with_secret_refused(tmp_path: Path, key: str, address: str) -> None:
    """It would be shown with every error; the sentence says where a secret belongs."""
    with pytest.raises(ConfigError, match="api_key or token") as caught:
        load_settings({key: address}, environ={}, directory=tmp_path)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("llm", ["{providers: {qwen: }}", "{providers: }"])
def test_provider_empty_uses_preset(tmp_path: Path, llm: str) -> None:
    """A name without settings is no error, and configures nothing."""
    (tmp_path / "rapray.yaml").write_text(f"llm: {llm}\n")
    found = load_settings(environ={}, directory=tmp_path).settings
    assert found.llm.providers == load_settings(environ={}).settings.llm.providers


@pytest.mark.parametrize("value", ["5", "sk-very-secret", "[a, b]", "true"])
def test_provider_non_mapping_refused(tmp_path: Path, value: str) -> None:
    """The sentence says where, and not what: it may be a key that was written one level too high."""
    (tmp_path / "rapray.yaml").write_text(f"llm: {{providers: {{qwen: {value}}}}}\n")
    with pytest.raises(ConfigError, match=r"llm\.providers\.qwen \(file .*rapray\.yaml.*\)") as caught:
        load_settings(environ={}, directory=tmp_path)
    assert "secret" not in str(caught.value)
