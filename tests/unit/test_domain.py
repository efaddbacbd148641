"""Stages, where the failures of a kind of work are kept; a lyric on its way to another process."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Lyric, Timing, analyze_stage

PART = (
    st.none()
    | st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
    | st.sampled_from(["/", "a/b", "a@b"])
)
MADE_WITH = st.tuples(PART.filter(bool), PART, PART) | st.tuples(st.none(), st.none(), PART)


def test_analyze_stage_names_parts() -> None:
    """An analyzer of rules keeps the stage that it always had; a path in a model's name adds no level."""
    assert analyze_stage("rules", "2.0") == "analyze/rules/2.0"
    assert analyze_stage("mood", "1", "org/m", "r1") == "analyze/mood/1/org%2Fm@r1"
    assert analyze_stage("qwen", "1", "gemma3:4b", "r", "v1-ab") == "analyze/qwen/1/gemma3:4b@r/v1-ab"
    assert analyze_stage("shout", "1", prompt_version="v1") == "analyze/shout/1//v1"
    assert analyze_stage("mood", "1", "m", "r", parameters="0c") == "analyze/mood/1/m@r//0c"


def test_timed_lyric_pickles() -> None:
    """Replicas and jobs get it pickled."""
    lyric = Lyric("1", "la\nlo", (), "hash", timings=(Timing(1.5, None), None), duration_s=9.0)
    assert pickle.loads(pickle.dumps(lyric)) == lyric


@given(one=MADE_WITH, other=MADE_WITH)
def test_analyze_stage_separates_models(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> None:
    """Whatever separators the names carry, and each lies below its analyzer's version."""
    stages = [analyze_stage("a", "1", *parts) for parts in (one, other)]
    assert (stages[0] == stages[1]) == (one == other)
    assert all(f"{stage}/".startswith("analyze/a/1/") for stage in stages)
