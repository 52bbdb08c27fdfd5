"""The cache: what it keeps, and what it makes of files that are damaged, old or not its own."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
import stat
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pytest_ailoop.calling.cache import Cache
from pytest_ailoop.calling.stored import to_line
from tests.fakes.calls import stored

LONG = " ".join(f"word{number}" for number in range(200))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    found = Cache(tmp_path / ".ailoop")
    yield found
    found.close()


def change(cache: Cache, *statements: str) -> None:
    """Write into the database from outside."""
    cache.close()
    with closing(sqlite3.connect(cache.path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_cache_keeps(cache: Cache) -> None:
    """Replies and outputs come back; a look into no cache makes none; the file is private."""
    assert cache.get("a" * 16) is None
    assert not cache.path.parent.exists()
    assert cache.put(stored())
    assert cache.get("a" * 16) == stored()
    cache.put_output("d", "text \ud800")
    assert cache.get_output("d") == "text \ud800"
    assert stat.S_IMODE(cache.path.stat().st_mode) == 0o600
    assert (cache.path.parent / ".gitignore").read_text().endswith("*\n")
    cache.close()
    assert cache.get("a" * 16) == stored()


@pytest.mark.parametrize("text", ["", "x", "\0", LONG, "\ud800" * 2000])
def test_texts_come_back(text: str, cache: Cache) -> None:
    """Short texts, long ones, and such that no file could hold as text."""
    cache.put_output("d", text)
    assert cache.get_output("d") == text


@pytest.mark.parametrize("reply", ["short", LONG])
@pytest.mark.parametrize("column", ["entry", "sum"])
def test_a_flipped_byte_is_a_miss(column: str, reply: str, cache: Cache) -> None:
    """A damaged row is counted and read as absent, and can be written anew."""
    one = stored(reply={"text": reply})
    cache.put(one)
    cache.close()
    connection = sqlite3.connect(cache.path)
    (data,) = connection.execute(f"SELECT {column} FROM replies").fetchone()
    flipped = bytes([*data[:5], data[5] ^ 1, *data[6:]])
    connection.execute(f"UPDATE replies SET {column} = ?", (flipped,))
    connection.commit()
    connection.close()
    assert cache.get("a" * 16) is None
    assert cache.damaged == 1
    cache.put(one)
    assert cache.get("a" * 16) == one


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE replies SET entry = NULL",
        "UPDATE replies SET entry = 1.5",
        "UPDATE replies SET entry = CAST(x'ff' AS TEXT)",
        "UPDATE replies SET sum = substr(sum, 1, 8)",
        "UPDATE replies SET address = 'bbbbbbbbbbbbbbbb'",
    ],
)
def test_half_a_row_is_a_miss(statement: str, cache: Cache) -> None:
    """Values of the wrong kind, cut short or under another address are not taken for a reply."""
    cache.put(stored())
    change(cache, statement)
    assert [cache.get("a" * 16), cache.get("b" * 16)] == [None, None]
    assert cache.damaged == 1
    assert cache.warnings == []


def test_no_place_for_a_cache(tmp_path: Path) -> None:
    """Where the folder cannot be made, all goes on without a cache and one warning says so."""
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / ".ailoop")
    assert [cache.put(stored()), cache.put(stored()), cache.get("a" * 16)] == [False, False, None]
    assert len(cache.warnings) == 1
    assert "cannot be used" in cache.warnings[0]


def test_a_file_that_is_no_database(cache: Cache) -> None:
    """It is set aside and told, and a new cache begun."""
    cache.path.parent.mkdir()
    garbage = b"no database at all, but long enough to be one" * 99
    cache.path.write_bytes(garbage)
    assert cache.get("a" * 16) is None
    assert cache.put(stored())
    assert cache.get("a" * 16) == stored()
    assert cache.path.with_name("cache.db.damaged-1").read_bytes() == garbage
    (told,) = cache.warnings
    assert "is kept as cache.db.damaged-1; a new one was begun with the 0 rows that" in told


def test_what_can_be_read_of_a_damaged_file_is_taken_over(cache: Cache) -> None:
    """A page in the middle is lost; the replies of the others are paid for and stay."""
    for number in range(300):
        cache.put(
            stored(f"{number:016}", reply={"text": random.Random(number).randbytes(900).hex()})
        )
    cache.close()
    data = bytearray(cache.path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = b"\xff" * 4096
    cache.path.write_bytes(data)
    found = [sum(cache.get(f"{n:016}") is not None for n in range(300)) for _ in range(2)]
    assert 250 <= found[1] < 300
    assert f"with the {found[1]} rows that could be read" in cache.warnings[0]
    assert cache.put(stored())


def test_a_second_process_finds_the_new_file(cache: Cache) -> None:
    """Who has the old file open goes over to the new one, and sets nothing aside again."""
    cache.put(stored())
    other = Cache(cache.path.parent)
    assert other.get("a" * 16) is not None
    for suffix in ("", "-wal", "-shm"):
        Path(f"{cache.path}{suffix}").rename(f"{cache.path}.damaged-1{suffix}")
    assert cache.put(stored("b" * 16))
    assert other.put(stored("c" * 16))
    assert cache.get("c" * 16) is not None
    assert [cache.warnings, other.warnings] == [[], []]
    other.close()


def test_a_cache_that_was_removed_meanwhile(cache: Cache) -> None:
    """Replies are kept where the next run looks for them."""
    cache.put(stored())
    for path in cache.path.parent.glob("cache.db*"):
        path.unlink()
    assert cache.put(stored("b" * 16))
    again = Cache(cache.path.parent)
    assert again.get("b" * 16) is not None
    again.close()


def test_a_newer_cache_is_left_alone(cache: Cache) -> None:
    """A cache of a newer schema is neither read nor written."""
    cache.put(stored())
    change(cache, "PRAGMA user_version = 9")
    assert cache.get("a" * 16) is None
    assert not cache.put(stored())
    assert "newer pytest-ailoop" in cache.warnings[0]


def test_a_cache_of_schema_1_is_brought_up_to_date(cache: Cache) -> None:
    """Its replies stay; as nothing says when they were made, they count as made now."""
    cache.path.parent.mkdir()
    with closing(sqlite3.connect(cache.path)) as connection:
        for table, key in (("replies", "address"), ("outputs", "digest")):
            connection.execute(
                f"CREATE TABLE {table} ({key} TEXT PRIMARY KEY, entry BLOB, sum BLOB)"
            )
        entry = zlib.compress(to_line(stored()).encode(), 3)
        checksum = hashlib.sha256(b"a" * 16 + b"\0" + entry).digest()[:16]
        connection.execute("INSERT INTO replies VALUES (?, ?, ?)", ("a" * 16, entry, checksum))
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    before = os.stat(cache.path).st_mtime
    assert cache.get("a" * 16) == stored()
    assert cache.put(stored("b" * 16))
    cache.close()
    with closing(sqlite3.connect(cache.path)) as connection:
        (first, second) = connection.execute("SELECT created FROM replies ORDER BY address")
    assert before - 2 < first[0] <= second[0]
    assert cache.warnings == []


def test_a_cache_that_cannot_be_written_is_read(cache: Cache) -> None:
    """When writing fails, reading goes on."""
    cache.put(stored())
    cache.database.run(lambda connection: connection.execute("PRAGMA query_only = 1"))
    assert not cache.put(stored("b" * 16))
    assert cache.get("a" * 16) == stored()
    assert len(cache.warnings) == 1


def test_cache_survives_a_fork(cache: Cache) -> None:
    """A forked process opens the cache anew."""
    cache.put(stored())
    child = os.fork()
    if child == 0:
        os._exit(0 if cache.put(stored("b" * 16)) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert cache.get("b" * 16) is not None


def _damaged(data: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(6)
    at = chance.randrange(len(data))
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + chance.randbytes(chance.choice((1, 2, 100, 5000))) + data[at:]
    if kind == 2:
        size = chance.choice((1, 16, 4096))
        return data[:at] + bytes(size) + data[at + size :]
    # Most of the first pages is what holds the others together.
    end = len(data) if kind == 3 else min(len(data), chance.choice((100, 1000, 4096, 16384)))
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 20))):
        changed[chance.randrange(end)] = chance.randrange(256)
    return bytes(changed)


def fuzz(folder: Path, rounds: int, seed: int) -> int:
    """Use caches whose files are damaged; return how many replies had to be asked again."""
    whole = Cache(folder / "whole")
    replies = [stored(f"{n:016}", reply={"text": LONG[: 40 * n]}) for n in range(40)]
    for one in replies:
        assert whole.put(one)
    whole.close()
    data = whole.path.read_bytes()
    chance = random.Random(seed)
    lost = 0
    for number in range(rounds):
        cache = Cache(folder / str(number))
        cache.path.parent.mkdir()
        cache.path.write_bytes(_damaged(data, chance))
        if chance.random() < 0.2:
            Path(f"{cache.path}-wal").write_bytes(chance.randbytes(5000))
        for one in chance.sample(replies, 10):
            found = cache.get(one.address)
            assert found in (one, None)
            if found is None:
                lost += 1
                # What was written into a damaged file may go with it; not what follows.
                kept = [cache.put(one) and cache.get(one.address) == one for _ in range(3)]
                assert kept[2] or "cannot be used" in cache.warnings[-1]
        cache.close()
        for path in cache.path.parent.iterdir():
            path.unlink()
    return lost


def test_no_damage_is_a_crash_or_a_wrong_reply(tmp_path: Path) -> None:
    """Whatever happened to the file, a reply is the one that was kept or is asked again."""
    assert fuzz(tmp_path, rounds=200, seed=7) > 0
