"""`rapray parse`: a saved page, or anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

PAGE = """<html><head><title>Mara Quill – Tide Tables Lyrics | Genius Lyrics</title></head><body>
<div data-lyrics-container="true">[Verse 1]<br>I keep the tide in a tin by the door<br>And read what it wrote on the floor</div>
</body></html>"""


def test_saved_page_as_json(rapray: Any, tmp_path: Path) -> None:
    """A path and `-` give the same JSON; no server is started and no file is left."""
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    ended = rapray("parse", "page.html", "--json")
    assert (ended.code, ended.err) == (0, "")
    parsed = json.loads(ended.out)
    assert parsed["outcome"] == "lyrics"
    assert parsed["lyrics"].splitlines()[1] == "I keep the tide in a tin by the door"
    assert parsed["sections"][0]["kind"] == "verse"
    assert rapray("parse", "-", "--json", stdin=PAGE.encode()).out == ended.out
    assert not (tmp_path / "data").exists()


def test_saved_page_keeps_brackets(rapray: Any) -> None:
    """`[Verse 1]` is a header of the lyric, not terminal markup."""
    ended = rapray("parse", "-", stdin=PAGE.encode())
    assert ended.code == 0
    assert "[Verse 1]\nI keep the tide" in ended.out


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00" * 4096, bytes(range(256)) * 64, b"%PDF-1.7\n%%EOF", b"<html><p>hello", b"<div>" * 50_000],
    ids=["nothing", "nul", "noise", "pdf", "other page", "deep"],
)
def test_garbage_is_unparsable(rapray: Any, body: bytes) -> None:
    """A file that is not a song page has an outcome of its own."""
    ended = rapray("parse", "-", "--json", stdin=body)
    assert ended.code == 0
    parsed = json.loads(ended.out)
    assert (parsed["outcome"], parsed["lyrics"], parsed["sections"]) == ("unparsable", None, [])
