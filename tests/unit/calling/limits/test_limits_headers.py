"""What servers say in headers, and what is no word at all."""

from __future__ import annotations

import math
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.calling.limits.headers import Quota, quotas, retry_after

WALL = 1.7e9


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after": formatdate(WALL + 3, usegmt=True)}, 3.0),
        ({"retry-after": formatdate(WALL - 3, usegmt=True)}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e5"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "86400"}, 86400.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds and dates count; garbage and what is past does not."""
    assert seconds == retry_after(headers, WALL)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("6m0s", 360.0),
        ("250ms", 0.25),
        ("1h2m3.5s", 3723.5),
        ("12", 12.0),
        ("12.5s", 12.5),
        ("2023-11-14T22:13:30Z", 10.0),
        (str(WALL + 7), 7.0),
    ],
)
def test_quotas(reset: str, seconds: float) -> None:
    """Both families of headers tell of requests and tokens, with resets in all their forms."""
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "5",
        "x-ratelimit-reset-requests": reset,
        "anthropic-ratelimit-tokens-limit": "1000",
        "anthropic-ratelimit-tokens-remaining": "0",
        "anthropic-ratelimit-tokens-reset": reset,
    }
    requests = Quota(kind="requests", limit=60, remaining=5, reset=seconds)
    tokens = Quota(kind="tokens", limit=1000, remaining=0, reset=seconds)
    assert [requests, tokens] == list(quotas(headers, WALL))


@pytest.mark.parametrize(
    "changed",
    [
        {"x-ratelimit-limit-requests": "many"},
        {"x-ratelimit-remaining-requests": "-1"},
        {"x-ratelimit-remaining-requests": "61"},
        {"x-ratelimit-reset-requests": "6m0"},
        {"x-ratelimit-reset-requests": ""},
    ],
)
def test_half_a_quota_is_none(changed: dict[str, str]) -> None:
    """What is missing, negative, or more than the limit, is not believed."""
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "5",
        "x-ratelimit-reset-requests": "1s",
    }
    assert [] == list(quotas(headers | changed, WALL))


NAMES = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        *(
            f"x-ratelimit-{field}-{kind}"
            for field in ("limit", "remaining", "reset")
            for kind in ("requests", "tokens")
        ),
    ]
)
VALUES = (
    st.text(max_size=40)
    | st.from_regex(r"[-+]?\d{0,20}(\.\d*)?(ms|[smhd])?")
    | st.floats(allow_nan=True).map(str)
)


@given(st.dictionaries(NAMES, VALUES))
def test_garbage_is_never_more_than_ignored(headers: dict[str, str]) -> None:
    """Whatever stands in the headers: what comes out is finite and from 0 on, or nothing."""
    found = retry_after(headers, WALL)
    assert found is None or (math.isfinite(found) and found >= 0)
    for quota in quotas(headers, WALL):
        assert 0 <= quota.remaining <= quota.limit < math.inf
        assert 0 <= quota.reset < math.inf
