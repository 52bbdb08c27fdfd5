"""A line of the table: how often something was seen and may be, or how many calls were made."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ailoop.stats.intervals import clopper_pearson_bound

__all__ = ["Calls", "Line", "Simulation", "text_of"]

DOUBT = 0.001
"""A simulation is chance itself: it contradicts what chance does once in a thousand at most."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """So many hits of so many simulated gates or runs."""

    what: str
    hits: int
    of: int
    most: float | None = None
    """The share that the bound allows."""
    stated: tuple[float, float] | None = None
    """From where to where docs/statistics.md, or all outcomes gone through, put the share."""

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share lies; chance puts it outside once in a thousand, on each side."""
        return (
            clopper_pearson_bound(self.hits, self.of, DOUBT, "lower"),
            clopper_pearson_bound(self.hits, self.of, DOUBT, "upper"),
        )

    @property
    def ok(self) -> bool | None:
        """Whether the hits agree with what is allowed or stated; None where nothing is."""
        low, high = self.interval
        if self.most is not None:
            return low <= self.most
        if self.stated is not None:
            return low <= self.stated[1] and self.stated[0] <= high
        return None


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Calls that were made, one an item, of those that a run to the end makes."""

    what: str
    made: int
    planned: int
    ok: None = None

    @property
    def saved(self) -> float:
        """The share that nobody needed."""
        return 1 - self.made / self.planned


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """How much is simulated, and where."""

    folder: str
    share: float = 1.0
    """Of the runs that a row has by itself."""

    def runs(self, whole: int) -> int:
        """Return how many runs to make where *whole* are the figure's."""
        return max(2, round(whole * self.share))


def text_of(line: Line | Calls) -> str:
    """Return one line of the table."""
    if isinstance(line, Calls):
        calls = f"{line.made:>5} of {line.planned:<6}"
        return f"{line.what + ': calls':<70}{calls}{line.saved:>6.0%}  saved"
    low, high = line.interval
    found = f"{line.hits:>5} of {line.of:<6}{line.hits / line.of:>6.1%}  [{low:.1%}, {high:.1%}]"
    bound = ""
    if line.most is not None:
        bound = f"<= {line.most:.1%}"
    elif line.stated is not None:
        least, most = (f"{one:.1%}" for one in line.stated)
        bound = f"= {least}" if least == most else f"= {least} to {most}"
    verdict = "" if line.ok is None else "ok" if line.ok else "MISSED"
    return f"{line.what:<70}{found:<40}{bound:<18}{verdict}".rstrip()
