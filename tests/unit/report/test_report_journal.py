"""The journal: what is written is read, and what is damaged is never taken for a result."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ailoop.errors import RunError
from pytest_ailoop.report import journal
from pytest_ailoop.report.journaled import line_of
from pytest_ailoop.report.project import UNSURE

REPORTS = [{"when": "setup"}, {"when": "call", "sections": [["out", "\u2028 \ud83d 10 %"]]}]
TEXTS = list(map(json.dumps, REPORTS))


def begun(root: Path, name: str = "one") -> journal.Writer:
    return journal.Writer.new(root, name, {"started": "2026-01-01T00:00:00+00:00"})


def written(root: Path, count: int = 3) -> Path:
    """Write a journal with facts and *count* items; return its path."""
    writer = begun(root)
    writer.facts({"app.py": "1", "data.csv": "2:3"}, ["cases.jsonl"])
    for number in range(count):
        writer.item(f"key{number}", f"identity{number}", ["m"], TEXTS)
    writer.close()
    return writer.path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Head, facts, items with their reports, and the end come back."""
    writer = begun(tmp_path)
    writer.facts({"app.py": "1"}, ["cases.jsonl"])
    writer.item("key", "identity", ["big", "small"], TEXTS)
    writer.end("interrupted")
    writer.close()
    found = journal.read(writer.path)
    assert "2026-01-01T00:00:00+00:00" == found.head["started"]
    assert {"app.py": "1"} == found.facts
    assert {"cases.jsonl"} == found.covered
    assert ("identity", ("big", "small")) == (found.items["key"].identity, found.items["key"].used)
    assert REPORTS == found.reports("key")
    assert "interrupted" == found.end
    assert 0 == found.damaged


def test_the_journal_is_this_users_alone(tmp_path: Path) -> None:
    """File and folders are closed to others, and git ignores them."""
    path = written(tmp_path)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
    assert "*" in (tmp_path / ".ailoop" / ".gitignore").read_text().split()


def test_a_later_line_of_an_item_counts(tmp_path: Path) -> None:
    """An item that was measured again has the later result."""
    writer = begun(tmp_path)
    for outcome in ("failed", "passed"):
        writer.item("key", outcome, [], [json.dumps({"outcome": outcome})])
    writer.close()
    found = journal.read(writer.path)
    assert [{"outcome": "passed"}] == found.reports("key")


def test_a_torn_last_line_costs_its_own_item_only(tmp_path: Path) -> None:
    """Wherever the last line is cut, all items before it are there; its own is not."""
    path = written(tmp_path)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert {"key0", "key1"} == set(journal.read(path).items)


def test_a_torn_line_takes_no_later_one_with_it(tmp_path: Path) -> None:
    """A run that goes on after half a line begins a line of its own."""
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    writer = journal.Writer.again(journal.read(path))
    assert writer is not None
    writer.item("key3", "identity3", [], TEXTS)
    writer.close()
    found = journal.read(path)
    assert {"key0", "key1", "key3"} == set(found.items)
    assert 1 == found.damaged
    assert b'"kind":"again"' in path.read_bytes().splitlines()[-2]
    assert path.read_bytes().splitlines()[-2].startswith(b'{"sum":')


