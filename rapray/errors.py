"""The one tree of errors, each with a stable code that is stored, logged and returned.

Knows nothing of HTTP (`serve/problems.py` maps codes to statuses) and nothing of Ray.
An error class's docstring is its message; its keyword arguments fill the braces and stay as `attributes`.
Errors of psycopg, redis, openai and Ray become these in one form: `with map_errors(…):` around the call. Each module
that talks to one of these libraries has its own `map_errors`, which says what is raised for what.
"""

from __future__ import annotations

import inspect
import re
from typing import ClassVar

_WRAPPED = re.compile(r"\n(?!\{)")  # a value that begins a line keeps it: a list of problems
_TWO_STOPS = re.compile(r"(?<=\w)\.\.(?=\s|$)")


class RaprayError(Exception):
    """Something went wrong in rapray."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    blames_text: bool = True
    """False where the error says nothing about the text that was worked on, which is as good as untried then."""

    def __init__(self, **attributes: object) -> None:
        self.attributes = attributes
        template = _WRAPPED.sub(" ", inspect.cleandoc(type(self).__doc__ or self.code).strip())
        # A reason may be another program's sentence, with a full stop of its own.
        super().__init__(_TWO_STOPS.sub(".", template.format(**attributes)))

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the attributes: the default protocol would call `__init__` with the message."""
        return (_rebuild, (type(self), self.attributes))


def _rebuild(error_type: type[RaprayError], attributes: dict[str, object]) -> RaprayError:
    return error_type(**attributes)


class UsageError(RaprayError):
    """{reason}"""

    code = "usage"
    exit_code = 2


# --- settings -------------------------------------------------------------------------------


class ConfigError(RaprayError):
    """The configuration is not valid:
    {problems}
    """

    code = "config_invalid"
    exit_code = 2
    blames_text = False


class MissingExtra(RaprayError):
    """{feature} needs packages that are not installed: pip install 'rapray[{extra}]'."""

    code = "extra_missing"
    exit_code = 4
    blames_text = False


class MissingPackages(MissingExtra):
    """{feature} needs packages that are not installed: {install}."""

    code = "packages_missing"


# --- servers that rapray depends on ------------------------------------------------------------


class DependencyError(RaprayError):
    """A server that rapray needs cannot be used: {reason}. `rapray doctor` says which, and what to do."""

    code = "dependency_unavailable"
    exit_code = 4
    blames_text = False


class DatabaseUnavailable(DependencyError):
    """PostgreSQL at {address} cannot be reached: {reason}. Is it running, and is RAPRAY_DATABASE__URL right?"""

    code = "database_unavailable"


class DatabaseTooNew(DependencyError):
    """The database has schema {found}, this program knows up to {known}: install a newer rapray."""

    code = "database_too_new"


class DatabaseTooOld(DependencyError):
    """The database has schema {found}, this program needs {needed}: run `rapray db upgrade`."""

    code = "database_too_old"


class DatabaseUnsuitable(DependencyError):
    """The database cannot be used: {reason}. `rapray doctor` looks at it again."""

    code = "database_unsuitable"


class ConnectionBudgetExceeded(DependencyError):
    """This needs {needed} database connections and PostgreSQL leaves {available}:
    lower {setting} or raise max_connections.
    """

    code = "connection_budget_exceeded"


class RedisUnavailable(DependencyError):
    """Redis at {address} cannot be reached: {reason}. Is it running, and is RAPRAY_REDIS__URL right?
    RAPRAY_REDIS__ENABLED=false goes on without it.
    """

    code = "redis_unavailable"


class EmbeddedServerError(DependencyError):
    """The embedded {server} did not start: {reason}. Mend that, or name servers of your own in RAPRAY_DATABASE__URL and
    RAPRAY_REDIS__URL; `rapray doctor` looks at this host.
    """

    code = "embedded_server_failed"


class DataDirUnsafe(DependencyError):
    """The data directory {path} is not safe: {reason}, so others could replace its passwords and tokens. Set
    RAPRAY_DATA_DIR to a new directory inside it, such as {path}/rapray, which rapray creates for you only; or change
    its owner and mode with `chown` and `chmod`.
    """

    code = "data_dir_unsafe"


class EmbeddedOnCluster(DependencyError):
    """The embedded {server} serves this host alone and the Ray cluster has {nodes} nodes on {hosts} hosts:
    set {setting} to a server that every node reaches.
    """

    code = "embedded_on_cluster"


class RayUnavailable(DependencyError):
    """Ray cannot be used: {reason}. `ray status` says how the cluster is, RAPRAY_RAY__ADDRESS which one it is."""

    code = "ray_unavailable"


class RayTokenUnusable(DependencyError):
    """Ray's token in {path} cannot be used: {reason}. Stop `rapray serve` and the jobs of this data directory, remove
    the file and start them again: they make a new token.
    """

    code = "ray_token_unusable"


class RayRefused(DependencyError):
    """The Ray cluster at {address} asks for a token, but {reason}: set RAY_AUTH_TOKEN_PATH to a file that
    holds the cluster's token, or set RAPRAY_RAY__ADDRESS=local to start a cluster here.
    """

    code = "ray_refused"


class JobAlreadyRunning(RaprayError):
    """`{job}` is already running on this database: wait for it or stop it; `rapray runs` shows since when."""

    code = "job_already_running"


