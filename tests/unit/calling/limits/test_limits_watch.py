"""What the watch over deadlines keeps of waits that are over."""

from __future__ import annotations

import socket

from pytest_ailoop.calling.limits.deadlines import _Watch


def test_waits_that_are_over_are_not_kept_until_their_time() -> None:
    """Thousands of answered calls leave no more entries than one look at them is worth."""
    watch = _Watch()
    with socket.socket() as plug:
        last = watch.add(60.0, plug)
        for _ in range(2000):
            watch.remove(watch.add(120.0, plug))
        assert len(watch._entries) <= 150
        assert last in [entry for _, _, entry in watch._entries]
        watch.remove(last)
