"""Analyzers: each reads lyrics and gives an `Analysis`; the registry lists and builds them.

Importing this loads no analyzer.
"""

from __future__ import annotations

from rapray.analyzers.base import Analyzer, AnalyzerSpec, Identity, Needs, to_json
from rapray.analyzers.registry import create, identity, spec, specs

__all__ = ["Analyzer", "AnalyzerSpec", "Identity", "Needs", "create", "identity", "spec", "specs", "to_json"]
