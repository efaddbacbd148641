"""What an analyzer is: a name, a version, and a batch of lyrics in, as many analyses or failures out.

Knows neither Ray nor HTTP nor a database: the same object works in a job's actor and in a served replica.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

from rapray.analyzers.budget import Budget
from rapray.domain import Analysis, Comparable, Failure, Lyric, ModelInfo, Provenance
from rapray.errors import AnalysisFailed, RaprayError

ALL = "all"
"""Not the name of an analyzer: whoever names it means every one."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What one instance takes: CPUs, GPUs, bytes of memory, and packages beyond the base.

    `extra` is one of rapray's own; `install` is the whole command for anything else: "pip install 'shout[audio]'".
    """

    cpu: float = 1.0
    gpu: float = 0.0
    memory_bytes: int = 200_000_000
    extra: str | None = None
    install: str | None = None


@dataclass(frozen=True, slots=True)
class AnalyzerSpec:
    """An analyzer before it is loaded, so that all can be listed without importing one.

    `factory` is "package.module:callable" and takes the settings and the analyzer's name. `identify` is the same for a
    callable that returns the `Provenance` of results without loading weights; an analyzer without model, prompt and
    parameters needs none. `preflight` is the same for a
    callable that raises where the analyzer cannot do its work; a job calls it once, before the first lyric. One that
    `is_remote` waits for a server elsewhere: it is given many texts at once, and no health check asks it for an
    analysis, which may cost. A new `version` makes all results of the old one due again. `comparable` says which
    members of `data` may be held against another analyzer's. The registry sets the last two: the `package` that brings
    it, None for rapray itself, and the `problem` that keeps that package from being used.
    """

    name: str
    version: str
    factory: str
    summary: str
    needs: Needs = field(default_factory=Needs)
    batch_size: int = 32
    identify: str | None = None
    preflight: str | None = None
    is_remote: bool = False
    comparable: Comparable = field(default_factory=Comparable)
    package: str | None = None
    problem: str | None = None


@runtime_checkable
class Analyzer(Protocol):
    """Reads lyrics."""

    @property
    def provenance(self) -> Provenance:
        """What results say about how they were made. Its analyzer and version are those of the spec."""
        ...

    def analyze(self, batch: Sequence[Lyric]) -> list[Analysis | Failure]:
        """One outcome a lyric, in the order of the batch. A lyric that cannot be read fails alone.

        Whoever runs an analyzer asks through `rapray.analyzers.outcomes`, which holds it to this.
        """
        ...


@runtime_checkable
class ModelBacked(Protocol):
    """An analyzer that has a model which `/health` lists."""

    @property
    def model(self) -> ModelInfo:
        """The weights that results come from."""
        ...

    @property
    def note(self) -> str:
        """What operators should know of the model, e.g. that it stands in for another; empty if there is nothing."""
        ...


@runtime_checkable
class Charged(Protocol):
    """An analyzer whose work costs money."""

    def charge_to(self, budget: Budget) -> None:
        """Charge everything from now on to a run."""
        ...


_DIGEST_CHARS = 16
# The only exceptions that are no fault of an analyzer's code: Ctrl-C and SIGTERM, which rapray turns into it. Code
# of others may raise anything else, SystemExit too, and must not end a job.
ENDS_THE_PROGRAM = (KeyboardInterrupt,)


def digest_of(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> str | None:
    """A short digest of the settings that decide a result; None where they are all at their defaults.

    Only what differs from the defaults counts: results from before a setting was there stay current, and so do those
    from before digests were stored.
    """
    changed = {name: value for name, value in values.items() if value != defaults.get(name)}
    if not changed:
        return None
    return sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:_DIGEST_CHARS]


def one_by_one(
    analyzer: Analyzer, batch: Sequence[Lyric], analyze_one: Callable[[Lyric], Analysis | Failure]
) -> list[Analysis | Failure]:
    """The outcomes of a batch for an analyzer that reads one text at a time; what it raises becomes a failure."""
    return [_outcome(analyzer, lyric, analyze_one) for lyric in batch]


def _outcome(
    analyzer: Analyzer, lyric: Lyric, analyze_one: Callable[[Lyric], Analysis | Failure]
) -> Analysis | Failure:
    try:
        return analyze_one(lyric)
    except RaprayError as error:
        return failure(analyzer.provenance, lyric, error)
    except ENDS_THE_PROGRAM:
        raise
    except BaseException as error:  # noqa: BLE001 - no text may stop a job: this is stored as its failure
        reason = f"{type(error).__name__}: {error}"
        failed = AnalysisFailed(analyzer=analyzer.provenance.analyzer, reason=reason)
        return failure(analyzer.provenance, lyric, failed)


def failure(provenance: Provenance, lyric: Lyric, error: RaprayError) -> Failure:
    """Return an error as the failure of one lyric, ready to be stored."""
    return Failure(provenance.stage, lyric.key, error.code, str(error), lyric.content_hash, error.blames_text)


def to_json(analysis: Analysis, *, include_embedding: bool = False) -> dict[str, Any]:
    """The one form in which programs see an analysis, over HTTP and from the command line."""
    shown: dict[str, Any] = {
        **asdict(analysis.provenance),
        "sentiment": analysis.sentiment,
        "confidence": analysis.confidence,
        "data": analysis.data,
        "content_hash": analysis.content_hash,
        "seconds": analysis.seconds,
        "input_tokens": analysis.input_tokens,
        "output_tokens": analysis.output_tokens,
        "cost_usd": analysis.cost_usd,
    }
    if include_embedding:
        shown["embedding"] = None if analysis.embedding is None else list(analysis.embedding)
    return shown


def rounded(value: Any, digits: int = 6) -> Any:
    """Return plain JSON with every float rounded, so that rules give the same bytes on every machine."""
    kind = type(value)
    if kind is int or kind is str:
        return value
    if kind is float:
        return round(value, digits) + 0.0  # + 0.0: no negative zero
    if kind is dict:
        return {key: rounded(inner, digits) for key, inner in value.items()}
    if kind is list:
        return [rounded(inner, digits) for inner in value]
    return value
