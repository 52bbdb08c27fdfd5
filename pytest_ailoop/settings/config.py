"""Reads `[tool.ailoop]` of pyproject.toml, or `ailoop.toml` beside it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ailoop.data.gate import AcceptedFailure
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import ConfigError, UsageError
from pytest_ailoop.settings.switches import Config
from pytest_ailoop.text import cut, suggestion

if TYPE_CHECKING:
    from pytest_ailoop.settings.rules import Fault
    from pytest_ailoop.settings.rules import Path as Place

__all__ = ["read_config", "resolve_model"]


def read_config(root: Path) -> Config:
    """Return the validated configuration of the project at *root*.

    Without `[tool.ailoop]` and `ailoop.toml` it is `Config()`.
    Raises `ConfigError` naming file and table for a syntax error (with its line), unknown keys,
    wrong values, a key written into the file, and for both files configuring at once. The value
    of what might be a secret is never part of the message.
    """
    shared, own = root / "pyproject.toml", root / "ailoop.toml"
    found = _read(shared).get("tool", {}).get("ailoop") if _mentions(shared) else None
    if own.is_file():
        if found is not None:
            raise ConfigError(
                "both pyproject.toml ([tool.ailoop]) and ailoop.toml configure ailoop; keep one"
            )
        return _config(_read(own), file="ailoop.toml", prefix=())
    if found is None:
        return Config()
    return _config(found, file="pyproject.toml", prefix=("tool", "ailoop"))


def resolve_model(name: str, config: Config) -> ModelSpec:
    """Return the model that *name* means: an alias of *config*, or else a plain model name.

    Raises `UsageError` for what is no name.
    """
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"expected a model name or an alias of [tool.ailoop.models], got {name!r}")
    return config.models.get(name) or ModelSpec(alias=name, model=name)


def _mentions(path: Path) -> bool:
    """Spare a project without our table the parsing."""
    return path.is_file() and b"ailoop" in path.read_bytes()


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path.name}:{line}: not UTF-8: byte 0x{error.object[error.start]:02x}"
            "; save the file as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        where = f"{path.name}:{at[1]}" if at else path.name
        what = str(error)[: at.start()] + f" in column {at[2]}" if at else str(error)
        raise ConfigError(f"{where}: not TOML: {cut(what, 200)}") from None


def _config(raw: Any, *, file: str, prefix: tuple[str, ...]) -> Config:
    from pytest_ailoop.settings.tables import TABLES

    faults: list[Fault] = []
    tables = TABLES(raw, (), faults)
    if faults:
        _learn_secrets(raw)
        raise ConfigError("\n".join(_told(faults, raw, file, prefix)))
    recordings = tables.get("recordings", {})
    return Config(
        models={alias: _model(alias, one) for alias, one in tables.get("models", {}).items()},
        judge=tables.get("judge"),
        ignore_fields=tuple(recordings.get("ignore_fields", ())),
        passthrough=tuple(recordings.get("passthrough", ())),
        gates=tables.get("gates", {}),
        file=file,
        slices=tuple(tables.get("slices", ())),
        accepted_failures=tuple(map(_accepted, tables.get("accepted_failures", ()))),
    )


def _model(alias: str, table: Mapping[str, Any]) -> ModelSpec:
    found = ModelSpec(**{"alias": alias, "model": alias, **table})
    if "first_byte_timeout" in table:
        return found
    return replace(found, first_byte_timeout=min(found.first_byte_timeout, found.timeout))


def _accepted(table: Mapping[str, Any]) -> AcceptedFailure:
    return AcceptedFailure(
        case=table["case"],
        tests=tuple(table.get("tests", ("*",))),
        reason=table["reason"],
        owner=table["owner"],
        expires=table["expires"].isoformat(),
    )


def _told(faults: list[Fault], raw: Any, file: str, prefix: tuple[str, ...]) -> Iterator[str]:
    """Yield one line a fault: file, table, what was expected and got."""
    for fault in faults:
        path = _keys(fault.path)
        table = ".".join(map(_spelled, (*prefix, *path[:-1])))
        where = f"{file} [{table}]" if table else file
        key = path[-1] if path else ""
        if fault.kind == "unknown":
            yield f"{where}: {_unknown(key, path[:-1], prefix)}"
        elif fault.kind == "missing":
            yield f"{where}: {key!r} is missing"
        elif not path:
            yield f"{file} [{'.'.join(prefix)}]: {fault.words}"
        else:
            yield f"{where}: {key!r}: {fault.words}{_got(raw, fault.path)}"


def _keys(location: Place) -> list[str]:
    """Spell a list's entry behind its list: `passthrough[1]`."""
    keys: list[str] = []
    for part in location:
        if isinstance(part, int) and keys:
            keys[-1] += f"[{part}]"
        elif part != "[key]":
            keys.append(str(part))
    return keys


def _unknown(key: str, table: list[str], prefix: tuple[str, ...]) -> str:
    from pytest_ailoop.settings import tables

    if tables.looks_like_a_key_name(key):
        return (
            f"{key!r}: a key must not stand in a file; set an environment variable"
            ' and name it: api_key_env = "OPENAI_API_KEY"'
        )
    if key == "tool" and not table and not prefix:
        return "'tool': tables of ailoop.toml stand at the top, as in [models.mini]"
    known = _known(table)
    return f"unknown key {key!r}{suggestion(key, known)} (known: {', '.join(known)})"


def _known(table: list[str]) -> list[str]:
    from pytest_ailoop.settings import tables

    if not table:
        return tables.TABLES.names
    if table[0] == "gates":
        return tables.GATE.names
    if table[0].startswith("accepted_failures"):
        return tables.ACCEPTED.names
    if table[0] == "recordings":
        return tables.RECORDINGS.names
    return (tables.PRICE if table[-1] == "price" else tables.MODEL).names


def _got(raw: Any, path: Place) -> str:
    """Show the value, unless it may hold a key somebody pasted."""
    if {"api_key_env", "base_url", "parameters", "[key]"} & set(map(str, path)):
        return ""
    for part in path:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return ""
    return f", got {cut(repr(raw), 60)}" if not isinstance(raw, (dict, list)) else ""


def _learn_secrets(raw: Any) -> None:
    """Keep a key that was pasted into the file out of everything shown from now on."""
    from pytest_ailoop import redaction
    from pytest_ailoop.settings.tables import looks_like_a_key_name

    if isinstance(raw, Mapping):
        for name, value in raw.items():
            if isinstance(value, str) and looks_like_a_key_name(name):
                redaction.learn(value)
            _learn_secrets(value)


def _spelled(part: str) -> str:
    return part if re.fullmatch(r"[A-Za-z0-9_-]+(\[\d+\])?", part) else f'"{cut(part, 60)}"'
