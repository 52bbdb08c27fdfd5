"""What a failed call says where the model's key is missing."""

from __future__ import annotations

import httpx2
import openai
import pytest

from pytest_ailoop.calling.client.failures import failure
from pytest_ailoop.data.variant import ModelSpec

REQUEST = httpx2.Request("POST", "https://api.openai.com/v1/chat/completions")


@pytest.mark.parametrize(
    ("url", "name", "key", "told"),
    [
        (None, None, None, "OPENAI_API_KEY is not set"),
        ("http://127.0.0.1:9/v1", "MY_KEY", None, "MY_KEY is not set"),
        (None, None, "sk-something", None),
        ("http://127.0.0.1:9/v1", None, None, None),
    ],
)
def test_no_connection_and_no_key_are_told_together(
    url: str | None,
    name: str | None,
    key: str | None,
    told: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second obstacle is named with the first; servers here want a key only if one is named."""
    for one in ("MY_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(one, raising=False)
    if key:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    spec = ModelSpec(alias="mini", model="m", base_url=url, api_key_env=name)
    found = str(failure(spec, openai.APIConnectionError(request=REQUEST)))
    assert "is base_url right?" in found
    assert ("is not set" in found) == bool(told)
    assert (told or "") in found


def test_a_refusal_without_a_key_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 401 where no key was given says in plain words that the variable is not set."""
    monkeypatch.delenv("MY_KEY", raising=False)
    response = httpx2.Response(401, request=REQUEST)
    error = openai.AuthenticationError("no", response=response, body=None)
    found = str(failure(ModelSpec(alias="mini", model="m", api_key_env="MY_KEY"), error))
    assert found.endswith("the key comes from the environment variable MY_KEY; it is not set")