def test_a_lost_line_of_facts_takes_its_items_along(tmp_path: Path) -> None:
    """Where it is not known what an item rests on, it is no result."""
    path = written(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"{}\n", *lines[2:]]))
    found = journal.read(path)
    assert {} == found.items
    assert 4 == found.damaged


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_is_never_a_result(tmp_path: Path, bit: int) -> None:
    """A damaged byte costs items or the journal; what is left is what was written."""
    path = written(tmp_path)
    whole = path.read_bytes()
    for place in range(bit, len(whole), 8):
        data = bytearray(whole)
        data[place] ^= 1 << bit
        path.write_bytes(data)
        try:
            found = journal.read(path)
        except RunError:
            continue
        for key in found.items:
            assert REPORTS == found.reports(key)
            assert found.items[key].identity == key.replace("key", "identity")
        assert found.facts == {"app.py": "1", "data.csv": "2:3"} or not found.items


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.lists(st.dictionaries(st.text(), JSON)), max_size=4))
def test_any_reports_come_back_as_they_were(items: dict[str, list[dict[str, Any]]]) -> None:
    """read(write(x)) = x for all that is JSON, line ends and half surrogates included."""
    with tempfile.TemporaryDirectory() as name:
        writer = begun(Path(name))
        for key, reports in items.items():
            writer.item(key, "identity", [], list(map(json.dumps, reports)))
        writer.close()
        found = journal.read(writer.path)
        assert items == {key: found.reports(key) for key in found.items}


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (None, "is empty"),
        ({"kind": "item"}, "is no journal"),
        ({"kind": "head", "schema": 2}, "has schema 2, expected 1"),
    ],
)
def test_a_foreign_file_is_no_journal(
    tmp_path: Path, first: dict[str, Any] | None, words: str
) -> None:
    """Another version, or another file, is refused in words."""
    path = tmp_path / "one.jsonl"
    path.write_bytes(b"" if first is None else line_of(first))
    with pytest.raises(RunError, match=words):
        journal.read(path)


def test_a_half_written_report_is_not_used(tmp_path: Path) -> None:
    """Reports that changed on disk after the journal was read are not given out."""
    path = written(tmp_path)
    found = journal.read(path)
    path.write_bytes(path.read_bytes().replace(b"setup", b"setpu"))
    assert found.reports("key0") is None
    path.unlink()
    assert found.reports("key0") is None


def test_what_is_no_json_is_refused_before_it_is_written(tmp_path: Path) -> None:
    """An object, or a number that is none, leaves no half line."""
    writer = begun(tmp_path)
    before = writer.path.read_bytes()
    with pytest.raises(TypeError):
        writer.facts({"app.py": object()})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="Out of range"):
        writer.facts({"b.py": float("nan")})  # type: ignore[dict-item]
    writer.close()
    assert before == writer.path.read_bytes()


def test_a_file_that_is_told_differently_becomes_unsure(tmp_path: Path) -> None:
    """Two workers that loaded two contents of one file leave none that a run could match."""
    writer = begun(tmp_path)
    writer.facts({"app.py": "1", "b.py": "1"})
    writer.facts({"app.py": "2", "b.py": "1"})
    writer.close()
    assert {"app.py": UNSURE, "b.py": "1"} == journal.read(writer.path).facts


def test_one_run_at_a_time_writes_to_a_journal(tmp_path: Path) -> None:
    """While a run writes, another one neither goes on with its journal nor deletes it."""
    writer = begun(tmp_path)
    writer.item("key", "identity", [], TEXTS)
    read = journal.read(writer.path)
    assert journal.Writer.again(read) is None
    journal.remove(writer.path)
    assert ["one.jsonl"] == journal.names(tmp_path)
    writer.close()
    again = journal.Writer.again(read)
    assert again is not None
    again.close()
    journal.remove(writer.path)
    assert [] == journal.names(tmp_path)


def test_old_journals_go(tmp_path: Path) -> None:
    """The newest ones stay."""
    for name in ("20260101", "20260102", "20260103"):
        begun(tmp_path, name).close()
    journal.prune(tmp_path, 2)
    assert ["20260103.jsonl", "20260102.jsonl"] == journal.names(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A link in the journal's place leads no writing elsewhere."""
    target = tmp_path / "elsewhere"
    target.write_text("")
    journal.folder_of(tmp_path).mkdir(parents=True)
    link = journal.folder_of(tmp_path) / "one.jsonl"
    link.symlink_to(target)
    with pytest.raises(OSError, match="exists"):
        begun(tmp_path)
    with pytest.raises(RunError, match="cannot be read"):
        journal.read(link)


def test_a_line_is_json_by_itself(tmp_path: Path) -> None:
    """People and tools can read the journal line by line."""
    for line in written(tmp_path).read_text("ascii").splitlines():
        assert isinstance(json.loads(line), dict)


def test_a_line_is_written_by_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process leaves whole lines: no line goes out in pieces."""
    writer, calls = begun(tmp_path), []
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: calls.append(1) or write(handle, data))
    writer.item("key", "identity", [], [json.dumps({"text": "x" * 1_000_000})])
    writer.close()
    assert [1] == calls
