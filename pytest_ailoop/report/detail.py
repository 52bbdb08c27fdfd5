"""Lines below a variant's row: each check, each classification. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_ailoop import stats, text
from pytest_ailoop.report.measures import CheckRow, ClassRow
from pytest_ailoop.report.numbers import number, percent

if TYPE_CHECKING:
    from pytest_ailoop.stats.clustered import ClusteredMean

__all__ = [
    "check_lines",
    "class_lines",
    "clustered_words",
    "reliability_words",
    "wavering_words",
]


def check_lines(checks: Iterable[CheckRow]) -> Iterator[str]:
    """Yield `contains: mean 0.79 over 40 (expectation met 31/40)` for each check."""
    for one in checks:
        if one.kind == "outcome":
            continue
        name = text.one_line(one.name, 60)
        words = [f"{name}: mean {number(one.mean)} over {one.n}"]
        if one.labels and not one.n:
            words = [f"{name}: {_labels(one.labels)}"]
        if one.direction == "lower":
            words.append("less is better")
        if one.stated:
            words.append(f"expectation met {one.met}/{one.stated}")
        if one.unscored:
            words.append(f"{one.unscored} not scored")
        if one.kind == "judge":
            words.append("judged by a model")
        yield ", ".join(words)


def reliability_words(found: Sequence[tuple[float, float]], *, exact: bool = False) -> str:
    """Return `k = 1, 2, 3 trials: all pass 42%, 27%, 22% (pass^k), one passes ... (pass@k)`.

    *exact* gives tenths of a percent.
    """
    show = _tenths if exact else percent
    last = len(found)
    shown = range(1, last + 1) if last <= 4 else (1, 2, 3, last)
    all_pass = ", ".join(show(found[k - 1][1]) for k in shown)
    one_passes = ", ".join(show(found[k - 1][0]) for k in shown)
    ks = ", ".join(map(str, shown))
    return f"k = {ks} trials: all pass {all_pass} (pass^k); one passes {one_passes} (pass@k)"


def wavering_words(found: Sequence[tuple[float, float]]) -> str:
    """Return how often two trials of a case disagree: the mean of the cases' flip rates.

    `2 (pass^1 - pass^2)`, which is 2c(K-c)/(K(K-1)) for c passes in K trials of each case.
    """
    return f"two trials of a case disagree in {_tenths(2 * (found[0][1] - found[1][1]))}"


def _tenths(value: float) -> str:
    return f"{value * 100:.1f}%"


def clustered_words(found: ClusteredMean | None) -> Iterator[str]:
    """Yield how much less trials of one case say than as many cases would; nothing for None."""
    if found is None or found.standard_error is None or found.iid_standard_error is None:
        return
    by_case, plain = found.standard_error * 100, found.iid_standard_error * 100
    alike = "" if found.icc is None else f"; intraclass correlation {found.icc:.2f}"
    yield (
        f"standard error {by_case:.2f} points by case, {plain:.2f} if all trials were "
        f"independent{alike}"
    )


def _labels(labels: Mapping[str, int]) -> str:
    often = sorted(labels.items(), key=lambda one: (-one[1], one[0]))
    shown = [f"{text.one_line(repr(label), 40)} {count}" for label, count in often[:5]]
    return ", ".join(shown + [f"... {len(often) - 5} more"] * (len(often) > 5))


def class_lines(classes: Iterable[ClassRow], verbose: int) -> Iterator[str]:
    """Yield a line for each classification; from *verbose* 1 on also one for each class, and the
    pairs that were confused."""
    for one in classes:
        found = one.report
        unscored = sum(found.unscored)
        yield (
            f"{text.one_line(one.name, 40)}: accuracy {number(found.accuracy)} over {found.size}, "
            f"macro F1 {number(found.macro.f1)}"
            + (f", {unscored} without a label count as wrong" if unscored else "")
        )
        if verbose >= 1:
            yield from _details(found)


def _details(found: stats.Classification) -> Iterator[str]:
    for name, average in (("macro", found.macro), ("weighted", found.weighted)):
        yield f"  {name}: {_three(average)}"
    for label, figures in found.per_class.items():
        yield f"  {text.one_line(repr(label), 40)}: {_three(figures)}, {figures.support} expected"
    for wanted, row in zip(found.labels, found.matrix, strict=True):
        for got, times in zip(found.labels, row, strict=True):
            if times and wanted != got:
                yield f"  {text.one_line(f'{wanted!r} taken for {got!r}', 80)}: {times}"


def _three(found: stats.Figures) -> str:
    three = (("precision", found.precision), ("recall", found.recall), ("F1", found.f1))
    return ", ".join(f"{name} {number(value)}" for name, value in three)
