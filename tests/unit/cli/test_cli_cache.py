"""`ailoop cache`: what it shows of the cache, and what it deletes."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.calling.cache import Cache
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.cli import main

DAY = 86400
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["cache", *arguments])
        return code, *capsys.readouterr()

    return call


def chat(address: str, model: str, text: str = "hi", **changes: Any) -> StoredReply:
    content = {
        "choices": [{"message": {"content": text}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
    }
    fields: dict[str, Any] = {
        "address": address,
        "path": "/chat/completions",
        "request": {"model": model},
        "reply": {"json": content, "format": "compact"},
        "content_type": "application/json",
    }
    return StoredReply(**{**fields, **changes})


def fill(root: Path, *replies: StoredReply, days: int = 0, output: str = "") -> None:
    """Keep *replies*, made so many days ago."""
    cache = Cache(root / ".ailoop")
    for one in replies:
        assert cache.put(one)
    if output:
        cache.put_output(output, "text")
    cache.close()
    made = time.time() - days * DAY
    names = [*(one.address for one in replies), output]
    with closing(sqlite3.connect(cache.path)) as connection:
        for table, key in (("replies", "address"), ("outputs", "digest")):
            query = f"UPDATE {table} SET created = ? WHERE {key} = ?"
            connection.executemany(query, [(made, one) for one in names])
        connection.commit()


def left(root: Path) -> list[str]:
    with closing(sqlite3.connect(root / ".ailoop" / "cache.db")) as connection:
        found = connection.execute("SELECT address FROM replies ORDER BY address").fetchall()
        found += connection.execute("SELECT digest FROM outputs ORDER BY digest").fetchall()
    return [one for (one,) in found]


def test_what_there_is_by_model(project: Path, run: Run) -> None:
    """A row for each model, with its tokens and the days of its oldest and newest reply."""
    old, new = (time.strftime("%Y-%m-%d", time.localtime(time.time() - n * DAY)) for n in (40, 0))
    fill(project, chat("a" * 16, "mini"), days=40)
    fill(
        project,
        chat("b" * 16, "mini"),
        chat("c" * 16, "\x1b[31mbad", reply={"text": "no JSON"}),
        chat("d" * 16, "x", path="//search.example/find", request=None, reply={"text": "found"}),
        output="e" * 16,
    )
    (project / "below").mkdir()
    os.chdir(project / "below")
    code, out, _ = run("ls")
    head, *rows = out.splitlines()
    assert code == 0
    assert head.startswith(".ailoop/cache.db: ")
    assert head.endswith(" kB, 4 replies and 1 output text")
    assert [row.split() for row in rows] == [
        ["model", "replies", "tokens", "in", "tokens", "out", "oldest", "newest"],
        ["mini", "2", "14", "6", old, new],
        ["(other", "services)", "1", "0", "0", new, new],
        ["\\x1b[31mbad", "1", ">=0", ">=0", new, new],
    ]


def test_damage_is_told(project: Path, run: Run) -> None:
    """Rows that cannot be read are counted, and files that were set aside are named."""
    fill(project, chat("a" * 16, "mini"), chat("b" * 16, "mini"))
    with closing(sqlite3.connect(project / ".ailoop" / "cache.db")) as connection:
        connection.execute("UPDATE replies SET sum = 'x' WHERE address LIKE 'a%'")
        connection.commit()
    (project / ".ailoop" / "cache.db.damaged-1").write_bytes(b"x" * 1234)
    code, out, _ = run("ls")
    assert code == 0
    assert out.splitlines()[-2:] == [
        "damaged: 1 reply; each is asked again when needed",
        "set aside as damaged: cache.db.damaged-1, 1.2 kB",
    ]


def test_a_damaged_file_is_told_once_and_set_aside(project: Path, run: Run) -> None:
    """The command then says what could be read, and what follows is a whole cache."""
    fill(project, chat("a" * 16, "mini"))
    (project / ".ailoop" / "cache.db").write_bytes(b"garbage" * 1000)
    code, out, _ = run("ls")
    assert code == 1
    assert "was damaged" in out.splitlines()[-1]
    assert run("ls")[0] == 0


@pytest.mark.parametrize("action", [["ls"], ["clear"], ["prune", "--unused"]])
def test_without_a_cache(action: list[str], project: Path, run: Run) -> None:
    """Nothing is made, and it is no fault; a folder without a project is one."""
    assert run(*action)[::2] == (
        2,
        "ailoop: no .ailoop here or above: run pytest with evals, or go to its root folder\n",
    )
    (project / ".ailoop").mkdir()
    code, out, _ = run(*action)
    assert code == 0
    assert "nothing is cached yet" in out or "deleted 0 replies" in out
    assert list((project / ".ailoop").iterdir()) == []


def test_prune_by_age(project: Path, run: Run) -> None:
    """Replies and texts of outputs older than that go; a dry run deletes nothing."""
    fill(project, chat("a" * 16, "mini"), days=31, output="b" * 16)
    fill(project, chat("c" * 16, "mini"), days=29, output="d" * 16)
    code, out, _ = run("prune", "--older-than", "30d", "--dry-run")
    assert (code, out) == (0, "would delete 1 reply and 1 output text\n")
    assert len(left(project)) == 4
    code, out, _ = run("prune", "--older-than", "30d")
    assert out.startswith("deleted 1 reply and 1 output text; ")
    assert left(project) == ["c" * 16, "d" * 16]
    assert run("prune", "--older-than", "1h")[0] == 0
    assert left(project) == []


def test_prune_what_no_run_used(project: Path, run: Run) -> None:
    """What kept runs and journals of interrupted ones name stays, and outputs do."""
    names = ["1" * 16, "2" * 16, "3" * 16, "4" * 16]
    fill(project, *(chat(one, "mini") for one in names[:3]), days=9, output="f" * 16)
    fill(project, chat(names[3], "mini"))
    for path, text in {
        "runs/r1/run.json": "{}",
        "runs/r1/results.jsonl": f'{{"calls":[{{"digest":"{names[0]}"}}]}}\n{{"broken',
        "journal/x.jsonl": f'{{"digest":"{names[1]}"}}',
        "runs/half/results.jsonl": f'"{names[2]}"',
    }.items():
        (project / ".ailoop" / path).parent.mkdir(parents=True, exist_ok=True)
        (project / ".ailoop" / path).write_text(text)
    assert run("prune", "--unused", "--older-than", "1w")[0] == 0
    assert left(project) == [names[0], names[1], names[3], "f" * 16]
    assert run("prune", "--unused")[0] == 0
    assert left(project) == [names[0], names[1], "f" * 16]


def test_prune_to_a_size(project: Path, run: Run) -> None:
    """The oldest go until the file is small enough."""
    for day in range(3):
        replies = [chat(f"{day}{n:015}", "m", os.urandom(900).hex()) for n in range(100)]
        fill(project, *replies, days=3 - day)
    path = project / ".ailoop" / "cache.db"
    assert path.stat().st_size > 300_000
    code, _, _ = run("prune", "--max-size", "200kB")
    assert code == 0
    assert 120_000 < path.stat().st_size <= 200_000
    kept = left(project)
    assert kept[-100:] == [f"2{n:015}" for n in range(100)]
    assert run("prune", "--max-size", "1GB")[1].startswith("deleted 0 replies and 0 output texts;")
    assert left(project) == kept


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say what to delete: --older-than 30d, --unused or --max-size 100MB"),
        (["--older-than", "30"], "expected an age like 12h, 30d or 8w, got '30'"),
        (["--max-size", "many"], "expected a size like 500kB or 100MB, got 'many'"),
    ],
)
def test_what_prune_needs(arguments: list[str], words: str, project: Path, run: Run) -> None:
    """A fault says what was expected."""
    (project / ".ailoop").mkdir()
    code, _, errors = run("prune", *arguments)
    assert code == 2
    assert words in errors


@pytest.mark.parametrize("answer", ["", "n", "y", None])
def test_clear_asks_on_a_terminal(
    answer: str | None, project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replies are paid for: only yes deletes them."""

    def reads(question: str) -> str:
        assert "delete 1 reply and 0 output texts, " in question
        if answer is None:
            raise EOFError
        return answer

    fill(project, chat("a" * 16, "mini"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", reads)
    code, out, _ = run("clear")
    if answer == "y":
        assert (code, left(project)) == (0, [])
        assert out.startswith("deleted 1 reply and 0 output texts, ")
    else:
        assert (code, out, left(project)) == (1, "nothing was deleted\n", ["a" * 16])


@pytest.mark.parametrize("terminal", [False, True])
def test_clear_does_not_ask(
    terminal: bool, project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --yes, or where nobody could answer, it deletes at once: damaged files too."""
    fill(project, chat("a" * 16, "mini"), output="b" * 16)
    for suffix in ("", "-wal"):
        (project / ".ailoop" / f"cache.db.damaged-1{suffix}").touch()
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)
    assert run("clear", *["--yes"] * terminal)[0] == 0
    assert left(project) == []
    assert list((project / ".ailoop").glob("*damaged*")) == []


def test_a_session_goes_on_while_the_cache_is_cleared(project: Path, run: Run) -> None:
    """What it keeps afterwards is there."""
    cache = Cache(project / ".ailoop")
    assert cache.put(chat("a" * 16, "mini"))
    assert run("clear", "--yes")[0] == 0
    assert cache.get("a" * 16) is None
    assert cache.put(chat("b" * 16, "mini"))
    cache.close()
    assert left(project) == ["b" * 16]
    assert cache.warnings == []
