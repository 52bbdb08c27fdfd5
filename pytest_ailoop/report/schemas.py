"""The published JSON Schemas of the run files, made from the nouns themselves.

`python -m pytest_ailoop.report.schemas` writes them anew into `report/schema/`. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_ailoop.data.record import SCHEMA, ItemRecord, RunRecord
from pytest_ailoop.files import write_atomically

__all__ = ["folder", "published", "texts"]


def folder() -> Path:
    """Return where the schemas are kept in the package."""
    return Path(__file__).parent / "schema"


def published() -> dict[str, dict[str, Any]]:
    """Return the schemas by file name: of `run.json`, and of a line of `results.jsonl`."""
    from pydantic import TypeAdapter

    found = {}
    for name, noun, what in (
        ("run.schema.json", RunRecord, "run.json: the lineage of one run"),
        ("results.schema.json", ItemRecord, "a line of results.jsonl: one item"),
    ):
        schema = TypeAdapter(noun).json_schema()
        head = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$comment": f"pytest-ailoop, {what}, schema version {SCHEMA}",
        }
        found[name] = head | schema
    return found


def texts() -> dict[str, str]:
    """Return the schema files' text by name."""
    schemas = published().items()
    return {name: json.dumps(schema, indent=2, sort_keys=True) + "\n" for name, schema in schemas}


if __name__ == "__main__":
    for name, text in texts().items():
        write_atomically(folder() / name, text)
