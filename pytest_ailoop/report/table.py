"""Columns that fit a width: text in, lines out. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["table"]


def table(
    head: Sequence[str], body: Sequence[Sequence[str]], *, width: int, indent: str = "  "
) -> Iterator[str]:
    """Yield the head, then each row; the first column to the left, the others to the right.

    Where the names of the rows do not fit, each stands whole on a line above its row: cut, two of
    them might look the same. Where that is not enough, the last columns go to a second line.
    """
    sizes = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    room = width - len(indent) - sum(size + 2 for size in sizes[1:])
    above = sizes[0] > max(12, room)
    first = len(head[0]) if above else sizes[0]
    fitting = len(head)
    while fitting > 2 and _length(first, sizes[1:fitting], indent) > width:
        fitting -= 1
    for row in (head, *body):
        if above and row is not head:
            yield (indent + _tame(row[0])).rstrip()
        name = "" if above and row is not head else row[0]
        cells = [_tame(name.ljust(first))]
        cells += [cell.rjust(size) for cell, size in zip(row[1:fitting], sizes[1:], strict=False)]
        yield (indent + "  ".join(cells)).rstrip()
        if fitting < len(head) and row is not head:
            rest = zip(head[fitting:], row[fitting:], strict=True)
            yield indent + "    " + ", ".join(f"{name} {cell}" for name, cell in rest)


def _length(first: int, sizes: Sequence[int], indent: str) -> int:
    return len(indent) + first + sum(size + 2 for size in sizes)


def _tame(cell: str) -> str:
    """CI services trim blanks before they look for a command; a name must not be one."""
    return cell if not cell.lstrip().startswith(("::", "##")) else f"'{cell}"
