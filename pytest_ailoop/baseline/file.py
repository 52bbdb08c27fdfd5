"""The text of a baseline file: one case a line, sorted, mergeable, for a reviewer's eye.

```
{"ailoop": "baseline", "schema": 1}
{"test": "test_answers", "dataset": "3f0c..."}
{"test": "test_answers", "variant": {"model": "mini"}, "case": "refund-01", "trials": 3, "scores":
  {"contains": {"mean": 1, "n": 3, "met": 3, "check": "77ab..."}}, "digest": "90d1...", ...}
```

(A case line is one line.) A `test` line gives the digest of the data set as it was when a case of
that test was last accepted, and by alias that of name and parameters of each model (`asked`); a
case line says `dataset` or `asked` only where it is another. Whatever cannot be read in full is
refused with its line: damage is never "no baseline". PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_ailoop.baseline.line import Usual, case_from_line, case_line
from pytest_ailoop.data.baseline import Accepted, EntryKey
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.errors import BaselineError

__all__ = [
    "PINNED",
    "SCHEMA",
    "SUFFIX",
    "baseline_path",
    "dump",
    "kept_path",
    "parse",
    "pinned_path",
    "read",
    "sort_key",
]

SCHEMA = 1
"""Version of the format; a newer one is refused."""

SUFFIX = ".ailoop"
"""Own suffix, so that syrupy can be told to leave these files alone."""

PINNED = f".pinned{SUFFIX}"

HEADER = {"ailoop": "baseline", "schema": SCHEMA}

_RESTORE = "restore the file from git, or delete it and accept a run anew"
_CONFLICT = re.compile(r"<{7}(?: |$)|={7}$|>{7}(?: |$)|\|{7}(?: |$)")
# Valid JSON, but unfit for a line of text or an editor: written as \uXXXX.
_UNFIT = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
    "|[\U000e0000-\U000e007f]"
)


def baseline_path(root: Path, module: str) -> Path:
    """Return where the baseline of *module* (relative to *root*, with `/`) is kept."""
    pure = PurePosixPath(module)
    return root.joinpath(*pure.parent.parts, "__snapshots__", pure.stem + SUFFIX)


def pinned_path(root: Path, module: str) -> Path:
    """Return where the pinned baseline of *module* is kept: beside the rolling one."""
    path = baseline_path(root, module)
    return path.with_name(path.name.removesuffix(SUFFIX) + PINNED)


def kept_path(root: Path, module: str, since: str) -> Path:
    """Return where *since*, the `baseline` or the `pinned baseline`, of *module* is kept."""
    return (pinned_path if since == "pinned baseline" else baseline_path)(root, module)


def sort_key(key: EntryKey) -> tuple[str, str, str, str]:
    """Order lines by test, variant and case, the same on every machine."""
    variant = key.variant
    text = _variant_text(variant) if variant.params else _bare_text(variant.model, variant.prompt)
    return key.module, key.test, text, key.case


def _variant_text(variant: Variant) -> str:
    return json.dumps(variant.plain(), sort_keys=True)


# Each line asks for it.
@functools.lru_cache(maxsize=256)
def _bare_text(model: str | None, prompt: str | None) -> str:
    return _variant_text(Variant(model=model, prompt=prompt))


def dump(entries: Iterable[Accepted]) -> str:
    """Return the file's text for the *entries* of one module; their order does not matter.

    Numbers are rounded to 6 decimals. Raises `ValueError` for a number that is not finite.
    """
    ordered = sorted(entries, key=lambda one: sort_key(one.key))
    groups: dict[str, list[Accepted]] = {}
    for entry in ordered:
        groups.setdefault(entry.key.test, []).append(entry)
    rows: list[Mapping[str, Any]] = [HEADER]
    for test, members in groups.items():
        usual = _usual(members)
        asked = {"asked": dict(usual.asked)} if usual.asked else {}
        rows.append({"test": test, "dataset": usual.dataset, **asked})
        rows.extend(case_line(one, usual) for one in members)
    return "".join(text_line(row) + "\n" for row in rows)


def text_line(row: Mapping[str, Any]) -> str:
    """Return *row* as JSON on one line of printable text, keys in the order given."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    return _UNFIT.sub(lambda match: json.dumps(match.group())[1:-1], text)


