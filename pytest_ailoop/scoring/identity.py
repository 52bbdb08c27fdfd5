"""The digest of a check: the same check has the same name on every machine and in every run.

Options go in as plain JSON, functions as their source, types as their name. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
from collections.abc import Mapping
from typing import Any

from pytest_ailoop.digest import digest_text

__all__ = ["source_digest", "stable"]

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def stable(value: Any) -> Any:
    """Return *value* as JSON that does not change between processes."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else repr(value)
    if isinstance(value, Mapping):
        return {str(key): stable(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(str(stable(item)) for item in value)
    if isinstance(value, (list, tuple)):
        return [stable(item) for item in value]
    if isinstance(value, type):
        return _type_name(value)
    if callable(value):
        return source_digest(value)
    return _ADDRESS.sub("", repr(value))


def _type_name(kind: type) -> Any:
    schema = getattr(kind, "model_json_schema", None)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return [name, stable(schema())] if callable(schema) else name


def source_digest(function: Any) -> str:
    """Return the digest of a callable's source, of its dotted name where there is no source.

    What the callable closes over or calls in turn is not part of it.
    """
    if isinstance(function, functools.partial):
        bound = [stable(function.args), stable(function.keywords)]
        return digest_text(f"{source_digest(function.func)} {bound}")
    inner = getattr(function, "__func__", function)
    code = getattr(inspect.unwrap(inner), "__code__", None)
    name = _dotted(inner)
    return digest_text(_source(code) or name) if code else digest_text(_class_source(inner) or name)


def _dotted(function: Any) -> str:
    owner = function if hasattr(function, "__qualname__") else type(function)
    # Methods of builtin types (`str.isupper`) stand in no module.
    module = getattr(owner, "__module__", None) or "builtins"
    return f"{module}.{owner.__qualname__}"


# getsource reads and tokenizes a file: one check function serves thousands of cases.
@functools.lru_cache(maxsize=512)
def _source(code: Any) -> str:
    return _text_of_source(code)


def _class_source(function: Any) -> str:
    return _text_of_source(type(function)) if type(function).__module__ != "builtins" else ""


def _text_of_source(thing: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
