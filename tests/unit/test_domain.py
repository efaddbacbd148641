"""What identifies a result, where its failures are kept; a lyric on its way to another process."""

from __future__ import annotations

import pickle
from dataclasses import astuple

from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Lyric, Provenance, Timing

PART = st.none() | st.text(max_size=20) | st.sampled_from(["", "null", "a/b", "a@b", '", "'])
PROVENANCES = st.builds(Provenance, st.just("a"), st.text(max_size=20), PART, PART, PART, PART)


def test_provenance_digest_stays() -> None:
    """A stored digest must be found again by every later version."""
    provenance = Provenance("qwen", "1", "org/m", "r1", "v1-ab", None)
    assert provenance.digest == "7e047df36c91dd965e3ecb07f32f925e"
    assert provenance.stage == f"analyze/qwen/{provenance.digest}"


@given(one=PROVENANCES, other=PROVENANCES)
def test_provenance_stage_unique(one: Provenance, other: Provenance) -> None:
    """Whatever characters the names hold, even half of one."""
    assert (one.stage == other.stage) == (astuple(one) == astuple(other))


def test_timed_lyric_pickles() -> None:
    """Replicas and jobs get it pickled."""
    lyric = Lyric("1", "la\nlo", (), "hash", timings=(Timing(1.5, None), None), duration_s=9.0)
    assert pickle.loads(pickle.dumps(lyric)) == lyric
