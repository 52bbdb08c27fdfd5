"""The protocol of checks, and the one place where their code, ours and the user's, is called.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from pytest_ailoop import recorder
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.reply import text_of
from pytest_ailoop.data.score import Kind, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.digest import digest
from pytest_ailoop.errors import CheckError, UsageError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.scoring.faults import raise_if_not_ours, unscored
from pytest_ailoop.scoring.identity import stable
from pytest_ailoop.scoring.values import lacks_bar, score_of
from pytest_ailoop.text import cut

__all__ = [
    "Check",
    "CodeCheck",
    "Subject",
    "parts_kind",
    "read_text",
    "run_check",
    "run_check_async",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Everything a check may look at."""

    value: Any
    """What was given to `expect`, as it is."""
    text: str
    """The value as text: a reply's text, a string itself, other values as JSON."""
    case: Case | None = None
    calls: tuple[Call, ...] = ()
    """The model calls of the item so far."""
    variant: Variant | None = None

    @classmethod
    def of(cls, value: Any, **facts: Any) -> Subject:
        """Return the subject for *value*, its text read by `text_of`."""
        return cls(value=value, text=text_of(value), **facts)


class Check:
    """Looks at a subject and gives a score. Subclass it for a check with options:

    ```python
    class Shorter(Check):
        def __init__(self, limit):
            super().__init__("shorter", limit=limit)
            self.limit = limit

        def score(self, subject):
            return len(subject.text) < self.limit, f"{len(subject.text)} characters"

    assert run_check(Shorter(9), Subject.of("hello")).value == 1.0
    ```
    """

    kind: Kind = "code"
    version: int = 1
    """Raise it when the same options come to measure something else."""
    is_async: bool = False
    """Whether `score` returns an awaitable."""
    needs_bar: bool = False
    """Whether a plain number from this check has no bar of its own (any unit, any range)."""

    def __init__(self, name: str, /, **options: Any) -> None:
        self.name = name
        self.options: Mapping[str, Any] = options

    @functools.cached_property
    def digest(self) -> str:
        """Name, options and version as one digest; scores compare under the same one only."""
        options = self.options
        if all(map(_is_short, options.values())):
            kinds = tuple(map(type, options.values()))
            return _digest(self.name, self.version, tuple(options.items()), kinds)
        return digest([self.name, stable(options), self.version])

    def score(self, subject: Subject) -> Any:
        """Return a bool, a number from 0 to 1, a label, a `Score`, or one of them with a reason.

        Raise `CheckError` where the subject cannot be measured. Async checks return an awaitable.
        """
        raise NotImplementedError

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value!r}" for key, value in self.options.items() if value)
        return f"{self.name}({said})"


_PLAIN = frozenset({int, bool, type(None)})


def _is_short(value: Any) -> bool:
    """Return whether *value* stands for itself in a digest, and is worth being remembered."""
    return type(value) in _PLAIN or (type(value) is str and len(value) <= 100)


# Bodies make their checks anew, the same ones for each case. With the kinds: True and 1 are equal.
@functools.lru_cache(maxsize=256)
def _digest(
    name: str, version: int, options: tuple[tuple[str, Any], ...], kinds: tuple[type, ...]
) -> str:
    return digest([name, stable(dict(options)), version])


class CodeCheck(Check):
    """A check that is one pure function of the subject: what the built-in families are made of."""

    def __init__(self, name: str, compare: Callable[[Subject], Any], /, **options: Any) -> None:
        super().__init__(name, **options)
        self._compare = compare

    def score(self, subject: Subject) -> Any:
        return self._compare(subject)


def read_text(subject: Subject) -> str:
    """Return the subject's text; raises `CheckError` where there is no value to read."""
    if subject.value is None:
        raise CheckError("the value is None: there is no text to look at")
    if isinstance(subject.value, (bytes, bytearray)):
        raise CheckError("the value is bytes; decode it before `expect(...)`")
    return subject.text


def parts_kind(parts: tuple[Check, ...]) -> Kind:
    """Return the kind of a check made of *parts*: a judge's where one of them is a judge."""
    return "judge" if any(part.kind == "judge" for part in parts) else "code"


def run_check(check: Check, subject: Subject, *, barred: bool = True) -> Score:
    """Return the score that *check* gives; what goes wrong inside it is a score "not scored".

    *barred* says that the caller holds a bar against the score; without one, a plain number of a
    user's function is refused. Raises `UsageError` for that, and `ReplyError` where a model call
    of the check got no reply: infrastructure is never a score.
    """
    __tracebackhide__ = True
    try:
        with recorder.judging():
            raw = check.score(subject)
        if hasattr(raw, "__await__"):
            getattr(raw, "close", lambda: None)()
            raise CheckError(f"{check.name} returned an awaitable; write it with `async def`")
        return _measured(check, subject, raw, barred)
    except (Exception, SystemExit) as error:
        return _unscored(check, error)


async def run_check_async(check: Check, subject: Subject, *, barred: bool = True) -> Score:
    """Return what `run_check` does, for checks that await something, and for all others."""
    __tracebackhide__ = True
    try:
        with recorder.judging():
            raw = check.score(subject)
            if hasattr(raw, "__await__"):
                raw = await raw
        return _measured(check, subject, raw, barred)
    except (Exception, SystemExit) as error:
        return _unscored(check, error)


def _measured(check: Check, subject: Subject, raw: Any, barred: bool) -> Score:
    __tracebackhide__ = True
    if isinstance(raw, Check):
        raise UsageError(f"{check.name} returned a check; call it first: expect(...).to({raw!r})")
    if not barred and lacks_bar(raw, in_any_unit=check.needs_bar):
        raise UsageError(
            f"{check.name} returned {cut(repr(raw), 80)}, and there is no bar to hold the number "
            "against; give .to(..., at_least=...) or at_most=..., or return True or False"
        )
    expected = subject.case.expected if subject.case else None
    return score_of(raw, name=check.name, kind=check.kind, check=check.digest, expected=expected)


def _unscored(check: Check, error: BaseException) -> Score:
    __tracebackhide__ = True
    raise_if_not_ours(error)
    return unscored(error, name=check.name, kind=check.kind, check=check.digest)
