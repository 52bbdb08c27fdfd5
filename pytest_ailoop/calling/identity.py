"""What a request is, apart from when, by whom and with which key it was sent.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.digest import canonical, digest_text
from pytest_ailoop.frozen import dataclass

__all__ = ["Identity", "Request", "address_of", "endpoint_of", "is_loopback"]

_SURE = r"/(?:chat/completions|completions|embeddings)"
# Other APIs have paths of these names too; there the body must name a model.
_LIKELY = r"/(?:responses|messages|decisions)"
_ENDPOINT = re.compile(
    rf"(?P<sure>(?:/deployments/[^/]+)?{_SURE}|/models/[^/]+:\w+)/?$|(?P<likely>{_LIKELY})/?$"
)
_QUERY = frozenset({"alt", "api-version", "beta"})
_SECRET = re.compile(r"(?i)(key|token|secret|passw|credential|auth|sig)")
_BOUNDARY = re.compile(r'(?i)boundary="?([^";,]+)')


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request as its address sees it."""

    method: str
    path: str
    """Endpoint of a model's API; `//host/path?query` of anything else."""
    endpoint: str
    """The path without host and query."""
    body: Any
    """The JSON body without ignored fields; `{"sha256": ...}` of other bytes; None of nothing."""
    digest: str
    """Digest of all of the above."""
    model: str | None
    is_model: bool
    """Whether it goes to a model's API, as far as path and body tell."""
    alias: str | None = None
    """Alias of the configured model, where two of them share the model's name."""

    @property
    def streams(self) -> bool:
        """Whether the reply is asked for as a stream."""
        asked = isinstance(self.body, dict) and bool(self.body.get("stream"))
        return asked or "streamGenerateContent" in self.endpoint


def address_of(request: str, trial: int, occurrence: int) -> str:
    """Return the address of a reply to the request with digest *request*."""
    return digest_text(f"{request} {trial} {occurrence}")


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine, by its spelling alone."""
    host = host.strip("[]").lower()
    if host in ("localhost", "::1", "0.0.0.0", "::", "") or host.endswith(".localhost"):
        return True
    return re.fullmatch(r"(::ffff:)?127(\.\d+){1,3}", host) is not None


def endpoint_of(path: str) -> tuple[str, bool] | None:
    """Return the model endpoint that *path* ends in, and whether the path alone is proof of it.

    What stands before it (base paths, gateways, keys) is cut off. None where it is none.
    """
    found = _ENDPOINT.search(path.split("?", 1)[0])
    if found is None:
        return None
    return found.group().rstrip("/"), found.group("sure") is not None


class Identity:
    """Turns what a client sends into a `Request`, by one configuration."""

    def __init__(self, models: Sequence[ModelSpec] = (), ignore_fields: Sequence[str] = ()) -> None:
        self._ignored = [tuple(field.split(".")) for field in ignore_fields]
        self._models = tuple(models)
        homes: dict[str, set[str | None]] = {}
        for spec in models:
            homes.setdefault(spec.model, set()).add(spec.base_url)
        self._shared = frozenset(model for model, urls in homes.items() if len(urls) > 1)

    def spec_of(self, model: str | None, url: str) -> ModelSpec | None:
        """Return the configured model that is called *model* and served at *url*, if there is one.

        One without a base URL is taken where none with a matching base URL is.
        """
        named = [spec for spec in self._models if spec.model == model]
        for spec in named:
            if spec.base_url and url.startswith(spec.base_url.split("?")[0].rstrip("/") + "/"):
                return spec
        return next((spec for spec in named if not spec.base_url), None)

    def request_of(
        self, method: str, host: str, target: str, body: bytes, *, content_type: str, url: str
    ) -> Request:
        """Return the request's identity.

        *host* carries its port where that is not the default one, *target* is path and query,
        *url* the whole address, read only to tell apart configured models of the same name.
        """
        content, text = self._body(body, content_type)
        model = content.get("model") if isinstance(content, dict) else None
        model = model if isinstance(model, str) else None
        path, endpoint, is_model = _path(host, target, model is not None)
        alias = None
        if model in self._shared and is_model:
            spec = self.spec_of(model, url)
            alias = spec.alias if spec else None
        return Request(
            method=method,
            path=path,
            endpoint=endpoint,
            body=content,
            digest=digest_text("\n".join((method, path, alias or "", text))),
            model=model or _model_in(endpoint),
            is_model=is_model,
            alias=alias,
        )

    def _body(self, body: bytes, content_type: str) -> tuple[Any, str]:
        """Return the body and its canonical text."""
        if not body:
            return None, ""
        if body[:1] in b"{[":
            try:
                content = json.loads(body)
                for field in self._ignored:
                    _remove(content, field)
                return content, canonical(content)
            except (ValueError, RecursionError):
                pass  # Not JSON after all, or NaN, or nested beyond reason: named by its bytes.
        content = _fingerprint(body, content_type)
        return content, canonical(content)


@functools.lru_cache(maxsize=512)
def _path(host: str, target: str, names_model: bool) -> tuple[str, str, bool]:
    path, _, query = target.partition("?")
    found = endpoint_of(path)
    if found is not None and (found[1] or names_model):
        kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] in _QUERY]
        return found[0] + _query(kept), found[0], True
    # A tool's own service: there the query is the question. Only what looks like a key goes.
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [pair for pair in pairs if not _SECRET.search(pair[0])]
    return f"//{host}{path}{_query(kept)}", path, False


def _query(pairs: list[tuple[str, str]]) -> str:
    return f"?{urlencode(sorted(pairs))}" if pairs else ""


def _model_in(endpoint: str) -> str | None:
    _, found, name = endpoint.rpartition("/models/")
    return name.partition(":")[0] or None if found else None


def _remove(value: Any, field: tuple[str, ...]) -> None:
    """Remove a dotted field; `*` and list items stand for each item of a list."""
    name, rest = field[0], field[1:]
    if isinstance(value, list):
        for one in value:
            _remove(one, rest if name == "*" and rest else field)
    elif isinstance(value, dict) and name in value:
        if rest:
            _remove(value[name], rest)
        else:
            del value[name]


def _fingerprint(body: bytes, content_type: str) -> Mapping[str, str]:
    """Return what names a body that is not JSON; a form's random boundary does not count."""
    found = _BOUNDARY.search(content_type)
    if found is not None:
        body = body.replace(found.group(1).encode("latin-1", "replace"), b"boundary")
    kind = content_type.split(";")[0].strip().lower()
    return {"content_type": kind, "sha256": hashlib.sha256(body).hexdigest()}