def _usual(members: Sequence[Accepted]) -> Usual:
    asked: dict[str, list[str]] = {}
    for one in members:
        if one.key.variant.model and one.asked_digest:
            asked.setdefault(one.key.variant.model, []).append(one.asked_digest)
    return Usual(
        dataset=_most(one.dataset_digest for one in members),
        asked={alias: _most(asked[alias]) for alias in sorted(asked)},
    )


def _most(digests: Iterable[str]) -> str:
    counted = Counter(digests)
    return min(counted, key=lambda one: (-counted[one], one))


def read(path: Path, *, module: str, shown: str) -> dict[EntryKey, Accepted]:
    """Return the accepted scores in the file *path*; empty where there is no file.

    *shown* is the path as errors name it. Raises `BaselineError` for damage.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BaselineError(f"cannot be read: {error.strerror or error}", path=shown) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BaselineError(f"is not UTF-8; {_RESTORE}", path=shown, line=line) from error
    return parse(text, path=shown, module=module)


def parse(text: str, *, path: str, module: str) -> dict[EntryKey, Accepted]:
    """Return what `dump` was given. *path* is named in errors.

    Raises `BaselineError` with the line for JSON that cannot be read, merge conflicts,
    a case that stands twice, a newer schema, a missing header and values of a wrong type.
    """
    found: dict[EntryKey, Accepted] = {}
    places: dict[EntryKey, int] = {}
    usual: dict[str, Usual] = {}
    rows = _rows(text, path)
    _check_header(next(rows, None), path)
    for number, row in rows:
        try:
            if "case" not in row:
                _take_group(row, usual)
                continue
            entry = case_from_line(row, module=module, usual=usual)
        except ValueError as error:
            raise BaselineError(f"{error}; {_RESTORE}", path=path, line=number) from error
        if entry.key in found:
            raise _twice(entry.key, path, number, places[entry.key])
        found[entry.key], places[entry.key] = entry, number
    return found


def _rows(text: str, path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if _CONFLICT.match(line):
            raise BaselineError(
                "has git conflict markers: keep either side's lines (or both, where the cases "
                "differ), then accept the cases that both sides changed anew",
                path=path,
                line=number,
            )
        if line.strip():
            yield number, _row(line, path, number)


def _row(line: str, path: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=_pairs, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        problem = f"is not a JSON line ({error}); {_RESTORE}"
        raise BaselineError(problem, path=path, line=number) from error
    if not isinstance(row, dict):
        problem = f"expected a JSON object, got {type(row).__name__}; {_RESTORE}"
        raise BaselineError(problem, path=path, line=number)
    return row


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = Counter(name for name, _ in pairs)
        twice = next(name for name, count in names.items() if count > 1)
        raise ValueError(f"key {twice!r} stands twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _check_header(first: tuple[int, dict[str, Any]] | None, path: str) -> None:
    number, row = first or (1, {})
    if row.get("ailoop") != "baseline":
        problem = f"expected the header {text_line(HEADER)} on the first line; {_RESTORE}"
        raise BaselineError(problem, path=path, line=number)
    schema = row.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        problem = f"expected a schema number, got {schema!r}; {_RESTORE}"
        raise BaselineError(problem, path=path, line=number)
    if schema > SCHEMA:
        raise BaselineError(
            f"has schema {schema}, this pytest-ailoop reads up to {SCHEMA}: "
            "update it (pip install -U pytest-ailoop)",
            path=path,
            line=number,
        )


def _take_group(row: Mapping[str, Any], usual: dict[str, Usual]) -> None:
    test, dataset, asked = row.get("test"), row.get("dataset"), row.get("asked", {})
    known = set(row) <= {"test", "dataset", "asked"}
    if not (known and isinstance(test, str) and isinstance(dataset, str) and _are_texts(asked)):
        raise ValueError(f"expected a case line or a test line, got the keys {sorted(row)}")
    if test in usual:
        raise ValueError(f"the line of test {test!r} stands twice")
    usual[test] = Usual(dataset=dataset, asked=asked)


def _are_texts(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(one, str) for one in found.values())


def _twice(key: EntryKey, path: str, line: int, first: int) -> BaselineError:
    variant = f", variant {key.variant.label!r}" if key.variant.label else ""
    return BaselineError(
        f"case {key.case!r} of {key.test!r}{variant} stands twice, first on line {first}: "
        "delete one of the two lines",
        path=path,
        line=line,
    )
