"""Lines below a variant's row: each check, each classification. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_ailoop import text
from pytest_ailoop.report.measures import CheckRow, ClassRow
from pytest_ailoop.report.numbers import number

__all__ = ["check_lines", "class_lines"]


def check_lines(checks: Iterable[CheckRow]) -> Iterator[str]:
    """Yield `contains: mean 0.79 over 40 (expectation met 31/40)` for each check."""
    for one in checks:
        words = [f"{text.one_line(one.name, 60)}: mean {number(one.mean)} over {one.n}"]
        if one.direction == "lower":
            words.append("less is better")
        if one.stated:
            words.append(f"expectation met {one.met}/{one.stated}")
        if one.unscored:
            words.append(f"{one.unscored} not scored")
        if one.kind == "judge":
            words.append("judged by a model")
        yield ", ".join(words)


def class_lines(classes: Iterable[ClassRow], verbose: int) -> Iterator[str]:
    """Yield a line for each classification; from *verbose* 1 on also one for each class, and the
    pairs that were confused."""
    for one in classes:
        found = one.report
        yield (
            f"{text.one_line(one.name, 40)}: accuracy {number(found.accuracy)} over {found.n}, "
            f"macro F1 {number(found.macro.f1)}"
        )
        if verbose >= 1:
            yield from _details(one)


def _details(row: ClassRow) -> Iterator[str]:
    found = row.report
    for name, average in (("macro", found.macro), ("weighted", found.weighted)):
        yield f"  {name}: {_three(average)}"
    for label, each in found.classes.items():
        yield f"  {text.one_line(repr(label), 40)}: {_three(each)}, {each.support} expected"
    for (wanted, got), times in found.confusion.items():
        if wanted != got:
            pair = f"{wanted!r} taken for {got!r}"
            yield f"  {text.one_line(pair, 80)}: {times}"


def _three(found: object) -> str:
    names = ("precision", "recall", "f1")
    shown = (getattr(found, name) for name in names)
    return ", ".join(f"{name} {number(value)}" for name, value in zip(names, shown, strict=True))
