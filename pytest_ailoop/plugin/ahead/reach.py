"""How far bodies may run before their turn. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["Reach", "reach_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What one process may have begun."""

    share: int
    """Bodies at work at once."""
    lookahead: int
    """Bodies started before their turn and not reported."""
    most: int | None
    """The same while the awaited body takes long; None is no more than ever."""


def reach_of(evaluation: Evaluation, workers: int) -> Reach:
    """Return what each of so many processes may begin, by the session's options."""
    settings = evaluation.settings
    share = -(-settings.concurrency // workers)
    if settings.lookahead is not None:
        return Reach(share=share, lookahead=settings.lookahead, most=None)
    if evaluation.config.getoption("maxfail", 0):
        return Reach(share=share, lookahead=share, most=None)
    return Reach(share=share, lookahead=4 * share, most=32 * share)
