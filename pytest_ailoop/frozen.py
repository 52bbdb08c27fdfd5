"""The standard library's `dataclass`, made in less than half of the time where it is frozen.

Before Python 3.13 the library compiles six methods for such a class, one by one: half a
millisecond, of each of a hundred classes, at each start of a run with evals. Here one is compiled,
the others are shared, and new objects are filled by their slots, which takes half of the time, too.
What is not of the usual form is left to the library (docs/decisions/029-frozen-classes.md).
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator
import reprlib
import sys
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: Any = None, /, **how: Any) -> Any:
        """Do as `dataclasses.dataclass`, which knows the parameters."""
        if cls is None:
            return functools.partial(dataclass, **how)
        if sys.version_info >= (3, 13) or not _is_usual(cls, how):
            return dataclasses.dataclass(**how)(cls)
        return _made(cls, kw_only=how.get("kw_only", False))


class _Unset:
    def __repr__(self) -> str:
        return "<factory>"


_UNSET = _Unset()
#: What the library looks at before it writes methods of its own.
_METHODS = frozenset(
    ("__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__getstate__")
)


def _is_usual(cls: Any, how: dict[str, Any]) -> bool:
    """Return whether the class is frozen, with slots, and otherwise as most are."""
    if {**how, "kw_only": True} != {"frozen": True, "slots": True, "kw_only": True}:
        return False
    if any(dataclasses.is_dataclass(one) for one in cls.__mro__) or _METHODS & cls.__dict__.keys():
        return False
    notes = inspect.get_annotations(cls)
    given = [one for one in cls.__dict__.values() if isinstance(one, dataclasses.Field)]
    return (
        bool(notes)
        and all(
            isinstance(one, str)
            and "ClassVar" not in one
            and "InitVar" not in one
            and "KW_" not in one
            for one in notes.values()
        )
        and all(
            one.init
            and one.repr
            and one.compare
            and one.hash is None
            and one.kw_only is dataclasses.MISSING
            for one in given
        )
    )


def _made(cls: Any, *, kw_only: bool) -> Any:
    # Without methods it takes a quarter of its time.
    made: Any = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=True, kw_only=kw_only
    )(cls)
    for option in ("init", "repr", "eq", "frozen"):
        setattr(made.__dataclass_params__, option, True)
    fields = dataclasses.fields(made)
    names = tuple(one.name for one in fields)
    made.__init__ = _init_of(made, fields, kw_only=kw_only)
    made.__repr__ = _repr
    values: Any = operator.attrgetter(*names)
    if len(names) == 1:
        values = _alone(values)

    def __eq__(self: Any, other: Any) -> Any:
        return (
            values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented
        )

    def __hash__(self: Any) -> int:
        return hash(values(self))

    def __setattr__(self: Any, name: str, value: Any) -> None:
        if type(self) is made or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(made, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:
        if type(self) is made or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(made, self).__delattr__(name)

    def __setstate__(self: Any, state: Any) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    for method in (__eq__, __hash__, __setattr__, __delattr__, __setstate__):
        method.__qualname__ = f"{cls.__qualname__}.{method.__name__}"
        setattr(made, method.__name__, method)
    made.__getstate__ = _state
    return made


def _alone(value: Any) -> Any:
    return lambda self: (value(self),)


def _init_of(made: Any, fields: Any, *, kw_only: bool) -> Any:
    """Return an `__init__` that fills the slots."""
    given: dict[str, Any] = {"_unset": _UNSET}
    asked, steps = [], []
    for one in fields:
        name = value = one.name
        given[f"_set_{name}"] = made.__dict__[name].__set__
        if one.default is not dataclasses.MISSING:
            given[f"_of_{name}"] = one.default
            asked.append(f"{name}=_of_{name}")
        elif one.default_factory is not dataclasses.MISSING:
            given[f"_of_{name}"] = one.default_factory
            asked.append(f"{name}=_unset")
            value = f"_of_{name}() if {name} is _unset else {name}"
        else:
            asked.append(name)
        steps.append(f"_set_{name}(self, {value})")
    if hasattr(made, "__post_init__"):
        steps.append("self.__post_init__()")
    order = ", ".join((["*"] if kw_only else []) + asked)
    lines = "\n  ".join(steps)
    text = (
        f"def make({', '.join(given)}):\n def __init__(self, {order}):\n  {lines}\n return __init__"
    )
    there: dict[str, Any] = {}
    exec(text, sys.modules[made.__module__].__dict__, there)
    found = there["make"](**given)
    found.__qualname__ = f"{made.__qualname__}.__init__"
    found.__annotations__ = {one.name: one.type for one in fields} | {"return": None}
    return found


@reprlib.recursive_repr()
def _repr(self: Any) -> str:
    parts = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self))
    return f"{self.__class__.__qualname__}({', '.join(parts)})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in dataclasses.fields(self)]
