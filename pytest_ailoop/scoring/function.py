"""A function of the user's as a check, as it stands. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from pytest_ailoop.digest import digest
from pytest_ailoop.errors import UsageError
from pytest_ailoop.scoring.check import Check, Subject
from pytest_ailoop.scoring.identity import source_digest

__all__ = ["FunctionCheck"]

_GIVEN = ("subject", "case", "calls", "variant", "text")
"""Parameters that are filled by their name; the first other one gets the value."""


class FunctionCheck(Check):
    """Calls the function with the value, and with what else it names.

    ```python
    def short(text, case):
        return len(text) < case.metadata["limit"], f"{len(text)} characters"
    ```

    The first parameter gets the value as it was given to `expect`; parameters named `case`,
    `calls`, `variant`, `text` and `subject` get these. Coroutine functions are async checks.
    """

    needs_bar = True

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(_name(function))
        self.function = function
        self.is_async = _is_async(function)
        self._takes_value, self._named = _parameters(function, self.name)

    @functools.cached_property
    def digest(self) -> str:
        """Digest of name and source; what the function calls in turn is not part of it."""
        return digest([self.name, source_digest(self.function), self.version])

    def score(self, subject: Subject) -> Any:
        named = {
            name: subject if name == "subject" else getattr(subject, name) for name in self._named
        }
        return self.function(*(subject.value,) * self._takes_value, **named)


def _name(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    name = str(getattr(function, "__name__", None) or type(function).__name__)
    return re.sub(r"[^\w.-]+", "", name) or "function"


def _is_async(function: Any) -> bool:
    if isinstance(function, functools.partial):
        return _is_async(function.func)
    called = getattr(type(function), "__call__", None)  # noqa: B004 - not a test: it is inspected
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def _parameters(function: Any, name: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether the value is handed over, and the parameters filled by name."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some builtins have none
        return True, ()
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = [one for one in parameters if one.name in _GIVEN and one.kind in by_name]
    others = [one for one in parameters if one not in named]
    first = next(iter(others), None)
    takes = first is not None and first.kind <= inspect.Parameter.VAR_POSITIONAL
    _refuse_unfilled(name, others[1:] if takes else others)
    if takes and first is not None and first.kind is not inspect.Parameter.VAR_POSITIONAL:
        _refuse_behind(name, parameters.index(first), named, parameters)
    return takes, tuple(one.name for one in named)


def _refuse_unfilled(name: str, rest: list[inspect.Parameter]) -> None:
    for one in rest:
        variadic = one.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        if one.default is one.empty and not variadic:
            raise UsageError(
                f"the check {name} needs {one.name!r}, which nothing fills: a check function takes "
                f"the value, and by name {', '.join(_GIVEN)}; bind the rest with functools.partial"
            )


def _refuse_behind(
    name: str, position: int, named: list[inspect.Parameter], parameters: list[inspect.Parameter]
) -> None:
    if any(parameters.index(one) < position for one in named):
        raise UsageError(
            f"the check {name} takes {parameters[position].name!r} behind {parameters[0].name!r}; "
            "let the parameter for the value stand first"
        )
