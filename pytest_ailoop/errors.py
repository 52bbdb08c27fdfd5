"""Every fault this package can name, as one tree.

```
AiloopError
├── UsageError          what a person wrote cannot be carried out: marker, option, configuration
│   └── ConfigError     ... in pyproject.toml or ailoop.toml
├── DatasetError        a data set cannot be read whole: file, line, case and field are named
├── PromptError         a prompt file cannot be read or rendered
├── ReplyError          a call got no usable reply: infrastructure, never quality
│   ├── ReplayMissError ... replay found no recording of it
│   ├── LimitError      ... its model is out of quota, or wants to be left alone for long
│   ├── BudgetError     ... the session's budget is spent: it was not even asked
│   └── BypassError     ... replay would have let it reach the network unseen
├── CheckError          a check could not run (user code raised, wrong return type)
├── BaselineError       a committed baseline cannot be read; never treated as "no baseline"
└── RunError            a stored run cannot be read
```

The message of each says where, what was expected, what was got and the next step;
`str(error)` is fit for a terminal once it went through `text.safe`. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib

__all__ = [
    "AiloopError",
    "BaselineError",
    "BudgetError",
    "BypassError",
    "CheckError",
    "ConfigError",
    "DatasetError",
    "LimitError",
    "PromptError",
    "ReplayMissError",
    "ReplyError",
    "RunError",
    "UsageError",
    "is_unanswered",
    "mark_unanswered",
]


_UNANSWERED = "_ailoop_unanswered"


def mark_unanswered(error: Exception) -> None:
    """Note on *error*, whatever its class, that a call got no reply because of it."""
    with contextlib.suppress(AttributeError):  # Slots.
        setattr(error, _UNANSWERED, True)


def is_unanswered(error: BaseException) -> bool:
    """Return whether *error* kept a call from its reply."""
    return hasattr(error, _UNANSWERED)


class AiloopError(Exception):
    """Base of all faults that pytest-ailoop raises by itself."""


class UsageError(AiloopError):
    """A marker, option or call was written in a way that cannot be carried out."""


class ConfigError(UsageError):
    """A `[tool.ailoop]` table or `ailoop.toml` holds what it must not."""


class DatasetError(AiloopError):
    """A data set is refused as a whole; nothing of it is used.

    Fields: *path* as the user knows it, *line* (1-based), *case_id* and *field*,
    each None where it is not known.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: str | None = None,
        line: int | None = None,
        case_id: str | None = None,
        field: str | None = None,
    ) -> None:
        self.problem, self.path, self.line = problem, path, line
        self.case_id, self.field = case_id, field
        where = path or "<data set>"
        if line is not None:
            where += f":{line}"
        about = "".join(
            f", {word} {value!r}"
            for word, value in (("case", case_id), ("field", field))
            if value is not None
        )
        super().__init__(f"{where}{about}: {problem}")


class PromptError(AiloopError):
    """A prompt file cannot be read, or a case cannot be rendered into it."""


class ReplyError(AiloopError):
    """A model call brought no usable reply; the item is an error, not a failure."""


class ReplayMissError(ReplyError):
    """Replay has no recording of this request."""


class BudgetError(ReplyError):
    """A call was not made: the session's limit of calls, cost or time is reached."""


class LimitError(ReplyError):
    """A call was not made: its model's quota is used up, or its server wants a long pause."""


class BypassError(ReplyError):
    """Something tried to reach the network past the recorded path during replay."""


class CheckError(AiloopError):
    """A check could not look at the value; no score came out."""


class BaselineError(AiloopError):
    """A committed baseline is damaged, in conflict or from another version."""

    def __init__(self, problem: str, *, path: str, line: int | None = None) -> None:
        self.problem, self.path, self.line = problem, path, line
        super().__init__(f"{path}{'' if line is None else f':{line}'}: {problem}")


class RunError(AiloopError):
    """A stored run is missing or damaged."""
