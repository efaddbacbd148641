"""Analyzers: each reads lyrics and gives an `Analysis`; the registry lists and builds them.

Importing this loads no analyzer.
"""

from __future__ import annotations

from rapray.analyzers.base import (
    Analyzer,
    AnalyzerSpec,
    Identity,
    Needs,
    digest_of,
    failure,
    one_by_one,
    rounded,
    to_json,
)
from rapray.analyzers.registry import create, identity, spec, specs

__all__ = [
    "Analyzer",
    "AnalyzerSpec",
    "Identity",
    "Needs",
    "create",
    "digest_of",
    "failure",
    "identity",
    "one_by_one",
    "rounded",
    "spec",
    "specs",
    "to_json",
]
