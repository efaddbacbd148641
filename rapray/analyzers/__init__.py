"""Analyzers: each reads lyrics and gives an `Analysis`; the registry lists and builds them.

Importing this loads no analyzer.
"""

from __future__ import annotations

from rapray.analyzers.base import (
    Analyzer,
    AnalyzerSpec,
    ModelBacked,
    Needs,
    digest_of,
    failure,
    one_by_one,
    rounded,
    to_json,
)
from rapray.analyzers.registry import create, provenance_of, spec, specs

__all__ = [
    "Analyzer",
    "AnalyzerSpec",
    "ModelBacked",
    "Needs",
    "create",
    "digest_of",
    "failure",
    "one_by_one",
    "provenance_of",
    "rounded",
    "spec",
    "specs",
    "to_json",
]
