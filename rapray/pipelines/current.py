"""What makes a stored result current, as the query for everything that is not.

Knows no Ray: the command line asks it too.
"""

from __future__ import annotations

from rapray.analyzers.base import Identity
from rapray.store.due import DueAnalyses
from rapray.store.scope import Scope


def due_of(wanted: Identity, scope: Scope = Scope()) -> DueAnalyses:
    """The tracks that have no result of exactly this identity."""
    return DueAnalyses(
        analyzer=wanted.name,
        version=wanted.version,
        model=wanted.model.name if wanted.model else None,
        model_revision=wanted.model.revision if wanted.model else None,
        prompt_version=wanted.prompt_version,
        parameters=wanted.parameters,
        scope=scope,
    )
