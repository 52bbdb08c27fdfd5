"""The shape of the configuration's tables, as pydantic models.

Importing pydantic is dear: `config` imports this module once a table is there. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import datetime
import re
from math import inf
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from pytest_ailoop.digest import canonical

__all__ = [
    "AcceptedTable",
    "GateTable",
    "ModelTable",
    "PriceTable",
    "RecordingsTable",
    "Tables",
    "looks_like_a_key_name",
]

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


def _refuse(words: str) -> PydanticCustomError:
    # Braces would be read as placeholders of the message.
    return PydanticCustomError("ailoop", "{words}", {"words": words})


def _alias(value: str) -> str:
    if _ALIAS.fullmatch(value) is None:
        raise _refuse("an alias consists of letters, digits, '_', '.' and '-'")
    return value


def _text(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise _refuse("expected a name, got an empty or unprintable text")
    return value


def _variable(value: str) -> str:
    if _VARIABLE.fullmatch(value) is None or _KEY_VALUE.match(value):
        raise _refuse(
            "expected the NAME of an environment variable (such as OPENAI_API_KEY), not the key"
        )
    return value


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        raise _refuse("expected a URL such as http://127.0.0.1:8080/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _refuse("expected a URL such as http://127.0.0.1:8080/v1")
    if "@" in parts.netloc or any(
        looks_like_a_key_name(name) for name, _ in parse_qsl(parts.query)
    ):
        raise _refuse("a URL must not hold a user name, password or key; use api_key_env")
    return value


def _field(value: str) -> str:
    if _FIELD.fullmatch(value) is None:
        raise _refuse("expected a request field such as 'user' or 'metadata.request_id'")
    return value


def _host(value: str) -> str:
    if _HOST.fullmatch(value) is None:
        raise _refuse("expected 'host' or 'host:port', without http:// and path")
    return value


def _parameters(value: dict[str, Any]) -> dict[str, Any]:
    _no_keys(value)
    try:
        canonical(value)
    except ValueError:
        raise _refuse("expected JSON values: nan and inf cannot be sent") from None
    return value


def _no_keys(value: Any) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            if looks_like_a_key_name(name):
                raise _refuse(f"a key must not stand here ({name!r}); use api_key_env")
            _no_keys(item)
    elif isinstance(value, list):
        for item in value:
            _no_keys(item)


def _margins(value: Any) -> float | dict[str, float]:
    numbers = list(value.values()) if isinstance(value, dict) else [value]
    if not numbers or any(isinstance(one, bool) for one in numbers):
        raise _refuse("expected a margin, or a table of margins by score")
    if not all(isinstance(one, (int, float)) for one in numbers):
        raise _refuse("expected a margin, or a table of margins by score")
    return value  # type: ignore[no-any-return]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
Name = Annotated[str, AfterValidator(_text)]


class PriceTable(_Table):
    """US dollars per million tokens."""

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None


class ModelTable(_Table):
    """One `models.<alias>` table."""

    model: Name | None = None
    base_url: Annotated[str, AfterValidator(_address)] | None = None
    api_key_env: Annotated[str, AfterValidator(_variable)] | None = None
    parameters: Annotated[dict[str, JsonValue], AfterValidator(_parameters)] = {}
    price: PriceTable | None = None
    rpm: Count | None = None
    tpm: Count | None = None
    concurrency: Count | None = None
    timeout: Seconds = 120.0
    first_byte_timeout: Seconds | None = None

    @field_validator("first_byte_timeout")
    @classmethod
    def _within_timeout(cls, value: float | None, info: ValidationInfo) -> float | None:
        # Where `timeout` is wrong itself, it is not there.
        timeout: float = info.data.get("timeout", inf)
        if value is not None and value > timeout:
            raise _refuse(
                f"expected at most timeout, which is {timeout:g}: a reply is cut then, begun or "
                "not; lower it, or raise timeout"
            )
        return value


class RecordingsTable(_Table):
    """The `recordings` table."""

    ignore_fields: list[Annotated[str, AfterValidator(_field)]] = []
    passthrough: list[Annotated[str, AfterValidator(_host)]] = []


class GateTable(_Table):
    """One `gates.<name>` table: which tests it is over, and what it asks of them."""

    tests: list[Name] = ["*"]
    tag: Name | None = None
    pass_rate: float | None = None
    mean: dict[Name, float] = {}
    metric: dict[Name, float] = {}
    no_regression: Annotated[Any, AfterValidator(_margins)] = None
    every_case: bool = False
    max_cost: float | None = None
    p95_latency: float | None = None
    reduce: Name | None = None
    fixed: bool | None = None
    confidence: float | None = None
    inconclusive: Name | None = None


class AcceptedTable(_Table):
    """One entry of `accepted_failures`: a case that may fail for now."""

    case: Name
    tests: list[Name] = ["*"]
    reason: Name
    owner: Name
    expires: datetime.date


class Tables(_Table):
    """Everything below `[tool.ailoop]`."""

    models: dict[Annotated[str, AfterValidator(_alias)], ModelTable] = {}
    judge: Name | None = None
    recordings: RecordingsTable = RecordingsTable()
    gates: dict[Annotated[str, AfterValidator(_alias)], GateTable] = {}
    accepted_failures: list[AcceptedTable] = []
