"""What a request may ask for in tests of the HTTP app."""

from __future__ import annotations

from rapray.serve.backend import Limits


def request_limits(
    deadline_s: float = 60,
    *,
    max_body_bytes: int = 1_000_000,
    max_lyrics_chars: int = 100_000,
    body_idle_timeout_s: float = 10,
    body_timeout_s: float = 30,
) -> Limits:
    """The limits of a service; lists and batches as large as `rapray serve` takes them."""
    return Limits(
        max_body_bytes=max_body_bytes,
        max_lyrics_chars=max_lyrics_chars,
        max_query_chars=2000,
        search_limit=50,
        page_limit=200,
        batch_texts=100,
        deadline_s=deadline_s,
        body_idle_timeout_s=body_idle_timeout_s,
        body_timeout_s=body_timeout_s,
        is_local=False,
    )
