"""Checks of structure: JSON that fits a pydantic model or annotated type. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import functools
import re
import types
from typing import Any

from pytest_ailoop.digest import digest
from pytest_ailoop.errors import UsageError
from pytest_ailoop.scoring.check import Check, Subject, read_text
from pytest_ailoop.scoring.identity import stable
from pytest_ailoop.text import cut, plural

__all__ = ["json_as"]

_FENCE = re.compile(r"```[A-Za-z]*[ \t]*\r?\n(.*)\n?```", re.DOTALL)

_FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    functools.partial,
)


def json_as(shape: Any, *, strict: bool = False) -> Check:
    """Check that the text is JSON of *shape*, a pydantic model or any annotated type: 1 or 0.

    One Markdown fence around the whole is taken off; *strict* refuses it. The reason names the
    first field that does not fit. Nesting deeper than 200 does not fit. Raises `UsageError` for
    what pydantic cannot check.

    ```python
    class Refund(BaseModel):
        order: int
        amount: float

    expect('{"order": 7, "amount": 9.5}').to(json_as(Refund))
    expect("[1, 2]").to(json_as(list[int]))
    ```
    """
    return JsonCheck(shape, strict)


class JsonCheck(Check):
    """Validates text as JSON; made by `json_as`."""

    def __init__(self, shape: Any, strict: bool) -> None:
        self._shape = _Shape(shape)
        self._adapter = _adapter(self._shape)
        super().__init__("json_as", shape=_name(shape), strict=strict)
        self._strict = strict

    @functools.cached_property
    def digest(self) -> str:
        """Digest of the type's JSON Schema: a changed field is a changed check."""
        return digest([self.name, _schema_digest(self._shape), self._strict, self.version])

    def score(self, subject: Subject) -> Any:
        from pydantic import ValidationError

        text = read_text(subject).strip()
        fenced = _FENCE.fullmatch(text)
        if fenced and self._strict:
            return 0.0, "the JSON stands in a Markdown fence"
        try:
            self._adapter.validate_json(_encoded(fenced.group(1) if fenced else text))
        except ValidationError as error:
            return 0.0, _reason(error)
        return 1.0, ""


def _name(shape: Any) -> str:
    return shape.__name__ if isinstance(shape, type) else repr(shape)


class _Shape:
    """A type as a key: generic aliases with unhashable arguments are told apart by identity."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and self.shape is other.shape

    def __hash__(self) -> int:
        return id(self.shape)


# Tests make the check anew for each case; pydantic's schema is built once.
@functools.lru_cache(maxsize=64)
def _adapter(key: _Shape) -> Any:
    from pydantic import PydanticUserError, TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    shape = key.shape
    # pydantic would take a function too, and call it with what the text holds.
    if shape is None or isinstance(shape, (str, dict, list, *_FUNCTIONS)):
        raise UsageError(f"json_as({cut(repr(shape), 60)}): give a pydantic model or a type")
    try:
        return TypeAdapter(shape)
    except (PydanticUserError, PydanticSchemaGenerationError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"json_as({cut(repr(shape), 60)}): {first}") from None


@functools.lru_cache(maxsize=64)
def _schema_digest(key: _Shape) -> str:
    try:
        return digest(_adapter(key).json_schema())
    except Exception:  # types without a JSON Schema are still types that can be checked
        return digest(stable(repr(key.shape)))


def _encoded(text: str) -> bytes:
    # A lone surrogate is no Unicode text; as its bytes it is refused by the parser, with a place.
    return text.encode("utf-8", "surrogatepass")


def _as_text(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _reason(error: Any) -> str:
    faults = error.errors(include_url=False, include_context=False)
    first = faults[0]
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in first["loc"])
    got = cut(repr(_as_text(first["input"])), 80)
    where = f"at {path.lstrip('.')}: " if path else ""
    more = f" (and {plural(len(faults) - 1, 'more fault')})" if len(faults) > 1 else ""
    return f"{where}{first['msg']}, got {got}{more}"
