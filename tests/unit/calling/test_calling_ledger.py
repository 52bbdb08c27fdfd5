"""The book that workers share: one count over processes, and what is left of it afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from pytest_ailoop.calling.budget import Budget
from pytest_ailoop.calling.ledger import Book, SharedLedger, ledger_of
from pytest_ailoop.errors import BudgetError
from pytest_ailoop.settings import Settings

SPEND = """
import json
import sys
from pathlib import Path
from pytest_ailoop.calling.budget import Budget
from pytest_ailoop.errors import BudgetError
from pytest_ailoop.settings import Settings

limits = json.loads(sys.argv[2])
budget = Budget(Settings(root=Path(sys.argv[1]), session="one", began=1.0, **limits))
made = 0
try:
    while True:
        budget.start("m")
        made += 1
        budget.spent("m", "app", 0.25)
except BudgetError as refusal:
    assert "is reached" in str(refusal)
    print(made)
"""


def settings(tmp_path, **changed):
    return Settings(root=tmp_path, session="one", began=1.0, **changed)


@pytest.mark.parametrize(("limits", "most"), [({"max_calls": 400}, 400), ({"max_cost": 50.0}, 200)])
def test_eight_processes_never_pass_the_limit(tmp_path, limits, most):
    """Eight processes that reserve from one ledger make exactly as many calls as allowed."""
    command = [sys.executable, "-c", SPEND, str(tmp_path), json.dumps(limits)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    made = [int(worker.communicate(timeout=60)[0]) for worker in workers]
    assert [0] * 8 == [worker.returncode for worker in workers]
    told = Budget(settings(tmp_path, **limits)).stopped
    if "max_calls" in limits:
        assert most == sum(made)
    else:
        # Until the first cost is known, each process may have one call in flight.
        assert most <= sum(made) <= most + 8
    assert f"{sum(made)} calls made" in told


def test_changes_of_a_worker_that_fails_leave_nothing(tmp_path):
    """What raises in the middle of a change is taken back as a whole."""
    ledger = ledger_of(settings(tmp_path))

    def broken(book: Book) -> None:
        book.of("m").calls += 7
        raise ValueError("half done")

    with pytest.raises(ValueError, match="half done"):
        ledger.change(broken)
    assert 0 == ledger.change(lambda book: book.calls)
    ledger.close()


def test_the_file_goes_at_the_end_and_old_ones_with_it(tmp_path):
    """Removing deletes the session's file and what was left a week ago, and no other's."""
    ledger = ledger_of(settings(tmp_path))
    assert isinstance(ledger, SharedLedger)
    ledger.change(lambda book: book.calls)
    old, other = tmp_path / ".ailoop/session-old.db", tmp_path / ".ailoop/session-other.db"
    for path in (old, other):
        path.write_bytes(b"")
    os.utime(old, (time.time() - 8 * 24 * 3600,) * 2)
    assert 0o600 == ledger.path.stat().st_mode & 0o777
    ledger.remove()
    assert [other] == list((tmp_path / ".ailoop").glob("session-*"))


def test_sessions_of_one_name_do_not_share(tmp_path):
    """Somebody may give each session the same id; their start tells them apart."""
    first, second = (ledger_of(Settings(root=tmp_path, session="x", began=at)) for at in (1.0, 2.0))
    assert isinstance(first, SharedLedger)
    assert isinstance(second, SharedLedger)
    assert first.path != second.path


def test_a_ledger_that_cannot_be_used_lets_no_call_start(tmp_path):
    """A budget that cannot be counted together is no budget: the call is refused with the path."""
    (tmp_path / ".ailoop").write_text("a file where the folder should be")
    with pytest.raises(BudgetError, match=r"cannot be counted in .*\.ailoop.*without -n"):
        Budget(settings(tmp_path, max_calls=5)).start("m")


def test_nothing_is_opened_without_a_limit(tmp_path):
    """No limit, no file; and looking at the end makes none."""
    Budget(settings(tmp_path)).start("m")
    assert "" == Budget(settings(tmp_path, max_calls=1)).stopped
    assert not (tmp_path / ".ailoop").exists()
