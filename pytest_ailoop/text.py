"""Untrusted text made fit to be shown: no control of the terminal, bounded length.

Case text, model and judge output, ids and error messages pass `safe` or `lines`
before they reach a screen. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterator

__all__ = [
    "cut",
    "diff",
    "ends",
    "lines",
    "one_line",
    "plural",
    "safe",
    "suggestion",
    "tail",
    "whole",
    "wrapped",
]

# C0 without tab and newline, DEL, C1, bidi controls, zero width, BOM, separators, surrogates;
# and the first # of what CI services read as a command anywhere in a line (##vso[, ##[).
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\ud800-\udfff]|[\U000e0000-\U000e007f]"
    "|#(?=#(?:vso|teamcity|)\\[)"
)
_COMMAND = re.compile(r"^( *)(::|##)")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe(text: str) -> str:
    """Return *text* with control characters as visible escapes; `\\n` and `\\t` stay."""
    return _CONTROL.sub(_escape, text)


def whole(text: str) -> str:
    """Return *text* with half surrogate pairs as visible escapes: neither a strict JSON parser nor
    a channel to another process takes them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str, width: int = 80) -> str:
    """Return *text* safe, on one line, at most *width* characters."""
    return cut(" ".join(safe(text).split()), width)


def cut(text: str, width: int) -> str:
    """Return *text*, its end replaced by `...` where it is longer than *width*."""
    return text if len(text) <= width else text[: max(0, width - 3)] + "..."[:width]


def wrapped(line: str, width: int) -> list[str]:
    """Return *line* in pieces of at most *width* characters, broken at blanks where there are any.

    Later pieces are indented, and none begins with what a CI service reads as a command.
    """
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    pieces = textwrap.wrap(
        line, width - 2, subsequent_indent=indent, break_on_hyphens=False, tabsize=1
    )
    return [pieces[0], *(_COMMAND.sub(r"\1| \2", piece) for piece in pieces[1:])]


def tail(text: str, count: int = 12, most: int | None = None) -> str:
    """Return the last *count* lines of *text*, of these the last *most* characters, saying how
    many were left out."""
    rows = text.splitlines()
    if len(rows) > count:
        text = "\n".join([f"... {plural(len(rows) - count, 'line')} above", *rows[-count:]])
    if most is None or len(text) <= most:
        return text
    return f"... {plural(len(text) - most, 'character')} above\n{text[-most:]}"


def ends(text: str, most: int, *, prefix: str = "") -> str:
    """Return the first and the last of *text*, about *most* characters together, saying how many
    were left out between them.

    Each line that is added begins with *prefix*, and none with a character of *text*: where it was
    cut, a command of a CI service may follow.
    """
    over = len(text) - most
    if over < _WORTH:
        return text
    last = most // 3
    head, end = text[: most - last], text[len(text) - last :]
    return f"{head}\n{prefix}... {over:,} characters left out (-vv shows all)\n{prefix}...{end}"


# To leave out fewer would save nothing: the words for it take as many.
_WORTH = 100


def lines(
    text: str, *, prefix: str = "  ", limit: int | None = None, most: int | None = None
) -> Iterator[str]:
    """Yield *text* safe, each line behind *prefix*, so that no line of it starts a line.

    A CI service reads commands at line starts; untrusted text must never stand there. At most
    *limit* lines and about *most* characters are shown, and how much was left out.
    """
    rows = safe(text).split("\n")
    kept = _within(rows if limit is None else rows[:limit], most)
    for row in kept:
        yield prefix + row
    if len(kept) < len(rows):
        yield f"{prefix}... {plural(len(rows) - len(kept), 'line')} more (-vv shows all)"


def _within(rows: list[str], most: int | None) -> list[str]:
    """Return the first of *rows* that hold *most* characters together; the last is cut."""
    if most is None:
        return rows
    for number, row in enumerate(rows):
        if len(row) > most:
            over = f"... {plural(len(row) - most, 'character')} more in this line (-vv shows all)"
            return [*rows[:number], row[:most] + over]
        most -= len(row)
    return rows


def diff(old: str, new: str, *, limit: int | None = 20) -> Iterator[str]:
    """Yield a line diff from *old* (`-`) to *new* (`+`), safe and bounded.

    Beyond 2,000 lines a side, only the first 2,000 are compared: difflib is quadratic.
    """
    before, after = (safe(side).splitlines()[:2000] for side in (old, new))
    # The head is two rows; a row of text may begin like it.
    rows = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
    found = [row for row in rows if not row.startswith("@@")]
    shown = found if limit is None else found[:limit]
    yield from shown
    if len(shown) < len(found):
        yield f"... {plural(len(found) - len(shown), 'line')} more (-vv shows all)"


def plural(count: int, noun: str) -> str:
    """Return `1 case`, `2 cases`: *noun* takes an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def suggestion(word: str, known: list[str]) -> str:
    """Return `; did you mean 'x'?` where one of *known* is close to *word*, else ``."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
