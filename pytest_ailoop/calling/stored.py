"""A reply as it is kept: one noun for the cache and the recordings, and its one-line form.

The body is kept readable where its bytes can be made again exactly, so that a review sees words.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from pytest_ailoop import redaction
from pytest_ailoop.frozen import dataclass

__all__ = ["StoredReply", "from_line", "is_stream", "pack", "to_line"]

_LAYOUTS: dict[str, dict[str, Any]] = {
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "compact ascii": {"separators": (",", ":"), "ensure_ascii": True},
    "spaced": {"ensure_ascii": False},
    "spaced ascii": {"ensure_ascii": True},
    "indent": {"indent": 2, "ensure_ascii": False},
    "indent ascii": {"indent": 2, "ensure_ascii": True},
}
_AFTER_BLANK_LINE = re.compile(r"(?<=\n\n)|(?<=\r\n\r\n)|(?<=\r\r)")
_NEEDED = {"address": str, "path": str, "trial": int, "reply": dict, "status": int}
_AFTER_LINE = re.compile(r"(?<=\n)")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_STREAMS = ("text/event-stream", "application/x-ndjson", "application/stream+json")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredReply:
    """A reply and the request it answers. Holds no header and no key."""

    address: str
    method: str = "POST"
    path: str
    alias: str | None = None
    trial: int = 1
    occurrence: int = 0
    request: Any
    """The request's body as its address saw it."""
    reply: Mapping[str, Any]
    """The body: `json` with its `format`, `chunks` of a stream, `text`, or `base64`."""
    status: int = 200
    content_type: str = ""
    latency: float | None = None
    first_token: float | None = None

    @property
    def pieces(self) -> list[bytes]:
        """The body's bytes as the application shall get them: a stream event by event.

        Raises `ValueError` where the reply has none of the known forms.
        """
        return _unpack(self.reply)

    @property
    def readable(self) -> Any:
        """The body as the parsers take it: the JSON value, or bytes."""
        value = self.reply.get("json")
        return value if isinstance(value, dict) else b"".join(self.pieces)


_FIELDS = frozenset(StoredReply.__dataclass_fields__)


def is_stream(content_type: str) -> bool:
    """Return whether a reply of this type comes in pieces that are used one by one."""
    return content_type.split(";")[0].strip().lower() in _STREAMS


def pack(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the most readable form from which `StoredReply.pieces` gives *body* exactly."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}
    if is_stream(content_type):
        ends = _AFTER_BLANK_LINE if "event-stream" in content_type else _AFTER_LINE
        return {"chunks": [chunk for chunk in ends.split(text) if chunk]}
    return _pack_json(text) or {"text": text}


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _pack_json(text: str) -> dict[str, Any] | None:
    bare = text.removesuffix("\n")
    try:
        value = _DECODER.decode(bare)
        for name in _likely(bare):
            if json.dumps(value, **_LAYOUTS[name]) == bare:
                return {"json": value, "format": name + ("" if bare == text else " newline")}
    except (ValueError, RecursionError):
        pass
    return None


def _likely(text: str) -> list[str]:
    """Return the layouts that *text* may have, those that an object's first bytes speak for first.

    No object that has a field fits two of them but for ASCII.
    """
    names = list(_LAYOUTS)
    if text.startswith("{\n"):
        names = names[4:] + names[:4]
    elif text.startswith('{"') and text[text.find('":', 2) + 2 :][:1] == " ":
        names = names[2:] + names[:2]
    return names if text.isascii() else [name for name in names if not name.endswith("ascii")]


def _unpack(reply: Mapping[str, Any]) -> list[bytes]:
    if "json" in reply:
        layout, end = _layout(reply)
        return [_encoded(json.dumps(reply["json"], **layout) + end)]
    if "chunks" in reply:
        return [_encoded(chunk) for chunk in reply["chunks"]]
    if "text" in reply:
        return [_encoded(reply["text"])]
    if "base64" in reply:
        return [base64.b64decode(reply["base64"], validate=True)]
    raise ValueError("the reply holds neither 'json', 'chunks', 'text' nor 'base64'")


def _layout(reply: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    name = str(reply.get("format", "compact"))
    layout = _LAYOUTS.get(name.removesuffix(" newline"))
    if layout is None:
        raise ValueError(f"unknown reply format {name!r}; known are {', '.join(_LAYOUTS)}")
    return layout, "\n" if name.endswith(" newline") else ""


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def to_line(stored: StoredReply) -> str:
    """Return *stored* as one line of JSON without secrets; equal replies give equal lines."""
    fields: dict[str, Any] = {"address": stored.address}
    if stored.method != "POST":
        fields["method"] = stored.method
    fields["path"] = stored.path
    if stored.alias is not None:
        fields["alias"] = stored.alias
    fields["trial"] = stored.trial
    if stored.occurrence:
        fields["occurrence"] = stored.occurrence
    fields["request"] = _sorted(stored.request)
    fields["reply"] = dict(stored.reply)
    for name in ("status", "content_type", "latency", "first_token"):
        if getattr(stored, name) is not None:
            fields[name] = getattr(stored, name)
    line = _ENCODER.encode(fields)
    # Masking looks at every value, and hardly any line holds a secret.
    if redaction.may_hold(line):
        fields = _masked(fields)
        line = _ENCODER.encode(fields)
    return line if line.isascii() else _writable(line, fields)


def _writable(line: str, fields: dict[str, Any]) -> str:
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:  # A lone surrogate can stand in a file as an escape only.
        return json.dumps(fields, separators=(",", ":"))
    return line


def _masked(value: Any) -> Any:
    """Return *value* without secrets, value by value: so JSON stays JSON, and an escape inside a
    string hides nothing."""
    if isinstance(value, str):
        return redaction.redact(value)
    if isinstance(value, dict):
        return {redaction.redact(str(name)): _masked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_masked(one) for one in value]
    if isinstance(value, (int, float)) and redaction.redact(repr(value)) != repr(value):
        return redaction.MASK
    return value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    return value


def from_line(line: str | bytes) -> StoredReply:
    """Return the reply of a line that `to_line` wrote.

    Raises `ValueError` saying what is wrong with the line.
    """
    try:
        fields = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(fields, dict):
        raise ValueError(f"expected an object, got {type(fields).__name__}")
    if not fields.keys() <= _FIELDS:
        raise ValueError(f"unknown field {min(fields.keys() - _FIELDS)!r}")
    for name, kind in _NEEDED.items():
        if not isinstance(fields.get(name), kind):
            raise ValueError(f"{name!r} is missing or not {kind.__name__}")
    if "request" not in fields:
        raise ValueError("'request' is missing")
    stored = StoredReply(**fields)
    _check(stored)
    return stored


def _check(stored: StoredReply) -> None:
    reply = stored.reply
    if "chunks" in reply:
        chunks = reply["chunks"]
        if not isinstance(chunks, list) or not all(isinstance(one, str) for one in chunks):
            raise ValueError("'chunks' is not a list of strings")
    elif "text" in reply:
        if not isinstance(reply["text"], str):
            raise ValueError("'text' is not a string")
    elif "json" in reply:
        _layout(reply)
    else:
        try:
            _unpack(reply)
        except (binascii.Error, TypeError) as error:
            raise ValueError(f"'base64' cannot be decoded: {error}") from None
