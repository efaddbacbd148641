"""The actor of `rapray analyze`: it runs one analyzer over blocks of lyrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import pyarrow as pa
import ray

from rapray.analyzers.base import Analyzer, Charged, failure
from rapray.analyzers.outcomes import outcomes_of
from rapray.analyzers.registry import create
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.errors import RaprayError
from rapray.pipelines.records import from_table, to_table
from rapray.store.costs import RunBudget
from rapray.telemetry import logger

log = logger(__name__)


class AnalyzerActor:
    """Runs one analyzer, which it creates with its first block.

    If the analyzer cannot be created, the lyrics stay due. The error is not raised from here: Ray would hand the driver
    a text that names neither error nor analyzer, and the job would end as if Ray had failed.

    Args:
        provenance: of the analyzer's results; it names the analyzer.
        settings: of this run.
        budget: the account that a paid analyzer charges its requests to.
    """

    def __init__(self, provenance: Provenance, settings: Settings, budget: RunBudget | None = None) -> None:
        self._provenance, self._settings, self._budget = provenance, settings, budget

    def __call__(self, block: pa.Table) -> pa.Table:
        """Return an analysis or a failure for every lyric of the block."""
        return to_table([(result.key, result) for result in self._results(block)])

    def _results(self, block: pa.Table) -> Sequence[Analysis | Failure]:
        lyrics: list[Lyric] = from_table(block)
        analyzer = self._analyzer
        if isinstance(analyzer, RaprayError):
            return [self._untried(lyric, analyzer) for lyric in lyrics]
        return outcomes_of(analyzer, lyrics)

    def _untried(self, lyric: Lyric, error: RaprayError) -> Failure:
        return replace(failure(self._provenance, lyric, error), blames_text=False)

    @cached_property
    def _analyzer(self) -> Analyzer | RaprayError:
        try:
            analyzer = create(self._provenance.analyzer, self._settings.placed_on(len(ray.get_gpu_ids())))
            if self._budget is not None and isinstance(analyzer, Charged):
                analyzer.charge_to(self._budget)
        except RaprayError as error:
            name = self._provenance.analyzer
            log.error("analyzer cannot be created", analyzer=name, code=error.code, detail=str(error))
            return error
        return analyzer
