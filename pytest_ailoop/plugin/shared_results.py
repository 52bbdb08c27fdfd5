"""What the workers of a session tell each other of their results. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["SharedResults"]


class SharedResults:
    """A file of each worker, which only grows and is read by the others."""

    def __init__(self, evaluation: Evaluation, base: Path, worker: int, workers: int) -> None:
        self._evaluation = evaluation
        self._own = _file(base, worker)
        self._others = {_file(base, one): 0 for one in range(workers) if one != worker}
        self._out: IO[str] | None = None
        self._is_broken = False

    @classmethod
    def of(cls, evaluation: Evaluation) -> SharedResults | None:
        """Return the files of this session, named after its ledger, with which they go."""
        from pytest_ailoop.calling.ledger import SharedLedger, ledger_of

        settings = evaluation.settings
        ledger = ledger_of(settings)
        if not isinstance(ledger, SharedLedger):
            return None
        return cls(evaluation, ledger.path, settings.worker, settings.workers)

    def tell(self, data: dict[str, Any]) -> None:
        """Append a record, without its texts."""
        if self._is_broken:
            return
        slim: dict[str, Any] = {"output": None, "expectations": [], "fault": None}
        calls = [{**one, "prompt_text": "", "reply_text": "", "tool_calls": []} for one in
                 data["calls"]]  # fmt: skip
        line = json.dumps({**data, **slim, "calls": calls})
        try:
            if self._out is None:
                from pytest_ailoop.files import private_folder

                private_folder(self._own.parent)
                self._out = self._own.open("a", encoding="utf-8")
            self._out.write(f"{line}\n")
            self._out.flush()
        except OSError as error:
            self._is_broken = True
            self._evaluation.warnings.append(
                f"workers cannot tell each other what is settled ({error.strerror or error}): "
                "less stops early; make .ailoop writable, or run without -n"
            )

    def heard(self) -> list[dict[str, Any]]:
        """Return the others' records since the last time."""
        found: list[dict[str, Any]] = []
        for path, at in self._others.items():
            try:
                if path.stat().st_size <= at:
                    continue
                with path.open("rb") as file:
                    file.seek(at)
                    whole = file.read().rpartition(b"\n")[0]
            except OSError:
                continue
            if whole:
                self._others[path] = at + len(whole) + 1
                found += [json.loads(line) for line in whole.split(b"\n")]
        return found

    def close(self) -> None:
        """Let go of the own file; the controller removes them all."""
        if self._out is not None:
            self._out.close()
            self._out = None


def _file(base: Path, worker: int) -> Path:
    return base.with_name(f"{base.name}.settled-{worker}")
