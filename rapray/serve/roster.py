"""Which analyzers there are, which of them answer here, and what their results must say.

Loads no weights and knows no Ray: a name that is not served carries the problem that says why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from rapray.analyzers.base import ALL
from rapray.analyzers.registry import provenance_of, specs
from rapray.analyzers.selection import selected
from rapray.cache.results import key_of
from rapray.config import Settings
from rapray.domain import Analysis, Lyric, Provenance
from rapray.errors import ProviderNotConfigured, RaprayError
from rapray.serve.problems import Problem, of_code, of_error
from rapray.telemetry import logger

log = logger(__name__)
NOT_SERVED = "analyzer_not_served"


@dataclass(frozen=True, slots=True)
class Roster:
    """`served`: name to version; `unserved`: name to the problem; `provenances`: by name, of those that are set up.

    `remote` are those whose answers are made, and paid for, elsewhere.
    """

    served: Mapping[str, str]
    unserved: Mapping[str, Problem] = field(default_factory=dict[str, Problem])
    provenances: Mapping[str, Provenance] = field(default_factory=dict[str, Provenance])
    remote: frozenset[str] = frozenset()

    def meant_by(self, names: Collection[str]) -> tuple[str, ...]:
        """What a request gets that names none: `names`, served or not; "all" stands for those that answer here."""
        return tuple(self.served if ALL in names else names)

    def cache_key(self, name: str, lyric: Lyric) -> str | None:
        """What decides this analyzer's result for this text; None where it is not known before the answer.

        The content hash leaves out punctuation, line ends and headers, and results hold positions: the text itself is
        part of the key beside it. What is known of its time is in the hash.
        """
        provenance = self.provenances.get(name)
        if provenance is None:
            return None
        text = sha256(lyric.lyrics.encode("utf-8", "surrogatepass")).hexdigest()
        return key_of([lyric.content_hash, text, lyric.title, lyric.language, provenance.digest])

    def is_as_expected(self, result: Analysis) -> bool:
        """False where a replica runs something else than this ingress knows of: that is not for the cache."""
        return self.provenances.get(result.provenance.analyzer) == result.provenance


def roster(settings: Settings, deployed: Collection[str]) -> Roster:
    """What is known of every analyzer, where those of `deployed` answer."""
    provenances: dict[str, Provenance] = {}
    problems: dict[str, Problem] = {}
    for name in specs(settings):
        try:
            provenances[name] = provenance_of(name, settings)
        except RaprayError as error:
            problems[name] = of_error(error)
    served = {name: spec.version for name, spec in specs(settings).items() if name in deployed}
    unserved = {
        name: problems.get(name, of_code(NOT_SERVED)) for name in specs(settings) if name not in deployed
    }
    remote = frozenset(name for name, spec in specs(settings).items() if spec.is_remote)
    return Roster(served, unserved, provenances, remote)


def to_deploy(names: Collection[str], settings: Settings) -> list[str]:
    """The analyzers that get a deployment. "all" leaves out those that are not set up; a name of its own does not.

    Raises:
        UnknownAnalyzer: there is none of that name.
        RaprayError: one that was named is not set up.
        ConfigError: none is left.
    """
    found = selected(names, settings)
    wanted = found.required()
    for name, problem in found.problems.items():
        # A language model that nobody has set up is no news: `/health` and the doctor say so to who asks.
        tell = log.debug if isinstance(problem, ProviderNotConfigured) else log.warning
        tell("analyzer left out", analyzer=name, code=problem.code, detail=str(problem))
    return wanted
