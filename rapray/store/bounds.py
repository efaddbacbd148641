"""What PostgreSQL can hold of an analysis: the types and bounds of its columns.

Opens no connection and knows no analyzer. `analyses.py` asks before it writes, and `rapray.analyzers.outcomes` before a
result goes anywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from rapray.domain import Analysis
from rapray.errors import AnalysisFailed
from rapray.store.values import to_json

EMBEDDING_VALUES = 256
_LARGEST_HALF = 65_504  # halfvec: what is larger is infinite there
_LARGEST_INT4 = 2**31 - 1
_LONGEST_S = 1e9
_FIGURES: Mapping[str, tuple[float, float]] = {
    "sentiment": (-1, 1),
    "confidence": (0, 1),
    "seconds": (0, _LONGEST_S),
    "cost_usd": (0, sys.float_info.max),
}
_COUNTS: Mapping[str, tuple[int, int]] = {
    "input_tokens": (0, _LARGEST_INT4),
    "output_tokens": (0, _LARGEST_INT4),
}


def fitted(result: Analysis) -> Analysis:
    """The result in plain types, as PostgreSQL gives it back: numbers of Python, lists for tuples, storable text.

    Raises:
        AnalysisFailed: PostgreSQL would refuse it, which would cost the whole batch.
    """
    try:
        figures = {name: _number(result, name, Real, bounds) for name, bounds in _FIGURES.items()}
        counts = {name: _number(result, name, Integral, bounds) for name, bounds in _COUNTS.items()}
        return replace(
            result, data=_json(result.data), embedding=_half_values(result.embedding), **figures, **counts
        )
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise AnalysisFailed(analyzer=result.provenance.analyzer, reason=str(error)) from error


def _json(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError("its data is no JSON object")
    try:
        return to_json(data)
    except (ValueError, TypeError, RecursionError) as error:
        reason = f"its data is not JSON: {error}"
        raise ValueError(reason) from error


def _number(result: Analysis, name: str, kind: type, bounds: tuple[float, float]) -> Any:
    value: Any = getattr(result, name)
    if value is None:
        return None
    if not isinstance(value, kind):
        reason = f"its {name} is a {type(value).__name__}"
        raise TypeError(reason)
    least, most = bounds
    if not least <= value <= most:
        reason = f"its {name} is {value}"
        raise ValueError(reason)
    return int(value) if kind is Integral else float(value)


def _half_values(vector: Any) -> tuple[float, ...] | None:
    if vector is None:
        return None
    values = tuple(map(float, vector))
    if len(values) != EMBEDDING_VALUES or not all(abs(value) <= _LARGEST_HALF for value in values):
        reason = f"its embedding is not {EMBEDDING_VALUES} values from -{_LARGEST_HALF} to {_LARGEST_HALF}"
        raise ValueError(reason)
    return values
