"""Opaque cursors of lists: where the next page starts, bound to the filters it was made for.

Does not know what is listed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import asdict

from rapray.domain import TrackFilter
from rapray.serve.api.errors import Refused
from rapray.serve.limits import MAX_ID
from rapray.serve.problems import of_code

LONGEST = 200


def encode(after_id: int, filters: TrackFilter) -> str:
    """The cursor of the page after `after_id`."""
    text = json.dumps([after_id, fingerprint(filters)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, filters: TrackFilter) -> int:
    """The id after which the page starts.

    Raises:
        Refused: it is not a cursor, or it was made for other filters.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        after_id, bound_to = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise _refused("It is not a cursor that this address gave out.") from error
    if type(after_id) is not int or not 0 <= after_id <= MAX_ID:
        raise _refused("It is not a cursor that this address gave out.")
    if bound_to != fingerprint(filters):
        raise _refused("It was given out for other filters; start again without it.")
    return after_id


def fingerprint(filters: TrackFilter) -> str:
    """A short hash of the filters; not a secret, only a guard against mixing two lists."""
    text = json.dumps(asdict(filters), sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _refused(detail: str) -> Refused:
    return Refused(of_code("cursor_invalid", detail))
