"""Which ends of a try may be healed by another."""

from __future__ import annotations

import socket

import httpx
import httpx2
import pytest

from pytest_ailoop.calling.limits.verdicts import (
    heals,
    heals_by_itself,
    is_quota,
    is_refusal,
    no_connection,
)


@pytest.mark.parametrize(
    ("status", "again", "load"),
    [
        *((status, False, False) for status in (200, 301, 400, 401, 402, 403, 404, 413, 422, 451)),
        *((status, True, False) for status in (408, 409, 425, 500, 502, 504, 520, 524)),
        *((status, True, True) for status in (429, 503, 529)),
        *((status, False, False) for status in (501, 505, 511)),
    ],
)
def test_statuses(status: int, again: bool, load: bool) -> None:
    """What is wrong with the request stays wrong; what is wrong with the moment may pass."""
    assert (again, load) == (heals(status), is_refusal(status))


@pytest.mark.parametrize(
    ("error", "again", "unconnected"),
    [
        (httpx2.ConnectError(""), True, True),
        (httpx.ConnectTimeout(""), True, True),
        (httpx2.ReadError(""), True, False),
        (httpx.ReadTimeout(""), True, False),
        (httpx2.RemoteProtocolError(""), True, False),
        (httpx.DecodingError(""), True, False),
        (ConnectionResetError(), True, False),
        (ConnectionRefusedError(), True, True),
        (TimeoutError(), True, False),
        (EOFError(), True, False),
        (httpx2.LocalProtocolError(""), False, False),
        (httpx2.UnsupportedProtocol(""), False, False),
        (httpx2.InvalidURL(""), False, False),
        (ValueError(), False, False),
        (KeyboardInterrupt(), False, False),
    ],
)
def test_errors(error: BaseException, again: bool, unconnected: bool) -> None:
    """A connection that broke may hold the next time; a wrong request does not become right."""
    assert (again, unconnected) == (heals_by_itself(error), no_connection(error))


def test_a_cause_tells_that_there_was_no_connection() -> None:
    """An error of our own connections says it by what it was raised from."""
    error = ConnectionError("no")
    error.__cause__ = socket.gaierror()
    assert no_connection(error)


@pytest.mark.parametrize(
    ("status", "said", "spent"),
    [
        (402, b"", True),
        (429, b'{"error": {"code": "insufficient_quota"}}', True),
        (429, b'{"error": {"type": "billing_hard_limit_reached"}}', True),
        (403, b'{"type": "insufficient_credits"}', True),
        (429, b'[{"error": {"status": "BILLING_DISABLED"}}]', True),
        (429, b'{"error": {"code": "rate_limit_exceeded"}}', False),
        (429, b'{"error": {"message": "check your plan and billing"}}', False),
        (500, b'{"error": {"code": "insufficient_quota"}}', False),
        (403, b'{"error": {"code": "forbidden"}}', False),
        (429, b"insufficient_quota", False),
        (429, b'{"error": {"code": 429}}', False),
        (429, b"", False),
    ],
)
def test_quota(status: int, said: bytes, spent: bool) -> None:
    """A spent quota is told by code or type; words that a rate's limit has as well do not count."""
    assert spent == is_quota(status, said)
