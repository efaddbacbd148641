"""A YAML file: what it may hold at most, and errors that say where without saying what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rapray.config import load_settings
from rapray.config.document import DEEPEST, MOST_BYTES, read_document
from rapray.errors import ConfigError

SECRET = "hunter2"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{below}'] * 9)}]}}\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def _message(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        read_document(path)
    chain: BaseException | None = caught.value
    while chain is not None:  # a traceback in a log shows these too
        assert SECRET not in str(chain)
        chain = chain.__cause__ or chain.__context__
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"redis: {{url: redis://:{SECRET}@h\n", "line 2, column 1"),
        (f"redis: {{url: !{SECRET}'x}}\n", "line 1, column"),
        (f"redis:\n  url: *{SECRET}\n", "line 2, column 8"),
        (f"redis:\n  url: !{SECRET} x\n", "line 2, column 8"),
        (f"redis:\n  url: !it's-{SECRET}'s x\n", "line 2, column 8"),
        (f"redis:\n  url: &{SECRET}! x\n", "line 2"),
        (f"redis:\n  url: @{SECRET}\n", "line 2, column 8: it is not YAML: found character '@'"),
        (f"redis:\n  url: %{SECRET}\n", "line 2, column 8"),
        (f'redis:\n  url: "{SECRET}\n', "line 3, column 1"),
        (f"redis:\n  url: '{SECRET}' {SECRET}\n", "line 2"),
        (f"redis:\n  url: a: {SECRET}\n", "line 2, column 9"),
        (f"redis:\n\turl: {SECRET}\n", "line 2, column 1"),
        (f"redis:\n  url: x\n url: {SECRET}\n", "line 3"),
        (f"a: &{SECRET} 1\nb: &{SECRET} 2\n? [{SECRET}]\n: {{[{SECRET}]: 1, {{}}: 2}}\n", ""),
        (f"url: !!int {SECRET}\n", "not what its tag or form says"),
        (f"url: !!bool {SECRET}\n", "not what its tag or form says"),
        (f"url: !!timestamp {SECRET}\n", "not what its tag or form says"),
        (f"url: !!binary {SECRET}é\n", ""),
        (f"url: !!python/object/apply:os.system [{SECRET}]\n", "line 1, column 6"),
        (f"url: {SECRET}\x00\n", "does not allow, at position 12"),
        (f"url: {SECRET}\n--- {SECRET}\n", "line 2"),
        (b"url: hunter2 \xff\n", "stops being UTF-8 at byte 13"),
    ],
)
def test_document_error_hides_content(tmp_path: Path, text: str | bytes, place: str) -> None:
    """An error in a YAML file names the place but never quotes the content, which may hold a password."""
    assert place in _message(tmp_path / "rapray.yaml", text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LAUGHS, "more than 10000 values"),
        (MERGES, "more than 10000 values"),
        ("a: &a [*a]\n", "contains itself"),
        ("a: &a {b: *a}\n", "contains itself"),
        ("&a\n? *a\n: 1\n", "contains itself"),
        ("a: " + "[" * 40 + "]" * 40, f"more than {DEEPEST} levels"),
        ("a: " + "[" * 90_000, "levels deep"),
        ("a: " + "{b: " * 40_000, "levels deep"),
        ("a: " + "- " * 90_000, ""),
        ("? " * 90_000, "levels deep"),
        ("a: 1" + ":1" * (MOST_BYTES // 2), "larger than"),
        ("a: " + "x" * MOST_BYTES, "larger than"),
        ("[" + "x," * 50_000 + "]", "more than 10000 values"),
        ("a: 1" + ":1" * 60, "line 1: a number is longer than 100 characters"),
        ("a: !!int {=: '1" + ":1" * 60 + "'}", "line 1: a number must be a plain value"),
        ("a: !!float [1]", "line 1: a number must be a plain value"),
        ("a: 1" + ":1" * 60 + ".5", "line 1: a number is longer than 100 characters"),
        ("a: 0x" + "f" * 6000, "line 1: a number is longer than 100 characters"),
        ("b: 1\na: " + "x" * 20_001, "line 2: a value is longer than 20000 characters"),
    ],
    ids=lambda text: text[:20],
)
def test_document_beyond_limits_refused(tmp_path: Path, text: str, reason: str) -> None:
    """A document that is too large, too deep or contains itself is refused, without a hang or crash."""
    assert reason in _message(tmp_path / "rapray.yaml", text)


def test_document_accepts_aliases(tmp_path: Path) -> None:
    """Ordinary anchors, aliases and merge keys are resolved."""
    path = tmp_path / "rapray.yaml"
    path.write_text("a: &a {x: 1, y: [2, 3]}\nb: *a\nc: {<<: *a, x: 4}\n")
    assert read_document(path)[1] == {
        "a": {"x": 1, "y": [2, 3]},
        "b": {"x": 1, "y": [2, 3]},
        "c": {"x": 4, "y": [2, 3]},
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "\ufeff# nothing\n"])
def test_empty_document_is_none(tmp_path: Path, text: str) -> None:
    """A file that is empty or has only comments is read as None."""
    path = tmp_path / "rapray.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_document(path) == (None, None)


def test_settings_url_key_hidden(tmp_path: Path) -> None:
    """A URL written where a key belongs is masked in the error, which names the setting above it."""
    (tmp_path / "rapray.yaml").write_text(f"redis:\n  redis://:{SECRET}@host: 6379\n")
    with pytest.raises(ConfigError, match=r"redis\.\*+ \(file .*:2\): there is no such setting") as caught:
        load_settings(environ={}, directory=tmp_path)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["[" * 100_000, "[" * 500 + "]" * 500, '{"a":' * 300 + "1" + "}" * 300, "1" * 5000]
)
def test_settings_deep_json_refused(tmp_path: Path, value: str) -> None:
    """A variable with deeply nested JSON or a huge number is refused with an error that names it."""
    with pytest.raises(ConfigError, match="RAPRAY_LLM"):
        load_settings(environ={"RAPRAY_LLM": value}, directory=tmp_path)


@pytest.mark.parametrize("written", ["a/b", "x" * 300, "0x" + "f" * 90, "1:1:1", "[dev]", "../../etc/passwd"])
def test_unusable_environment_named(tmp_path: Path, written: str) -> None:
    """A value that is no environment is refused by the setting's name, from a file and from a variable."""
    (tmp_path / "rapray.yaml").write_text(f"environment: {written}\n")
    with pytest.raises(ConfigError, match="environment \\(file"):
        load_settings(environ={}, directory=tmp_path)
    with pytest.raises(ConfigError, match="environment \\(environment RAPRAY_ENVIRONMENT"):
        load_settings(environ={"RAPRAY_ENVIRONMENT": written}, directory=tmp_path)


