"""Analyzers: each reads lyrics and gives an `Analysis`; the registry lists and builds them.

Importing this loads no analyzer.
"""

from __future__ import annotations

from rapray.analyzers.base import Analyzer, AnalyzerSpec, Needs, to_json
from rapray.analyzers.registry import create, spec, specs

__all__ = ["Analyzer", "AnalyzerSpec", "Needs", "create", "spec", "specs", "to_json"]
