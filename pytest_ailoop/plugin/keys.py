"""Keys that stand in the frames of a failing test, learned before pytest shows those frames.

A request teaches its keys as it passes. A client that failed before, or a test that never asked,
has taught nothing. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import FrameType

from pytest_ailoop import redaction

__all__ = ["learn_from"]

# Whole names, and only telling ones: `key` and `token` are ordinary words of a program.
_NAME = re.compile(
    r"(?i)\w*(api_?key|secret|passw(or)?d|credentials?|(access|auth|api|bearer)_?token|authorization)"
)
_MOST = 200


def learn_from(fault: BaseException) -> None:
    """Learn what clients and tellingly named variables hold in the frames of *fault*."""
    from pytest_ailoop.calling.credentials import learn_client

    seen: set[int] = set()
    for frame in _frames(fault):
        for names in (frame.f_locals, frame.f_globals):
            if id(names) in seen:
                continue
            seen.add(id(names))
            for name, value in list(names.items()):
                if isinstance(value, str):
                    if _NAME.fullmatch(name) and " " not in value:
                        redaction.learn(value)
                else:
                    learn_client(value)


def _frames(fault: BaseException | None) -> Iterator[FrameType]:
    """Yield the outer frames of *fault* and of what it was raised from."""
    chain: list[BaseException] = []
    while fault is not None and fault not in chain:
        chain.append(fault)
        one = fault.__traceback__
        for _ in range(_MOST):
            if one is None:
                break
            yield one.tb_frame
            one = one.tb_next
        fault = fault.__cause__ or fault.__context__
