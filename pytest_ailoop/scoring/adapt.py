"""Whatever a user hands to `.to(...)`, as a check. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import re
from typing import Any

from pytest_ailoop.errors import UsageError
from pytest_ailoop.scoring.check import Check
from pytest_ailoop.scoring.function import FunctionCheck
from pytest_ailoop.scoring.structured import json_as
from pytest_ailoop.text import cut

__all__ = ["to_check"]


def to_check(thing: Any) -> Check:
    """Return *thing* as a check: a check itself, a function, or a pydantic model class.

    Raises `UsageError` with the next step for all else; a string is refused because it could mean
    equality, containment or a pattern.
    """
    __tracebackhide__ = True
    if isinstance(thing, Check):
        return thing
    if isinstance(thing, type):
        return _from_type(thing)
    if callable(thing):
        return FunctionCheck(thing)
    raise UsageError(f"{cut(repr(thing), 60)} is no check; {_next_step(thing)}")


def _from_type(thing: type) -> Check:
    __tracebackhide__ = True
    if hasattr(thing, "model_validate_json"):
        return json_as(thing)
    if issubclass(thing, Check):
        raise UsageError(f"{thing.__name__} is a class of checks; make one: {thing.__name__}(...)")
    raise UsageError(
        f"the class {thing.__name__} is no check; for JSON of that shape write "
        f"json_as({thing.__name__}), else give a function that takes the value"
    )


def _next_step(thing: Any) -> str:
    if isinstance(thing, (str, re.Pattern)):
        shown = cut(repr(thing.pattern if isinstance(thing, re.Pattern) else thing), 40)
        return f"say what is meant: equals({shown}), contains({shown}) or matches({shown})"
    if isinstance(thing, bool):
        return "give a function that takes the value, or write a plain `assert`"
    if isinstance(thing, (list, tuple)):
        return "combine several checks with all_of(...) or any_of(...)"
    return "give a check such as contains(...), or a function that takes the value"
