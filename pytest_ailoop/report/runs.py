"""Run files: `.ailoop/runs/<id>/run.json` and `results.jsonl`, written whole and read back.

`results.jsonl` has one item record a line, in plan order, and no clock: the same replies give the
same bytes however many workers there were. How long the bodies took stands in `timings.json`.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from pytest_ailoop.data import call, case, record, score
from pytest_ailoop.data.baseline import entry_key
from pytest_ailoop.data.record import SCHEMA, ItemKey, ItemRecord, Plan, RunRecord
from pytest_ailoop.errors import RunError
from pytest_ailoop.files import private_folder, write_atomically
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.redaction import may_hold, redact
from pytest_ailoop.report.shelf import as_kept
from pytest_ailoop.report.timings import Timings
from pytest_ailoop.text import suggestion, whole

__all__ = [
    "StoredRun",
    "find",
    "latest",
    "missing",
    "names",
    "planned_keys",
    "read",
    "read_run",
    "write",
]

FOLDER = ".ailoop"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRun:
    """A run as it was kept."""

    run: RunRecord
    records: tuple[ItemRecord, ...]


def runs_folder(root: Path) -> Path:
    """Return where the runs of the project at *root* are kept."""
    return root / FOLDER / "runs"


def planned_keys(plan: Plan) -> Iterator[ItemKey]:
    """Yield every item of *plan* in order: test, variant, case, trial."""
    for test in plan.tests:
        for variant in test.variants:
            for one in test.selected:
                for trial in range(1, test.trials.get(one, 1) + 1):
                    yield ItemKey(
                        module=test.module, test=test.test, variant=variant, case=one, trial=trial
                    )


def missing(plan: Plan, records: Iterable[ItemRecord]) -> tuple[ItemKey, ...]:
    """Return the items of *plan* that have no record, in its order."""
    there = {_place(one.key) for one in records}
    return tuple(key for key in planned_keys(plan) if _place(key) not in there)


def _place(key: ItemKey) -> tuple[Any, int]:
    return entry_key(key), key.trial


def write(root: Path, run: RunRecord, records: Sequence[ItemRecord]) -> Path:
    """Keep a run; return its folder. Known secrets are masked, floats that are no number refused.

    The folder is this user's only and ignored by git. Raises `OSError` as the system gives it,
    and `ValueError` for NaN.
    """
    private_folder(root / FOLDER)
    folder = runs_folder(root) / run.id
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A line at a time: a hundred thousand of them are more than all else that a run holds.
    timings = Timings(_line)
    write_atomically(folder / "results.jsonl", _results(records, timings))
    write_atomically(folder / "timings.json", timings.pieces())
    # Last: a folder with a run.json is a whole run.
    write_atomically(folder / "run.json", _pieces(record.plain(run), whole=len(records) <= _FEW))
    for name in ("results.jsonl", "timings.json", "run.json"):
        os.chmod(folder / name, 0o600)
    return folder


def _results(records: Sequence[ItemRecord], timings: Timings) -> Iterator[str]:
    """Yield a line for each record, without its duration, which *timings* keep."""
    for one in as_kept(records):
        if isinstance(one, dict):
            timings.note(one["nodeid"], one["duration"])
        else:
            timings.note(one.nodeid, one.duration)
        text = _compact(one, exclude=_CLOCK)
        if text is None or not (text.isascii() and _is_clear(text)):
            found = dict(one) if isinstance(one, dict) else record.plain(one)
            found = {name: found[name] for name in found if name not in _CLOCK}
            text = text_of(found) if text is None else _in_ascii(found, text)
        yield f"{text}\n"


_CLOCK = {"duration"}


def _line(value: Any, indent: int) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return _in_ascii(value, text, indent)


#: Items of a run that is written in one piece; a plan names each of its cases several times.
_FEW = 5000


def _pieces(value: Any, *, whole: bool) -> Iterator[str]:
    """Yield the lines of a JSON value, not *whole* where they name a hundred thousand cases."""
    text = _compact(value, indent=1) if whole else None
    if text is not None and text.isascii() and _is_clear(text):
        yield f"{text}\n"
        return
    value = value if _is_clear_throughout(value) else _masked(value)
    yield from json.JSONEncoder(allow_nan=False, indent=1).iterencode(value)
    yield "\n"


def _is_clear_throughout(value: Any) -> bool:
    """Return what `is_clear` does, without the whole text at once; no text is cut in two."""
    parts = _ANY.iterencode(value)
    try:
        while text := "".join(itertools.islice(parts, 1000)):
            if not _is_clear(text):
                return False
    except (TypeError, ValueError):
        return False
    return True


# json.dumps with options builds an encoder for each call, which costs as much as a short report.
_FINITE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ANY = json.JSONEncoder(ensure_ascii=False)


def text_of(value: Any) -> str:
    """Return a JSON value in ASCII on one line, with secrets masked in its texts.

    Raises `TypeError` and `ValueError` for what is not JSON, NaN among it.
    """
    return _in_ascii(value, _FINITE.encode(value))


def _compact(value: Any, exclude: set[str] | None = None, indent: int | None = None) -> str | None:
    """Return a record, or what it is as JSON values, as JSON; None where there is more to it."""
    # It takes a third of json's time, for each item twice.
    from pydantic_core import to_json

    try:
        text = to_json(value, indent=indent, inf_nan_mode="constants", exclude=exclude).decode()
    except ValueError:  # Halves of surrogate pairs, for one.
        return None
    # Words of a text, or numbers that are none.
    return None if "NaN" in text or "Infinity" in text else text


def _in_ascii(value: Any, text: str, indent: int | None = None) -> str:
    """Return *text*, the JSON of *value*, without secrets and in ASCII."""
    if not _is_clear(text):
        value = _masked(value)
    elif text.isascii():
        return text
    return json.dumps(value, indent=indent, separators=None if indent else (",", ":"))


def masked(value: Any) -> Any:
    """Return a JSON value with secrets masked in its texts; itself where it holds none.

    Not in the JSON's own text: a secret of digits may be part of a number, and one with a quote
    or backslash is spelled otherwise there. Names of our own fields stay.
    """
    return value if is_clear(value) else _masked(value)


def is_clear(value: Any) -> bool:
    """Return whether a JSON value holds nothing to be masked; False for what is not JSON."""
    try:
        return _is_clear(_compact(value) or _ANY.encode(value))
    except (TypeError, ValueError):
        return False


def _is_clear(text: str) -> bool:
    """Return whether nothing in a JSON text is to be masked or escaped: nearly always so.

    One look at it as a whole costs a fifth of one at each of its strings.
    """
    return text == whole(text) and not may_hold(text)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return whole(redact(value))
    if isinstance(value, dict):
        fields_of_ours = _field_names()
        return {
            name if name in fields_of_ours else whole(redact(str(name))): one
            if type(one) in _NUMBERS
            else _masked(one)
            for name, one in value.items()
        }
    return [_masked(one) for one in value] if isinstance(value, (list, tuple)) else value


_NUMBERS = frozenset({int, float, bool, type(None)})


@cache
def _field_names() -> frozenset[str]:
    nouns = [
        *(record.RunRecord, record.Plan, record.PlannedTest, record.ItemRecord, record.ItemKey),
        *(record.Fault, call.Call, call.Usage, case.DatasetFacts, score.Score, score.Expectation),
    ]
    return frozenset(one.name for noun in nouns for one in fields(noun))


def names(root: Path) -> list[str]:
    """Return the ids of all kept runs, oldest first."""
    try:
        found = list(runs_folder(root).iterdir())
    except OSError:
        return []
    return sorted(one.name for one in found if (one / "run.json").is_file())


def latest(root: Path) -> Path:
    """Return the folder of the newest run; raises `RunError` where there is none."""
    found = names(root)
    if not found:
        problem = f"no run is kept under {FOLDER}/runs: run pytest with evals first"
        raise RunError(problem)
    return runs_folder(root) / found[-1]


def find(root: Path, name: str | None) -> Path:
    """Return the folder of a run by its id or an unambiguous beginning or end of it.

    None and `latest` are the newest one. Raises `RunError` with the runs there are.
    """
    if name is None or name == "latest":
        return latest(root)
    found = names(root)
    if name in found:
        return runs_folder(root) / name
    close = [one for one in found if one.startswith(name) or one.endswith(name)] if name else []
    if len(close) == 1:
        return runs_folder(root) / close[0]
    if close:
        raise RunError(f"run {name!r} is not one run: {', '.join(close[-5:])}")
    there = f"the newest are {', '.join(found[-3:])}" if found else "none is kept yet"
    raise RunError(f"no run {name!r} under {FOLDER}/runs; {there}{suggestion(name, found)}")


def read(folder: Path) -> StoredRun:
    """Return the run kept in *folder*; raises `RunError` with the file and line of damage."""
    shown = f"{FOLDER}/runs/{folder.name}"
    run = read_run(folder)
    timings = _timings(folder / "timings.json", f"{shown}/timings.json")
    records = []
    places: dict[tuple[Any, int], int] = {}
    text = _text(folder / "results.jsonl", f"{shown}/results.jsonl")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            one = _record_from(line, f"{shown}/results.jsonl:{number}")
            first = places.setdefault(_place(one.key), number)
            if first != number:
                raise RunError(
                    f"{shown}/results.jsonl:{number}: {one.nodeid} stands twice, first on line "
                    f"{first}; it would be counted twice"
                )
            records.append(replace(one, duration=timings.get(one.nodeid, 0.0)))
    return StoredRun(run=run, records=tuple(records))


def read_run(folder: Path) -> RunRecord:
    """Return the run kept in *folder* without its records; raises `RunError` as `read` does."""
    shown = f"{FOLDER}/runs/{folder.name}/run.json"
    return _run_from(_read_json(folder / "run.json", shown), shown)


def _run_from(data: Any, shown: str) -> RunRecord:
    if isinstance(data, dict) and isinstance(data.get("schema"), int) and data["schema"] > SCHEMA:
        raise RunError(
            f"{shown}: has schema {data['schema']}, this pytest-ailoop reads up to {SCHEMA}: "
            "update it (pip install -U pytest-ailoop)"
        )
    try:
        return record.run_from(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{shown}: is no run record ({_words(error)})") from error


def _record_from(line: str, shown: str) -> ItemRecord:
    try:
        return record.item_from(json.loads(line))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RunError(f"{shown}: is no item record ({_words(error)})") from error


def _words(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)[:200]


def _timings(path: Path, shown: str) -> Mapping[str, float]:
    data = _read_json(path, shown) if path.exists() else {}
    if not isinstance(data, dict):
        raise RunError(f"{shown}: expected an object, got {type(data).__name__}")
    return {str(name): float(one) for name, one in data.items() if isinstance(one, (int, float))}


def _read_json(path: Path, shown: str) -> Any:
    try:
        return json.loads(_text(path, shown))
    except (ValueError, RecursionError) as error:
        raise RunError(f"{shown}: is not JSON ({error})") from error


def _text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"{shown}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{shown}: is not UTF-8") from error
