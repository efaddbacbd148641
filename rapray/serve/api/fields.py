"""What the fields of requests may hold, in bodies and in addresses.

Knows no endpoint; the models are in `models.py`, `analyze_models.py` and `chat_models.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from rapray.domain import ANALYZER_NAME
from rapray.serve.limits import MAX_ID


def _is_text(character: str) -> bool:
    """False for control characters, which PostgreSQL refuses in part, and for halves of a surrogate pair."""
    code = ord(character)
    return code >= 32 and code != 127 and not 0xD800 <= code <= 0xDFFF


def _printable(text: str) -> str:
    if not all(map(_is_text, text)):
        reason = "must not hold control characters"
        raise ValueError(reason)
    return text


def one_line(text: str) -> str:
    """A text without control characters, its white space single."""
    return " ".join("".join(c if _is_text(c) else " " for c in text).split())


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
]
Language = Annotated[
    str, StringConstraints(pattern="^[a-z]{2}$"), Field(description="ISO 639-1.", examples=["en"])
]


def _plain_number(given: object) -> object:
    """Of an address: digits alone, where pydantic would read "1.0" and "1_0" as whole numbers too."""
    if isinstance(given, str) and not (given.isascii() and given.isdecimal()):
        raise PydanticCustomError("int_parsing", "Input should be a whole number")
    return given


Year = Annotated[int, Field(ge=1900, le=2100)]
InAddress = BeforeValidator(_plain_number)
TrackId = Annotated[int, Field(ge=1, le=MAX_ID)]
AnalyzerName = Annotated[str, StringConstraints(pattern=f"^{ANALYZER_NAME}$")]


# Every unknown field is an error of its own, made on the event loop: 500,000 of them would stop it for seconds.
_MOST_FIELDS = 32


class Request(BaseModel):
    """A body, or an object in one, that holds no unknown field and no value of another type: `true` is no id."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, given: Any) -> Any:
        if isinstance(given, dict) and len(cast("dict[str, Any]", given)) > _MOST_FIELDS:
            reason = "an object may have at most {most} fields"
            raise PydanticCustomError("too_long", reason, {"most": _MOST_FIELDS})
        return given
