"""What the configuration's tables may hold. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import re
from math import inf
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.digest import canonical
from pytest_ailoop.settings.rules import (
    Fault,
    Path,
    Refused,
    Table,
    above_0,
    date,
    finite,
    flag,
    listed,
    number,
    plain,
    table_by_name,
    text,
    whole_number,
)

__all__ = ["ACCEPTED", "GATE", "MODEL", "PRICE", "RECORDINGS", "TABLES", "looks_like_a_key_name"]

# Whole names: `max_tokens` and `prompt_cache_key` are ordinary request parameters.
_KEY_NAME = re.compile(
    r"(?i)(x[-_])?(api)?[-_]?key|(access|auth|api|bearer|id)?[-_]?token"
    r"|(proxy[-_])?authorization|.*(secret|passw|credential).*"
)
# How pasted keys begin; a variable's name never does.
_KEY_VALUE = re.compile(r"(sk|pk|rk|gsk|xai|pplx|hf|ghp|glpat)[-_]|AIza")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ALIAS = re.compile(r"[A-Za-z0-9_.-]+")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?")
_FIELD = re.compile(r"[^.\s]+(\.[^.\s]+)*")


def looks_like_a_key_name(name: str) -> bool:
    """Return whether a value under *name* would be a secret."""
    return _KEY_NAME.fullmatch(name) is not None


def _alias(value: str) -> str:
    if _ALIAS.fullmatch(value) is None:
        raise Refused("an alias consists of letters, digits, '_', '.' and '-'")
    return value


def _text(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise Refused("expected a name, got an empty or unprintable text")
    return value


def _variable(value: str) -> str:
    if _VARIABLE.fullmatch(value) is None or _KEY_VALUE.match(value):
        raise Refused(
            "expected the NAME of an environment variable (such as OPENAI_API_KEY), not the key"
        )
    return value


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        raise Refused("expected a URL such as http://127.0.0.1:8080/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("expected a URL such as http://127.0.0.1:8080/v1")
    if "@" in parts.netloc or any(
        looks_like_a_key_name(name) for name, _ in parse_qsl(parts.query)
    ):
        raise Refused("a URL must not hold a user name, password or key; use api_key_env")
    return value


def _field(value: str) -> str:
    if _FIELD.fullmatch(value) is None:
        raise Refused("expected a request field such as 'user' or 'metadata.request_id'")
    return value


def _host(value: str) -> str:
    if _HOST.fullmatch(value) is None:
        raise Refused("expected 'host' or 'host:port', without http:// and path")
    return value


def _parameters(value: dict[str, Any]) -> dict[str, Any]:
    _no_keys(value)
    try:
        canonical(value)
    except ValueError:
        raise Refused("expected JSON values: nan and inf cannot be sent") from None
    return value


def _no_keys(value: Any) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            if looks_like_a_key_name(name):
                raise Refused(f"a key must not stand here ({name!r}); use api_key_env")
            _no_keys(item)
    elif isinstance(value, list):
        for item in value:
            _no_keys(item)


def _json(value: Any) -> Any:
    if not isinstance(value, dict):
        raise Refused("expected a table")
    if not _is_json(value):
        raise Refused("expected JSON values: no dates and times")
    return _parameters(value)


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    return isinstance(value, (str, int, float))


def _margins(value: Any) -> Any:
    margins = list(value.values()) if isinstance(value, dict) else [value]
    if not margins or not all(type(one) in (int, float) or _is_ranged(one) for one in margins):
        raise Refused(
            "expected a margin, or a table of margins by score: "
            "{ polite = 0.05, words = { margin = 2, range = [0, 50] } }"
        )
    return value


def _is_ranged(value: Any) -> bool:
    """Tell whether it is a margin with the range of its score, whose ends the gate looks at."""
    return isinstance(value, dict) and value.keys() == {"margin", "range"}


def _dollars(value: float) -> float:
    if finite(value) < 0:
        raise Refused("expected a number from 0 on")
    return value


def _seconds(value: float) -> float:
    if above_0(finite(value)) > _DAY:
        raise Refused(f"expected at most a day ({_DAY} seconds)")
    return value


_DAY = 86400
_USUAL = ModelSpec(alias="", model="")

NAME, COUNT = text(_text), whole_number(above_0)
NUMBERS = table_by_name(_text, number())

PRICE = Table(
    {
        "input": number(_dollars),
        "output": number(_dollars),
        "cached_input": number(_dollars),
    },
    needed=("input", "output"),
)
"""US dollars per million tokens."""

MODEL = Table(
    {
        "model": NAME,
        "base_url": text(_address),
        "api_key_env": text(_variable),
        "parameters": plain(_json),
        "price": PRICE,
        "rpm": COUNT,
        "tpm": COUNT,
        "concurrency": COUNT,
        "timeout": number(_seconds),
        "first_byte_timeout": number(_seconds),
    }
)
"""One `models.<alias>` table."""


def _model(value: Any, path: Path, faults: list[Fault]) -> dict[str, Any]:
    found = MODEL(value, path, faults)
    first, timeout = found.get("first_byte_timeout"), found.get("timeout", _USUAL.timeout)
    if timeout is None:  # It is wrong itself.
        timeout = inf
    if first is not None and first > timeout:
        words = (
            f"expected at most timeout, which is {timeout:g}: a reply is cut then, begun or "
            "not; lower it, or raise timeout"
        )
        faults.append(Fault((*path, "first_byte_timeout"), words))
    return found


RECORDINGS = Table({"ignore_fields": listed(text(_field)), "passthrough": listed(text(_host))})
"""The `recordings` table."""

GATE = Table(
    {
        "tests": listed(NAME),
        "together": flag,
        "tag": NAME,
        "pass_rate": number(),
        "mean": NUMBERS,
        "metric": NUMBERS,
        "no_regression": plain(_margins),
        "every_case": flag,
        "max_cost": number(),
        "p95_latency": number(),
        "reduce": NAME,
        "fixed": flag,
        "confidence": number(),
        "inconclusive": NAME,
    }
)
"""One `gates.<name>` table: which tests it is over, and what it asks of them."""

ACCEPTED = Table(
    {"case": NAME, "tests": listed(NAME), "reason": NAME, "owner": NAME, "expires": date},
    needed=("case", "reason", "owner", "expires"),
)
"""One entry of `accepted_failures`: a case that may fail for now."""

TABLES = Table(
    {
        "models": table_by_name(_alias, _model),
        "judge": NAME,
        "recordings": RECORDINGS,
        "gates": table_by_name(_alias, GATE),
        "slices": listed(NAME),
        "accepted_failures": listed(ACCEPTED),
    }
)
"""Everything below `[tool.ailoop]`."""
