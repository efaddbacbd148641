"""`rapray artist` over a small collection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rapray.cli import main
from tests.support.collection import fetched, store


def _run(capsys: Any, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_artist_id_and_name(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """The same JSON either way, a table for a person, and one sentence for a name that nobody has."""
    monkeypatch.setenv("RAPRAY_DATABASE__URL", database_url)
    monkeypatch.setenv("RAPRAY_REDIS__ENABLED", "false")
    store(database_url, [fetched("1", "Song", "[Verse]\nlight the night\nthe light", artist="Mára Quill")])
    code, out, _ = _run(capsys, "artist", "mara quil", "--json")
    found = json.loads(out)
    assert (code, found["name"], found["tracks"]) == (0, "Mára Quill", 1)
    assert (found["words_read"], found["distinct_words"], found["daniels"]) == (5, 3, None)
    assert json.loads(_run(capsys, "artist", str(found["id"]), "--json")[1]) == found
    code, out, err = _run(capsys, "artist", "Mára Quill")
    assert (code, "distinct words" in out, "35,000" in err) == (0, True, True)
    for nobody in ("Zed", "99", "9" * 5000):
        code, out, err = _run(capsys, "artist", nobody)
        assert (code, out, "(artist_not_found)" in err) == (1, "", True)
        assert "did not answer" not in err
        assert "`rapray artist NAME`" in err
