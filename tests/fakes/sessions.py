"""A session of evals without pytest: settings, store and seam, items one after another."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from pytest_ailoop import recorder
from pytest_ailoop.calling import seam
from pytest_ailoop.calling.store import Store
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.record import ItemKey, ItemRecord
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.recorder import Recorder
from pytest_ailoop.settings import Config, Settings

MODULE = "evals/test_app.py"


class FakeSession:
    """`with FakeSession(root, "record") as session: with session.item() as notebook: ...`.

    Leaving it in mode `record` writes the recordings, as the controller does.
    """

    def __init__(
        self, root: Path, replies: Any = "auto", *, concurrency: int = 32, **config: Any
    ) -> None:
        self.settings = Settings(
            root=root, replies=replies, concurrency=concurrency, config=Config(**config)
        )
        self.store = Store(self.settings)
        self.records: list[ItemRecord] = []
        self.recordings = root / "evals" / "__recordings__" / "test_app.jsonl"

    def __enter__(self) -> Self:
        seam.install(self.store)
        return self

    def __exit__(self, *_: object) -> None:
        seam.uninstall(self.store)
        if self.settings.replies == "record":
            self.store.write_recordings(self.records, complete=False)
        self.store.close()

    def notebook(self, name: str = "test_it[one]", trial: int = 1) -> Recorder:
        return Recorder(
            nodeid=f"{MODULE}::{name}",
            case=Case(id="one"),
            variant=Variant(),
            trial=trial,
            recordings=self.recordings,
            is_async=False,
        )

    @contextlib.contextmanager
    def item(self, name: str = "test_it[one]", trial: int = 1) -> Iterator[Recorder]:
        notebook = self.notebook(name, trial)
        with recorder.active(notebook), self.store.item(notebook):
            try:
                yield notebook
            finally:
                self.records.append(
                    ItemRecord(
                        key=ItemKey(
                            module=MODULE, test=name, variant=Variant(), case="one", trial=trial
                        ),
                        nodeid=notebook.nodeid,
                        outcome="passed",
                        case_digest="",
                        calls=tuple(notebook.calls),
                    )
                )