def test_nameless_secret_hidden(tmp_path: Path) -> None:
    """A key without a value may be a secret and is not shown; the name of a setting is."""
    (tmp_path / "rapray.yaml").write_text(f"genius: {{{SECRET}}}")
    with pytest.raises(ConfigError, match=r"genius\.\*+ \(file .*:1\)") as caught:
        load_settings(environ={}, directory=tmp_path)
    assert SECRET not in str(caught.value)
    (tmp_path / "rapray.yaml").write_text("serve: {port: }")
    with pytest.raises(ConfigError, match=r"serve\.port \(file .*:1\)"):
        load_settings(environ={}, directory=tmp_path)


def test_env_file_stays_literal(tmp_path: Path) -> None:
    """`$` in `.env` is an ordinary character; a setting with `${NAME}` is refused, for nobody means that."""
    (tmp_path / ".env").write_text("OTHER=${HOME}\nRAPRAY_GENIUS__TOKEN=$x${y\n")
    token = load_settings(environ={}, directory=tmp_path).settings.genius.token
    assert token is not None
    assert token.get_secret_value() == "$x${y"
    (tmp_path / ".env").write_text(f"RAPRAY_REDIS__URL=${{ADDRESS:-redis://:{SECRET}@h}}\n")
    with pytest.raises(
        ConfigError, match=r"RAPRAY_REDIS__URL: \$\{ADDRESS\} is not replaced in \.env; write the value out"
    ) as caught:
        load_settings(environ={}, directory=tmp_path)
    assert SECRET not in str(caught.value)


def test_env_directory_is_ignored(tmp_path: Path) -> None:
    """Some call their virtual environment `.env`."""
    (tmp_path / ".env").mkdir()
    assert load_settings(environ={}, directory=tmp_path).settings


def test_replaced_variables_are_bounded(tmp_path: Path) -> None:
    """A short text with many references to a long variable is refused."""
    (tmp_path / "rapray.yaml").write_text("genius: {token: '" + "${LONG}" * 200 + "'}")
    with pytest.raises(ConfigError, match="longer than 20000 characters once its variables are replaced"):
        load_settings(environ={"LONG": "x" * 1000}, directory=tmp_path)


@pytest.mark.parametrize("name", [".env", "rapray.yaml", "rapray.dev.yaml"])
def test_pipe_is_refused(tmp_path: Path, name: str) -> None:
    """A pipe in the place of a file is refused at once: opening it would wait for a writer."""
    os.mkfifo(tmp_path / name)
    with pytest.raises(ConfigError, match="not a regular file"):
        load_settings(environ={}, directory=tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", [".env", "rapray.yaml"])
def test_file_of_stranger_refused(tmp_path: Path, name: str) -> None:
    """In an open directory another user's settings are refused, and his link to ours; elsewhere they are read."""
    place = tmp_path / "open"
    place.mkdir()
    (place / name).write_text("# nothing\n")
    os.chown(place / name, 65534, 65534)
    assert load_settings(environ={}, directory=place).settings
    place.chmod(0o1777)
    with pytest.raises(ConfigError, match=f"{name}: it belongs to user 65534"):
        load_settings(environ={}, directory=place)
    (place / name).unlink()
    (tmp_path / "ours").write_text("# nothing\n")
    (place / name).symlink_to(tmp_path / "ours")
    assert load_settings(environ={}, directory=place).settings
    os.chown(place / name, 65534, 65534, follow_symlinks=False)
    with pytest.raises(ConfigError, match=f"{name}: it belongs to user 65534"):
        load_settings(environ={}, directory=place)


def test_env_file_not_utf8(tmp_path: Path) -> None:
    """An .env file that is not UTF-8 is refused with an error that names the file and quotes none of it."""
    (tmp_path / ".env").write_bytes(b"RAPRAY_REDIS__URL=hunter2\xff\n")
    with pytest.raises(ConfigError, match=r"\.env: it stops being UTF-8 at byte 25") as caught:
        load_settings(environ={}, directory=tmp_path)
    assert SECRET not in str(caught.value)
