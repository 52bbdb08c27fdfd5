"""What counts as a secret, and in which spellings it is found."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterator

import pytest

from pytest_ailoop import redaction

KEY = 'ke"y\\+/of=thé: house'


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    redaction.forget()
    yield
    redaction.forget()


@pytest.mark.parametrize(
    "spelled",
    [
        KEY,
        repr(KEY),
        json.dumps(KEY),
        json.dumps({"held": KEY}),
        urllib.parse.quote(KEY, safe=""),
        urllib.parse.quote(KEY, safe="").lower(),
        base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("="),
    ],
)
def test_every_spelling_is_masked(spelled: str) -> None:
    """A known secret is found as it stands, shown, in JSON, in an address and in base64."""
    redaction.learn(KEY)
    masked = redaction.redact(f"before {spelled} after")
    assert redaction.MASK in masked
    assert not any(part in masked for part in ("house", spelled[3:-3]))


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("OPENAI_API_KEY", "abcdefgh12", "[secret]"),
        ("DATABASE_URL", "postgres://me:pass-word-1@db/x", "postgres://me:[secret]@db/x"),
        ("PROXY", "http://:p%40ss-word-1@proxy:3128", "http://:[secret]@proxy:3128"),
        ("HOME_PAGE", "https://example.org/a:b@c", "https://example.org/a:b@c"),
        ("OPENAI_API_KEY", "not-needed", "not-needed"),
        ("OPENAI_API_KEY", "no-key-needed-in-replay", "no-key-needed-in-replay"),
        ("TOKEN_EXPIRY", "86400000", "86400000"),
        ("KEY_FILE", "/etc/some/key", "/etc/some/key"),
        ("SHORT_KEY", "abc", "abc"),
    ],
)
def test_what_the_environment_teaches(name: str, value: str, masked: str) -> None:
    """Names of keys and passwords in URLs teach secrets; numbers, paths and placeholders do not."""
    redaction.learn_environment({name: value})
    assert masked == redaction.redact(value)


@pytest.mark.parametrize(
    ("shown", "masked"),
    [
        ("key sk-proj-abcDEF123456789012345 end", "key [secret] end"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "[secret]"),
        ("sk-learn-compatible-estimators", "sk-learn-compatible-estimators"),
        ("task-list-of-items-1234567890123456", "task-list-of-items-1234567890123456"),
    ],
)
def test_shapes_of_keys_are_masked_on_screens_alone(shown: str, masked: str) -> None:
    """What only looks like a key is masked where it is shown, and stored as it is."""
    assert masked == redaction.redact_shown(shown)
    assert shown == redaction.redact(shown)
