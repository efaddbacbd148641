"""What an analyzer gives for a batch, held to its promise: one outcome a lyric that can be stored and sent.

Jobs, replicas and the command line all ask through here. Knows none of them, nor what an analyzer measures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NoReturn

from rapray.analyzers.base import ENDS_THE_PROGRAM, Analyzer, failure, one_by_one
from rapray.domain import Analysis, Failure, Lyric
from rapray.errors import AnalysisFailed, all_errors
from rapray.store.bounds import fitted


def outcomes_of(analyzer: Analyzer, batch: Sequence[Lyric]) -> list[Analysis | Failure]:
    """One outcome a lyric, in the order of the batch, whatever an analyzer of another package does.

    Outcomes are found by their key; one under the key of no lyric is nobody's and left out. A lyric fails that has
    none, or several, or one that is of another text or analyzer or cannot be stored. Where the whole batch raises,
    every lyric is tried alone, so that only those fail that raise alone.

    Args:
        analyzer: of any package.
        batch: lyrics of different keys.
    """
    try:
        given: list[object] = list(analyzer.analyze(batch))
    except ENDS_THE_PROGRAM:
        raise
    except BaseException as error:  # noqa: BLE001 - stored as a failure of the lyrics
        if len(batch) > 1 and getattr(error, "blames_text", True):
            return [outcome for lyric in batch for outcome in outcomes_of(analyzer, [lyric])]
        return one_by_one(analyzer, batch, partial(_raised, error))
    return one_by_one(analyzer, batch, partial(_outcome, analyzer, _by_key(given)))


def _raised(error: BaseException, _: Lyric) -> NoReturn:
    raise error


def _by_key(given: Sequence[object]) -> Mapping[object, list[object]]:
    """The outcomes by their keys; what is no outcome has none, and stands under None."""
    found: defaultdict[object, list[object]] = defaultdict(list)
    for outcome in given:
        key = outcome.key if isinstance(outcome, Analysis | Failure) else None
        found[key if isinstance(key, str) else None].append(outcome)
    return found


def _outcome(analyzer: Analyzer, given: Mapping[object, list[object]], lyric: Lyric) -> Analysis | Failure:
    """The one outcome of a lyric. Raises AnalysisFailed where there is none that can be taken."""
    mine = given.get(lyric.key, [])
    if len(mine) != 1:
        strange = {f"a {type(other).__name__}" for other in given.get(None, [])}
        told = f", and {' and '.join(sorted(strange))}" if strange else ""
        reason = f"it gave {len(mine)} outcomes for it{told}"
        raise AnalysisFailed(analyzer=analyzer.provenance.analyzer, reason=reason)
    (outcome,) = mine
    if isinstance(outcome, Failure):
        return _own(analyzer, lyric, outcome)
    assert isinstance(outcome, Analysis)
    if (problem := _of_others(analyzer, lyric, outcome)) is not None:
        raise AnalysisFailed(analyzer=analyzer.provenance.analyzer, reason=problem)
    return fitted(outcome)


def _own(analyzer: Analyzer, lyric: Lyric, given: Failure) -> Failure:
    """A failure under the stage and the text that it is of; a code that nobody knows goes into the sentence."""
    is_known = given.code in {kind.code for kind in all_errors()}
    reason = str(given.detail) if is_known else f"{given.code}: {given.detail}"
    error = AnalysisFailed(analyzer=analyzer.provenance.analyzer, reason=reason)
    own = failure(analyzer.provenance, lyric, error)
    own = replace(own, blames_text=bool(given.blames_text))
    return replace(own, code=given.code, detail=reason) if is_known else own


def _of_others(analyzer: Analyzer, lyric: Lyric, result: Analysis) -> str | None:
    """Why a result would be stored in the place of another, or never count as current."""
    if result.content_hash != lyric.content_hash:
        return "its result is of another text"
    if result.provenance != analyzer.provenance:
        return "its result names another analyzer, version, model, prompt or parameters than it has"
    return None
