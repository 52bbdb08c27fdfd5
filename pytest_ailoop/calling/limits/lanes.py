"""The lanes of a session, and the places of all of them. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import random
from collections.abc import Iterator

from pytest_ailoop.calling.limits.lane import Lane
from pytest_ailoop.calling.limits.slots import Slots, share_of
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.digest import digest_text
from pytest_ailoop.settings import Settings

__all__ = ["Lanes"]

#: Host, model and a digest of the key.
Name = tuple[str, str, str]

# Refusals that are worth a word, whatever came of them.
_MANY = 10


class Lanes:
    """Makes each lane once, with this process's share of its limits."""

    def __init__(self, settings: Settings, jitter: random.Random) -> None:
        self._settings, self._jitter = settings, jitter
        self._lanes: dict[Name, Lane] = {}
        #: The places for calls of all lanes.
        self.slots = self._slots_of(max(1, settings.concurrency), "all")

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def known(self, name: Name) -> Lane | None:
        """Return the lane of *name*, if there is one."""
        return self._lanes.get(name)

    def made(self, name: Name, spec: ModelSpec | None, now: float) -> Lane:
        """Return the lane of *name*, with the limits of *spec* where it is new at *now*."""
        return self._lanes.setdefault(name, self._new(name, spec, now))

    def _new(self, name: Name, spec: ModelSpec | None, now: float) -> Lane:
        settings, slots = self._settings, None
        most = self.slots.most
        if spec is not None and spec.concurrency is not None:
            slots = self._slots_of(spec.concurrency, digest_text(" ".join(name)))
            most = min(most, slots.most)
        model = name[1]
        return Lane(
            repr(model) if spec is None or spec.alias == model else f"{spec.alias!r} ({model})",
            most=most,
            now=now,
            rpm=_share(None if spec is None else spec.rpm, settings),
            tpm=_share(None if spec is None else spec.tpm, settings),
            offset=settings.worker / settings.workers,
            jitter=self._jitter,
            slots=slots if slots is not None and slots.polls else None,
        )

    def _slots_of(self, most: int, name: str) -> Slots:
        settings = self._settings
        return Slots(
            most,
            worker=settings.worker,
            workers=settings.workers,
            folder=settings.folder / "slots" / name,
        )

    def warnings(self) -> Iterator[str]:
        """Yield what a person should know at the end: who was refused how often."""
        for lane in list(self):
            if lane.left_alone:
                yield f"model {lane.name} was not asked any more: {lane.left_alone}"
                continue
            size, most = lane.window.lowest, lane.window.most
            if size < most or lane.refusals >= _MANY:
                down = f"; concurrency went down to {size}" if size < most else ""
                yield f"model {lane.name} refused {lane.refusals} calls (429, 503, 529){down}"


def _share(most: int | None, settings: Settings) -> float | None:
    if most is None:
        return None
    if most < settings.workers:
        return most / settings.workers
    return share_of(most, settings.worker, settings.workers)
