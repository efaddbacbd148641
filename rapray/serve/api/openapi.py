"""Writes `rapray/serve/openapi.json`: `python -m rapray.serve.api.openapi`.

Needs no server and no model: the document depends on the code alone.
"""

from __future__ import annotations

import json
from pathlib import Path

from rapray.serve.api.app import create_app
from rapray.serve.api.reference import document
from rapray.serve.memory import MemoryServices

TARGET = Path(__file__).parent.parent / "openapi.json"


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(create_app(MemoryServices())), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
