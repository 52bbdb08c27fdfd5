"""How many calls of a model may be in flight, learned from what its server refuses.

A server that refuses says nothing of why. Where each call fails by the same chance, however few are
in flight, cutting the concurrency at every refusal ends at next to none and cures nothing. So each
cut is on trial: the refusals after it are weighed against what they would be if load were their
cause, and if it were not. Counts replies and knows no clock. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Window"]

# Log of the likelihood ratio at which a trial is decided, and the replies that end it anyhow.
_SURE = 2.5
_ENOUGH = 64
# A share of refusals that is next to all: there is nothing to lose by a cut.
_HOPELESS = 0.6
# What a cut that helps leaves: never quite nothing.
_LEAST = 0.02
# Rounds that a refused step is not tried again, and that an idle cut is not; both double.
_HOLD, _HOLD_MOST = 4, 16
_PATIENCE, _PATIENCE_MOST = 20, 320
_SHORTEST_ROUND = 10


@dataclass(slots=True)
class _Count:
    replies: int = 0
    refused: int = 0

    def add(self, refused: bool) -> None:
        self.replies += 1
        self.refused += refused


class Window:
    """The number of calls of one lane that may be in flight.

    It is halved once for the calls that were in flight together when the server refused one,
    and given back where that did not help. It grows while replies are clean, and stays a step
    below the number that was refused; that one is tried again now and then.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        #: Calls that may be in flight now; from 1 to *most*.
        self.size = most
        #: Calls bear the epoch they were sent in: what comes back of an earlier one is no news.
        self.epoch = 0
        #: The lowest that the size has been cut to and left at.
        self.lowest = most
        self._count = _Count()
        self._before: _Count | None = None
        self._size_before = most
        self._grown_from: int | None = None
        self._refused_at: int | None = None
        self._share = 0.0
        self._hold, self._held, self._step = _HOLD, 0, 1
        self._patience = self._cure_in = _PATIENCE
        self._was_full = False

    def filled(self) -> None:
        """Note that as many calls were in flight as may be: only then does growing help."""
        self._was_full = True

    def replied(self, epoch: int, *, refused: bool) -> None:
        """Learn from the reply to a call that was sent in *epoch*."""
        if epoch == self.epoch:
            self._count.add(refused)
            if self._before is not None:
                self._try(self._before)
            else:
                self._judge()
        elif epoch == self.epoch - 1 and self._before is not None:
            self._before.add(refused)

    def _judge(self) -> None:
        count = self._count
        if count.refused and self._is_too_much(count):
            self._refused()
        elif count.replies >= max(self.size, _SHORTEST_ROUND if self._share else 1):
            self._clean()

    def _is_too_much(self, count: _Count) -> bool:
        """Return whether more was refused than the share that no cut has cured."""
        expected = count.replies * self._share
        spread = math.sqrt(expected * (1 - self._share))
        return count.refused > expected + 3 * spread

    def _refused(self) -> None:
        if self._grown_from is not None:
            self._refused_at = self.size
            self._hold = min(2 * self._hold, _HOLD_MOST)
            self._set(self._grown_from)
        elif self.size > 1:
            self._cut()
        else:
            self._count = _Count()

    def _cut(self) -> None:
        before, self._size_before = self._count, self.size
        self._set(self.size // 2)
        self._before = before

    def _try(self, before: _Count) -> None:
        """Decide whether the cut helped, as soon as the replies tell."""
        share = (before.refused + 0.5) / (before.replies + 2)
        if share >= _HOPELESS:
            self._keep()
            return
        helped = max(_LEAST, 1 - (1 - share) * self._size_before / self.size)
        refused = self._count.refused
        passed = self._count.replies - refused
        weight = refused * math.log(helped / share)
        weight += passed * math.log((1 - helped) / (1 - share))
        decided = abs(weight) >= _SURE or self._count.replies >= _ENOUGH
        if decided and weight > 0:
            self._keep()
        elif decided:
            self._restore(before)

    def _keep(self) -> None:
        self._before = None
        self._refused_at = self._size_before
        self._hold, self._step = _HOLD, 1
        # What helped once may help again, at once.
        still = self._count.refused > self._count.replies * self._share / 2
        self._cure_in, self._patience = 1 if still else _PATIENCE, _PATIENCE
        self.lowest = min(self.lowest, self.size)
        self._judge()

    def _restore(self, before: _Count) -> None:
        replies = before.replies + self._count.replies
        share = (before.refused + self._count.refused) / replies
        self._before = None
        self._refused_at = None
        self._cure_in, self._patience = self._patience, min(2 * self._patience, _PATIENCE_MOST)
        self._set(self._size_before)
        self._share = share

    def _clean(self) -> None:
        count, self._grown_from = self._count, None
        if self._share:
            self._share += 0.2 * (count.refused / count.replies - self._share)
            self._cure_in -= 1
            if self._share < 0.01:
                self._share = 0.0
            elif self._cure_in <= 0 and self.size > 1:
                self._cut()
                return
        self._count = _Count()
        if self._was_full and self.size < self.most:
            self._grow()
        self._was_full = False

    def _grow(self) -> None:
        size, limit = self.size, self._refused_at
        if limit is None:
            target = 2 * size
        elif size + 1 < limit:
            target = size + max(1, (limit - size) // 2)
        elif size + 1 == limit:
            self._held += 1
            if self._held < self._hold:
                return
            target = limit
        else:  # What was refused once is not any more.
            self._hold = _HOLD
            self._step *= 2
            target = size + self._step
        self._grown_from = size
        self._set(min(target, self.most), grown_from=size)

    def _set(self, size: int, grown_from: int | None = None) -> None:
        self.size = size
        self.epoch += 1
        self._count = _Count()
        self._grown_from = grown_from
        self._held, self._was_full = 0, False
        if grown_from is None:
            self._step = 1
