"""Which analyzers there are: the built-in ones and those of installed packages.

Loads no analyzer to list it. A package adds one by an entry point of the group "rapray.analyzers" that names an
`AnalyzerSpec`.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from rapray.analyzers.base import Analyzer, AnalyzerSpec, Identity, Needs
from rapray.config import Settings
from rapray.errors import ConfigError, MissingExtra, UnknownAnalyzer

ENTRY_POINT_GROUP = "rapray.analyzers"


def _language_model(name: str, summary: str) -> AnalyzerSpec:
    return AnalyzerSpec(
        name=name,
        version="1.0.0",
        factory="rapray.analyzers.llm.analyzer:LlmAnalyzer",
        identify="rapray.analyzers.llm.analyzer:identify",
        preflight="rapray.analyzers.llm.analyzer:preflight",
        summary=summary,
        needs=Needs(cpu=0.1, extra="llm"),
        batch_size=16,
        is_remote=True,
    )


_BUILT_IN = (
    AnalyzerSpec(
        name="algorithmic",
        version="2.0.0",
        factory="rapray.analyzers.algorithmic:AlgorithmicAnalyzer",
        summary="Rhyme, sound, flow, words, structure, sentiment, themes and devices, by rules from the text alone.",
        batch_size=64,
    ),
    AnalyzerSpec(
        name="emotion",
        version="1.0.0",
        factory="rapray.analyzers.emotion:EmotionAnalyzer",
        identify="rapray.analyzers.emotion:identify",
        summary="How probable each emotion is, over the whole text and section by section.",
        needs=Needs(memory_bytes=1_500_000_000, extra="embeddings"),
        batch_size=32,
    ),
    _language_model(
        "qwen", "Genre, mood, themes, wordplay and quality, as Qwen reads them (any OpenAI-compatible API)."
    ),
    _language_model("gemma", "The same, as Gemma reads them."),
    _language_model("ollama", "The same, by a model of a local Ollama."),
    _language_model("local", "The same, by a model that rapray itself hosts."),
)


def specs(settings: Settings | None = None) -> dict[str, AnalyzerSpec]:
    """All analyzers by name, sorted; with settings, those that they add too: a provider of a language model each.

    A built-in name cannot be taken by another package, and neither by a provider.
    """
    providers = () if settings is None else settings.llm.providers
    found = {name: _language_model(name, f"The language model {name}.") for name in providers}
    found |= {spec.name: spec for spec in _installed(entry_points(group=ENTRY_POINT_GROUP))}
    found |= {spec.name: spec for spec in _BUILT_IN}
    return dict(sorted(found.items()))


def spec(name: str, settings: Settings | None = None) -> AnalyzerSpec:
    """The spec of one analyzer.

    Raises:
        UnknownAnalyzer: there is none of that name.
        ConfigError: an installed package offers something else as an analyzer.
    """
    known = specs(settings)
    if name not in known:
        raise UnknownAnalyzer(name=name, known=", ".join(known))
    return known[name]


def create(name: str, settings: Settings) -> Analyzer:
    """Load an analyzer; it takes from the settings what it needs.

    Raises:
        UnknownAnalyzer: there is none of that name.
        MissingExtra: its packages are not installed.
        ModelUnavailable: its weights cannot be loaded.
        ConfigError: it is not configured.
    """
    chosen = spec(name, settings)
    return _load(chosen, chosen.factory)(settings, name)


def identity(name: str, settings: Settings) -> Identity:
    """What results of this analyzer must say to be current, without loading its weights.

    Raises:
        UnknownAnalyzer, MissingExtra, ModelUnavailable, ConfigError: as `create`.
    """
    chosen = spec(name, settings)
    if chosen.identify is None:
        return Identity(name, chosen.version)
    return _load(chosen, chosen.identify)(settings, name)


def preflight(name: str, settings: Settings) -> None:
    """Make sure that an analyzer can do its work, before a job reads the first lyric; most have nothing to check.

    Raises:
        DependencyError: a server that it asks does not take its requests.
        UnknownAnalyzer, MissingExtra, ConfigError: as `create`.
    """
    chosen = spec(name, settings)
    if chosen.preflight is not None:
        _load(chosen, chosen.preflight)(settings, name)


def _load(chosen: AnalyzerSpec, place: str) -> Any:
    module, _, attribute = place.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if chosen.needs.extra is None:
            raise
        raise MissingExtra(feature=f"The analyzer {chosen.name}", extra=chosen.needs.extra) from error


def _installed(points: Iterable[EntryPoint]) -> Iterable[AnalyzerSpec]:
    for point in points:
        loaded: object = point.load()
        if not isinstance(loaded, AnalyzerSpec):
            problem = (
                f"entry point {point.name!r} of {ENTRY_POINT_GROUP!r} is not an AnalyzerSpec: {point.value}"
            )
            raise ConfigError(problems=problem)
        yield loaded
