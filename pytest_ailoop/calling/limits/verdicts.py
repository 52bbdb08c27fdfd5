"""What an attempt's end means: whether another may heal it, and whose fault it is.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from socket import gaierror
from typing import Any

__all__ = ["heals", "heals_by_itself", "is_quota", "is_refusal", "no_connection"]

# 409 is a lock that another request holds; 425 and 408 came at a bad time.
_PASSING = frozenset({408, 409, 425, 429})
_REFUSALS = frozenset({429, 503, 529})
# Without end in themselves: the request's method or version, what the server never learned.
_LASTING = frozenset({501, 505, 511})
_QUOTA = re.compile(
    r"insufficient[_ ](?:quota|credits?|funds|balance)|billing|credit[_ ]balance|credits?_"
    r"|exceeded[_ ]your[_ ]current[_ ]quota|payment[_ ]required|out[_ ]of[_ ]credits?",
    re.IGNORECASE,
)
# Not the message: some speak of billing where a minute's rate is meant.
_FIELDS = ("code", "type", "status", "reason")
# Classes of httpx, httpx2 and their cores, known by name: which module they come from is not ours.
_TRANSPORT = frozenset(
    {
        "ConnectError",
        "ConnectTimeout",
        "ReadError",
        "ReadTimeout",
        "WriteError",
        "WriteTimeout",
        "CloseError",
        "RemoteProtocolError",
        "PoolTimeout",
        "DecodingError",
        "IncompleteRead",
        "IncompleteReadError",
    }
)
_UNCONNECTED = frozenset({"ConnectError", "ConnectTimeout"})


def heals(status: int) -> bool:
    """Return whether the same request may be answered after *status*."""
    return status in _PASSING or (500 <= status < 600 and status not in _LASTING)


def is_refusal(status: int) -> bool:
    """Return whether *status* says that the server has too much to do."""
    return status in _REFUSALS


def heals_by_itself(error: BaseException) -> bool:
    """Return whether *error* is one of the connection: broken, reset, cut short, too slow.

    A certificate that is not trusted is not trusted the next time, either.
    """
    # By its name: importing ssl is dear, and whoever raised it has done so.
    if any(type(one).__name__ == "SSLCertVerificationError" for one in _causes(error)):
        return False
    if isinstance(error, (ConnectionError, TimeoutError, EOFError)):
        return True
    return isinstance(error, Exception) and bool(_names(error) & _TRANSPORT)


def no_connection(error: BaseException) -> bool:
    """Return whether no connection came about at all."""
    refused = any(isinstance(one, (ConnectionRefusedError, gaierror)) for one in _causes(error))
    return refused or bool(_names(error) & _UNCONNECTED)


def _causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(8):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__


def _names(error: BaseException) -> set[str]:
    return {one.__name__ for one in type(error).__mro__}


def is_quota(status: int, said: bytes) -> bool:
    """Return whether the answer says that the account has nothing left to pay with."""
    if status == 402:
        return True
    return status in (403, 429) and any(_QUOTA.search(word) for word in _words(said))


def _words(said: bytes) -> Iterator[str]:
    try:
        data = json.loads(said)
    except (ValueError, RecursionError):
        return
    for one in _objects(data):
        yield from (one[name] for name in _FIELDS if isinstance(one.get(name), str))


def _objects(data: Any) -> Iterator[dict[str, Any]]:
    """Yield the error where servers put it: at the top, under `error`, in a list of one."""
    if isinstance(data, list) and data:
        data = data[0]
    if isinstance(data, dict):
        yield data
        if isinstance(data.get("error"), dict):
            yield data["error"]
