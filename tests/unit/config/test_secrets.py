"""What is secret among members that another program takes."""

from __future__ import annotations

from rapray.config.secrets import REDACTED, redacted, secrets_in

MEMBERS = {
    "temperature": 0,
    "max_tokens": 900,
    "headers": {"Authorization": "Bearer abc-1", "Cookie": "c-2"},
    "api_keys": ["k-3", {"spare": "k-4"}],
    "auth": "a-5",
    "author": "Ada",
}


def test_redacted_hides_only_secrets() -> None:
    """Whole lists and objects too; a number is none."""
    assert redacted(MEMBERS) == {
        "temperature": 0,
        "max_tokens": 900,
        "headers": {"Authorization": REDACTED, "Cookie": REDACTED},
        "api_keys": REDACTED,
        "auth": REDACTED,
        "author": "Ada",
    }


def test_secrets_include_bare_token() -> None:
    """A server may repeat the key alone."""
    assert set(secrets_in(MEMBERS)) == {"Bearer abc-1", "abc-1", "c-2", "k-3", "k-4", "a-5"}
