"""The baseline file as a syrupy extension, and the two functions that read and write through it.

Syrupy's roles are honoured: a snapshot is one case line, a collection one file, and
`--snapshot-update` is the flag that writes. Its fixture asserts inside a test, though, and a
baseline is compared once at the end of the run; so the session drives the extension's storage
itself. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syrupy.data import Snapshot, SnapshotCollection
from syrupy.extensions.base import AbstractSyrupyExtension

from pytest_ailoop.baseline.file import SUFFIX, baseline_path, dump, read, sort_key, text_line
from pytest_ailoop.baseline.line import case_from_line, case_line
from pytest_ailoop.data.baseline import Accepted, EntryKey
from pytest_ailoop.digest import canonical
from pytest_ailoop.files import write_atomically

__all__ = ["AiloopBaselineExtension", "read_baseline", "write_baseline"]


def snapshot_name(key: EntryKey) -> str:
    """Return the snapshot's name: the test's, with variant and case in brackets."""
    _, test, variant, case = sort_key(key)
    return f"{test.replace('::', '.')}[{canonical([variant, case])}]"


class AiloopBaselineExtension(AbstractSyrupyExtension):
    """Keeps accepted scores, one file a test module, one case a line."""

    file_extension = SUFFIX.removeprefix(".")

    def serialize(self, data: Any, **_: Any) -> str:
        """Return the case line of an `Accepted`; it stands by itself."""
        if not isinstance(data, Accepted):
            raise TypeError(f"expected the accepted scores of a case, got {type(data).__name__}")
        return text_line(case_line(data))

    def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
        """Return a file's cases; raises `BaselineError` for damage, empty without a file."""
        collection = SnapshotCollection(location=snapshot_location)
        for entry in _entries(snapshot_location).values():
            collection.add(Snapshot(name=snapshot_name(entry.key), data=self.serialize(entry)))
        return collection

    def read_snapshot_data_from_location(
        self, *, snapshot_location: str, snapshot_name: str, session_id: str
    ) -> str | None:
        """Return the line of one case, or None."""
        found = self.read_snapshot_collection(snapshot_location=snapshot_location)
        snapshot = found.get(snapshot_name)
        return None if snapshot is None else str(snapshot.data)

    @classmethod
    def write_snapshot_collection(
        cls,
        *,
        snapshot_collection: SnapshotCollection,
        name_order: dict[str, int] | None = None,
    ) -> None:
        """Put the collection's cases into its file; the other cases there stay."""
        location = snapshot_collection.location
        kept = _entries(location)
        for snapshot in snapshot_collection:
            row = json.loads(str(snapshot.data))
            entry = case_from_line(row, module="", usual={})
            kept[entry.key] = entry
        write_atomically(Path(location), dump(kept.values()))

    def delete_snapshots(self, *, snapshot_location: str, snapshot_names: set[str]) -> None:
        """Take cases out of a file, and the file away with its last one."""
        entries = _entries(snapshot_location).values()
        kept = [one for one in entries if snapshot_name(one.key) not in snapshot_names]
        if kept:
            write_atomically(Path(snapshot_location), dump(kept))
        else:
            Path(snapshot_location).unlink(missing_ok=True)


def _entries(location: str) -> dict[EntryKey, Accepted]:
    path = Path(location)
    return read(path, module="", shown=path.name)


def read_baseline(root: Path, module: str) -> dict[EntryKey, Accepted]:
    """Return the accepted scores of *module*; raises `BaselineError` for a damaged file."""
    path = baseline_path(root, module)
    return read(path, module=module, shown=path.relative_to(root).as_posix())


def write_baseline(root: Path, module: str, entries: Mapping[EntryKey, Accepted]) -> bool:
    """Make the file of *module* hold exactly *entries*; return whether it changed.

    Only what differs is handed to the extension; an unchanged file is not touched.
    """
    path = baseline_path(root, module)
    before = read_baseline(root, module)
    if before == entries:
        return False
    extension = AiloopBaselineExtension()
    gone = {snapshot_name(key) for key in before if key not in entries}
    fresh = SnapshotCollection(location=str(path))
    for key, entry in entries.items():
        if before.get(key) != entry:
            name = snapshot_name(key)
            fresh.add(Snapshot(name=name, data=extension.serialize(entry)))
    if fresh.has_snapshots:
        extension.write_snapshot_collection(snapshot_collection=fresh)
    if gone:
        extension.delete_snapshots(snapshot_location=str(path), snapshot_names=gone)
    return True
