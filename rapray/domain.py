"""The records that cross module, process and cluster boundaries: frozen, plain, picklable.

Knows no database, no HTTP, no Ray: only what an artist, a track, an analysis or a failure is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_DIGEST_CHARS = 32
LARGEST_ID = 2**63 - 1
"""Of a track or an artist: what PostgreSQL's bigint holds."""

ANALYZER_NAME = r"[a-z][a-z0-9_-]{0,39}"
"""The whole of an analyzer's name: it stands in lists with commas, and between slashes in the stages of failures."""


class Outcome(StrEnum):
    """How the fetch of one song page ended. Exactly one of them is a stored lyric."""

    LYRICS = "lyrics"
    INSTRUMENTAL = "instrumental"
    UNRELEASED = "unreleased"
    INCOMPLETE = "incomplete"
    IMAGE_ONLY = "image_only"
    NOT_A_SONG = "not_a_song"
    TRANSLATION = "translation"
    TOO_LONG = "too_long"
    NOT_FOUND = "not_found"
    DISALLOWED = "disallowed"  # robots.txt
    BLOCKED = "blocked"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"  # time-out, reset, truncated body
    UNPARSABLE = "unparsable"

    @property
    def is_retryable(self) -> bool:
        """True where a later attempt may end differently; the others are final until the page changes."""
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {
        Outcome.BLOCKED,
        Outcome.THROTTLED,
        Outcome.SERVER_ERROR,
        Outcome.UNREACHABLE,
        Outcome.UNPARSABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Artist:
    """A performer as one source knows it; (`source`, `source_id`) is the identity."""

    source: str
    source_id: str
    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class SongRef:
    """A song that discovery found and nobody has read yet."""

    source: str
    source_id: str
    url: str
    title: str
    artist: Artist


@dataclass(frozen=True, slots=True)
class Section:
    """A stanza with its header: `[Verse 2: A & B]` is kind "verse", number 2, voices ("A", "B").

    `kind` is one of `rapray.text.sections.KINDS`. `lines` holds the sung lines without the header.
    `label` is the header as printed, or "" where the stanza had none.
    """

    kind: str
    number: int | None
    label: str
    voices: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """A song with its lyrics, cleaned; what a source hands to the store.

    `lyrics` is the whole cleaned text, headers included, lines split by line feeds, stanzas by one empty line.
    `content_hash` is `rapray.text.fingerprint.content_hash(lyrics)`; `language` an ISO 639-1 code or None.
    """

    source: str
    source_id: str
    title: str
    artist: Artist
    lyrics: str
    sections: tuple[Section, ...]
    content_hash: str
    url: str
    featured: tuple[str, ...] = ()
    language: str | None = None
    album: str | None = None
    release_date: date | None = None
    release_year: int | None = None
    is_explicit: bool | None = None
    identifiers: Mapping[str, str] = field(default_factory=dict[str, str])  # isrc, spotify_id, apple_music_id


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What one attempt at one song gave: a track, or the outcome that says why there is none.

    `final_url` differs from the reference's where the page has moved. `retry_after_s` is set where the host named it.
    `etag` serves a later conditional request.
    """

    ref: SongRef
    outcome: Outcome
    track: Track | None = None
    detail: str = ""
    http_status: int | None = None
    final_url: str | None = None
    etag: str | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """When a line is sung, in seconds of the song; `end` is the next later stamp, None behind the last."""

    start: float
    end: float | None


@dataclass(frozen=True, slots=True)
class Lyric:
    """A text to analyse or embed, stored or not; `key` is the track id as text, or the caller's own name for it.

    `timings` has one entry for each line of the sections, in order, or is empty where the text came without stamps;
    `duration_s` is that of the song. A stored track has neither: no source delivers them. `content_hash` is that of the
    text alone (`rapray.text.fingerprint.content_hash`) exactly where there are neither, else `timed_hash`.
    """

    key: str
    lyrics: str
    sections: tuple[Section, ...]
    content_hash: str
    title: str = ""
    language: str | None = None
    timings: tuple[Timing | None, ...] = ()
    duration_s: float | None = None

    @property
    def has_words(self) -> bool:
        """False for a text without a letter or a digit."""
        return any(character.isalnum() for character in self.lyrics)


@dataclass(frozen=True, slots=True)
class TrackFilter:
    """Conditions on a track, for search and lists; None asks for nothing.

    A year asked for leaves out tracks without one.
    `artist` is a name: the artists whose normalised name equals it, else the ones most like it.
    """

    artist: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a lyric that has a vector of its own; 0 is the whole track, 1… are its sections in order."""

    index: int
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class LyricVectors:
    """The vectors of one lyric: row i of `vectors` (n, dimension; float32, length 1) is of passage `passages[i]`."""

    key: str
    content_hash: str
    passages: tuple[int, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which weights made a result. (`kind`, `name`, `revision`) is the identity.

    `kind` is "embedding", "emotion" or "llm". `dimension` is the length of its vectors, None where it makes none.
    """

    kind: str
    name: str
    revision: str
    dimension: int | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that decides an analyzer's result besides the text.

    A stored result is current if its provenance equals the one that the settings ask for. `model` and `model_revision`
    name the weights, and `prompt_version` the prompt; None if there are none. `parameters` is a digest of the settings
    that decide a result; None if all of them have their defaults.
    """

    analyzer: str
    version: str
    model: str | None = None
    model_revision: str | None = None
    prompt_version: str | None = None
    parameters: str | None = None

    @property
    def digest(self) -> str:
        """The first 32 hex digits of the SHA-256 of the six values as a JSON array.

        PostgreSQL writes the same text for `jsonb_build_array(...)::text`, so SQL can compute this digest too.
        """
        # Not `astuple`: it takes three times as long as all the rest, and every written result asks for its digest.
        weights = (self.model, self.model_revision)
        values = (self.analyzer, self.version, *weights, self.prompt_version, self.parameters)
        array = json.dumps(values, ensure_ascii=False)
        return sha256(array.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]

    @property
    def stage(self) -> str:
        """The stage of this provenance's failures; their keys are track ids.

        Another model, prompt or setting is another stage, so it begins without dead letters.
        """
        return f"analyze/{self.analyzer}/{self.digest}"


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analyzer's result for one text.

    `sentiment` is in [-1, 1], `confidence` in [0, 1]; None where there is no honest figure. `embedding` has 256 values
    or is None. `data` is plain JSON. `seconds` is what this text cost.
    """

    key: str
    provenance: Provenance
    content_hash: str
    data: Mapping[str, Any]
    sentiment: float | None = None
    confidence: float | None = None
    embedding: tuple[float, ...] | None = None
    seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Comparable:
    """What in an analyzer's `data` means the same in every other analyzer that names it too; `sentiment` always does.

    `scores` are dotted names of figures in [0, 1] or [-1, 1], "*" for every name at its place. `mood` is the name of
    one word, `themes` of a list of words or of `{"theme": …, "weight": …}`. A count, a length, a figure of how the
    result was made and `confidence`, which orders the results of one model alone, are none of these.
    """

    scores: tuple[str, ...] = ()
    mood: str | None = None
    themes: str | None = None

    def __and__(self, other: Comparable) -> Comparable:
        return Comparable(
            tuple(name for name in self.scores if name in other.scores),
            self.mood if self.mood == other.mood else None,
            self.themes if self.themes == other.themes else None,
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that could not be done, as data: `code` is an error code of `rapray.errors` or an `Outcome`.

    Where it does not `blames_text`, nothing was learnt of the text: a job stores no failure, and the text stays due.
    """

    stage: str
    key: str
    code: str
    detail: str
    content_hash: str | None = None
    blames_text: bool = True


def embed_stage(model: ModelInfo) -> str:
    """The stage of embedding with a model; the keys of its failures are track ids."""
    return f"embed/{model.name}@{model.revision}"


@dataclass(frozen=True, slots=True)
class WriteCounts:
    """What one write did: rows that were not there, rows that were there and the same, rows that changed."""

    new: int = 0
    unchanged: int = 0
    changed: int = 0

    def __add__(self, other: WriteCounts) -> WriteCounts:
        return WriteCounts(
            self.new + other.new, self.unchanged + other.unchanged, self.changed + other.changed
        )