# --- sources ---------------------------------------------------------------------------------


class SourceError(RaprayError):
    """{source} did not answer as expected: {reason}"""

    code = "source_error"


class SourceAuthError(SourceError):
    """{source} refused the credentials ({status}): check {setting}."""

    code = "source_auth"
    exit_code = 4


class SourceUnavailable(SourceError):
    """{source} cannot be reached at {address}: {reason}"""

    code = "source_unavailable"
    exit_code = 4


class SourceArtistNotFound(SourceError):
    """{source} knows no artist {artist!r}{near}."""

    code = "source_artist_not_found"


class SampleCorpusError(RaprayError):
    """The sample song {name} cannot be read: {reason}"""

    code = "sample_corpus"


# --- texts -----------------------------------------------------------------------------------


class InvalidLyrics(RaprayError):
    """The lyrics cannot be read: {reason}"""

    code = "lyrics_invalid"
    exit_code = 2


class EmptyLyrics(InvalidLyrics):
    """The lyrics are empty: there is no letter or digit in them."""

    code = "lyrics_empty"


class LyricsTooLong(InvalidLyrics):
    """The lyrics have {length} {unit}, the limit is {limit}."""

    code = "lyrics_too_long"


# --- models and analyzers ----------------------------------------------------------------------


class UnknownAnalyzer(RaprayError):
    """There is no analyzer {name!r}; known are: {known}."""

    code = "analyzer_unknown"
    exit_code = 2


class AnalyzerBroken(DependencyError):
    """The analyzer {name} of the package {package} cannot be used: {reason}. Update or uninstall that package."""

    code = "analyzer_broken"


class ModelUnavailable(DependencyError):
    """The model {model} cannot be loaded: {reason}. `rapray config show --origin` says where it is named,
    `rapray doctor` what this host has.
    """

    code = "model_unavailable"


class EmbeddingFailed(RaprayError):
    """The model {model} made no vector of this text: {reason}"""

    code = "embedding_failed"


class ProviderNotConfigured(DependencyError):
    """The language model {provider} is not configured: {missing}. `rapray llm check {provider}` tries it."""

    code = "provider_not_configured"


class ProviderRefused(DependencyError):
    """The provider {provider} refuses the key ({status}): check RAPRAY_LLM__PROVIDERS__{variable}__API_KEY."""

    code = "provider_auth"


class ProviderQuotaExceeded(DependencyError):
    """The provider {provider} has no quota left ({status}): {reason}. Raise it at the provider; then
    `rapray llm check {provider}`.
    """

    code = "provider_quota"


class ProviderUnavailable(DependencyError):
    """The provider {provider} does not answer: {reason}. `rapray llm check {provider}` says where it is asked."""

    code = "provider_unavailable"


class ProviderRejected(DependencyError):
    """The provider {provider} rejects the request ({status}): {reason}. `rapray llm check {provider}` says which
    models it has and how it answers.
    """

    code = "provider_rejected"

    def __init__(self, **attributes: object) -> None:
        super().__init__(**attributes)
        # An address or a model that is not there (404) would be rejected with any other text too.
        self.blames_text = attributes.get("status") in (400, 413, 422)


class ProviderPaused(DependencyError):
    """The provider {provider} is paused for {seconds} s; `rapray llm check {provider}` says how it is now. It was
    paused after {reason}
    """

    code = "provider_paused"


class CostLimitReached(RaprayError):
    """The run may spend no more on {provider}: {spent_usd} of {limit_usd} USD are spent or reserved."""

    code = "cost_limit"
    blames_text = False


class RunPaused(RaprayError):
    """{analyzer} left {count} tracks for a later run: {reason}"""

    code = "run_paused"
    exit_code = 3
    blames_text = False


class AnswerInvalid(RaprayError):
    """The answer of {provider} cannot be used, also after a repair: {reason}"""

    code = "answer_invalid"


class AnswerRefused(RaprayError):
    """The model of {provider} refuses to answer: {reason}"""

    code = "answer_refused"


class AnalysisFailed(RaprayError):
    """The analyzer {analyzer} failed on this text: {reason}"""

    code = "analysis_failed"


# --- what a caller asked for ---------------------------------------------------------------------


class TrackNotFound(RaprayError):
    """There is no track {track_id}."""

    code = "track_not_found"


class ArtistNotFound(RaprayError):
    """The collection has no artist {artist!r}: `rapray artist NAME` takes the one most like a name,
    GET /artists?name=NAME lists those like it.
    """

    code = "artist_not_found"


class Overloaded(RaprayError):
    """{what} is at its limit; try again in {retry_after_s} s."""

    code = "overloaded"
    blames_text = False


class RequestTimeout(RaprayError):
    """The body of the request did not arrive in time ({limit}): send it again."""

    code = "request_timeout"
    blames_text = False


class DeadlineExceeded(RaprayError):
    """{what} did not answer within {limit}."""

    code = "deadline_exceeded"


def exit_code_of(code: str) -> int:
    """The exit code of a command that ends with this error; 1 for a code of another program's version."""
    return next((kind.exit_code for kind in all_errors() if kind.code == code), RaprayError.exit_code)


def all_errors() -> list[type[RaprayError]]:
    """Every error class of the tree, the root first, in order of definition."""
    found: list[type[RaprayError]] = [RaprayError]
    for error_type in found:
        found.extend(error_type.__subclasses__())
    return found
