"""Keeps this process's logging as it is while Ray's and vLLM's parts for language models are imported and called."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def own_logging() -> Generator[None]:
    """Restore the root logger at the end of the block, and silence Ray's and vLLM's messages below a warning.

    Importing `ray.serve.llm` replaces the handlers of the root logger, and both packages print at length.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")  # read once, when vLLM is imported
    for name in ("ray.serve", "ray.llm"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
