"""Which analyzers there are: the built-in ones and those of installed packages.

Loads no analyzer to list it; `plugins.py` knows those of packages.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any

from rapray.analyzers.base import ALL, Analyzer, AnalyzerSpec, Needs
from rapray.analyzers.plugins import as_identified, as_told, faults_of, installed, require_whole
from rapray.config import Settings
from rapray.domain import Comparable, Provenance
from rapray.errors import ConfigError, RaprayError, UnknownAnalyzer


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
        comparable=Comparable(scores=("energy", "quality.*.score"), mood="mood", themes="themes"),
    )


_BUILT_IN = (
    AnalyzerSpec(
        name="algorithmic",
        version="2.0.0",
        factory="rapray.analyzers.algorithmic:AlgorithmicAnalyzer",
        summary="Rhyme, sound, flow, words, structure, sentiment, themes and devices, by rules from the text alone.",
        batch_size=64,
        comparable=Comparable(themes="themes"),
    ),
    AnalyzerSpec(
        name="emotion",
        version="1.0.0",
        factory="rapray.analyzers.emotion:EmotionAnalyzer",
        identify="rapray.analyzers.emotion:identify",
        summary="How probable each emotion is, over the whole text and section by section.",
        needs=Needs(memory_bytes=1_500_000_000, extra="embeddings"),
        batch_size=32,
        comparable=Comparable(scores=("labels.*",), mood="leading_emotion"),
    ),
    _language_model(
        "qwen", "Genre, mood, themes, wordplay and quality, as Qwen reads them (any OpenAI-compatible API)."
    ),
    _language_model("gemma", "The same, as Gemma reads them."),
    _language_model("ollama", "The same, by a model of a local Ollama."),
    _language_model("local", "The same, by a model that rapray itself hosts."),
)


_OF_PROVIDERS = frozenset(one.name for one in _BUILT_IN if one.is_remote)


def specs(settings: Settings | None = None) -> dict[str, AnalyzerSpec]:
    """All analyzers by name, sorted; with settings, those that they add too: a provider of a language model each.

    A built-in name cannot be taken by another package.

    Raises:
        ConfigError: a provider has the name of an analyzer that is none.
    """
    # The broken ones first: one of them must not stand in the place of one that works.
    found = {one.name: one for one in sorted(installed(), key=lambda one: one.problem is None)}
    found |= {one.name: one for one in _BUILT_IN}
    providers = () if settings is None else settings.llm.providers
    for name in providers:
        if name == ALL or (name in found and name not in _OF_PROVIDERS):
            problem = f"llm.providers.{name}: this is the name of another analyzer; take another one"
            raise ConfigError(problems=problem)
    added = {name: _language_model(name, f"The language model {name}.") for name in providers}
    return dict(sorted((added | found).items()))


def spec(name: str, settings: Settings | None = None) -> AnalyzerSpec:
    """The spec of one analyzer.

    Raises:
        UnknownAnalyzer: there is none of that name.
        ConfigError: as `specs`.
    """
    known = specs(settings)
    if name not in known:
        raise UnknownAnalyzer(name=name, known=", ".join(known))
    return known[name]


def create(name: str, settings: Settings) -> Analyzer:
    """Load an analyzer; it takes from the settings what it needs.

    Raises:
        UnknownAnalyzer: there is none of that name.
        MissingExtra, MissingPackages: its packages are not installed.
        AnalyzerBroken: the package that brings it does not work.
        ModelUnavailable: its weights cannot be loaded.
        ConfigError: it is not configured.
    """
    chosen = spec(name, settings)
    return as_told(chosen, _called(chosen, chosen.factory, settings))


def provenance_of(name: str, settings: Settings) -> Provenance:
    """Return the provenance that results of this analyzer have under these settings, without loading its weights.

    Raises:
        RaprayError: as `create`.
    """
    chosen = spec(name, settings)
    require_whole(chosen)
    if chosen.identify is None:
        return Provenance(name, chosen.version)
    return as_identified(chosen, _called(chosen, chosen.identify, settings))


def provenances(settings: Settings) -> dict[str, Provenance]:
    """Return the provenance of each analyzer that is set up here, by name."""
    known: dict[str, Provenance] = {}
    for name in specs(settings):
        with suppress(RaprayError):
            known[name] = provenance_of(name, settings)
    return known


def preflight(name: str, settings: Settings) -> None:
    """Make sure that an analyzer can do its work, before a job reads the first lyric; most have nothing to check.

    Raises:
        DependencyError: a server that it asks does not take its requests.
        RaprayError: as `create`.
    """
    chosen = spec(name, settings)
    if chosen.preflight is not None:
        _called(chosen, chosen.preflight, settings)


def _called(chosen: AnalyzerSpec, place: str, settings: Settings) -> Any:
    """What the callable at a place ("package.module:callable") of an analyzer makes of the settings and its name."""
    require_whole(chosen)
    module, _, attribute = place.partition(":")
    with faults_of(chosen):
        return getattr(import_module(module), attribute)(settings, chosen.name)
