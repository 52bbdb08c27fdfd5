"""Columns that fit a width: text in, lines out. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_ailoop.text import cut

__all__ = ["table"]


def table(
    head: Sequence[str], body: Sequence[Sequence[str]], *, width: int, indent: str = "  "
) -> Iterator[str]:
    """Yield the head, then each row; the first column to the left, the others to the right.

    The first column is cut where the row would not fit, to 12 characters at least. Where that is
    not enough, the last columns go to a second line below their row.
    """
    sizes = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    first = min(sizes[0], max(12, width - len(indent) - sum(size + 2 for size in sizes[1:])))
    fitting = len(head)
    while fitting > 2 and _length(first, sizes[1:fitting], indent) > width:
        fitting -= 1
    for row in (head, *body):
        cells = [_tame(cut(row[0], first).ljust(first))]
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
