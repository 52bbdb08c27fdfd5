"""Secrets and control characters taken out of a test report, its tracebacks included.

`--tb=long -l` shows the locals of every frame, and a client library's frames hold keys.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import re
from typing import Any

from pytest_ailoop import redaction, text

__all__ = ["clean", "scrub", "scrub_warning"]


# CI services take a line that begins so for a command, whatever blanks stand before it. Blanks of
# this line alone: over empty lines, the time would grow with their square.
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_COMMAND_ANYWHERE = re.compile(r"(^|\s):(?=:)")


def clean(shown: str) -> str:
    """Return *shown* without secrets and without control of the terminal or of a CI service."""
    return _COMMAND.sub(r"\1\\x3a", text.safe(redaction.redact_shown(shown)))


def _clean_reason(shown: str) -> str:
    """Return *shown* on one line, fit to be wrapped: any word of it may come to begin a line."""
    return _COMMAND_ANYWHERE.sub(r"\1\\x3a", " ".join(clean(shown).split("\n")))


def scrub(report: Any) -> None:
    """Clean every text of *report* in place: sections, and the failure with its whole chain."""
    # What a test printed is what a model said, more often than not.
    report.sections = [(title, clean(body)) for title, body in report.sections]
    if hasattr(report, "wasxfail"):
        report.wasxfail = _clean_reason(report.wasxfail)
    if isinstance(report.longrepr, str):
        report.longrepr = clean(report.longrepr)
    elif isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = (path, line, _clean_reason(reason))
    elif report.longrepr is not None:
        _walk(report.longrepr, set())


def scrub_warning(warning: Any) -> None:
    """Clean a recorded warning, as the summary of warnings shows it."""
    said = str(warning.message)
    if clean(said) != said:
        # Any class will do: the category is shown, and not all can be made of a text.
        warning.message = UserWarning(clean(said))


def _walk(part: Any, seen: set[int]) -> None:
    """Clean the texts of pytest's representation objects, whatever their classes are."""
    if id(part) in seen:
        return
    seen.add(id(part))
    if isinstance(part, list):
        for index, value in enumerate(part):
            part[index] = _cleaned(value, seen)
    elif hasattr(part, "__dict__"):
        for name, value in vars(part).items():
            changed = _cleaned(value, seen)
            if changed is not value:
                # The representation classes are frozen dataclasses in some versions of pytest.
                object.__setattr__(part, name, changed)


def _cleaned(value: Any, seen: set[int]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(one, seen) for one in value)
    _walk(value, seen)
    return value
