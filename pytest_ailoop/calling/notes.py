"""What an item's notebook is told of one call: each try, and replies that never came.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_ailoop import recorder, redaction
from pytest_ailoop.calling.identity import Request
from pytest_ailoop.calling.noting import facts_of_call
from pytest_ailoop.calling.store import Store
from pytest_ailoop.calling.stored import StoredReply
from pytest_ailoop.data.call import Call, Origin, Purpose
from pytest_ailoop.errors import ReplyError
from pytest_ailoop.text import one_line

__all__ = ["Notes"]


class Notes:
    """Writes of the call at one address into its item's notebook, and into the session's tally."""

    def __init__(
        self,
        store: Store,
        item: recorder.Recorder,
        request: Request,
        *,
        base_url: str,
        address: str,
        purpose: Purpose,
    ) -> None:
        self._store, self._item, self._request = store, item, request
        self._base_url, self._address, self._purpose = base_url, address, purpose
        #: What was noted last.
        self.last: Call | None = None
        #: Called with each live call that is noted, a failed try too.
        self.on_call: list[Callable[[Call], None]] = []

    def reply(self, stored: StoredReply, origin: Origin) -> None:
        """Note a call that has a reply."""
        self.note(
            origin=origin,
            reply=stored.readable if self._request.is_model else None,
            content_type=stored.content_type,
            status=stored.status,
            latency=stored.latency,
            first_token=stored.first_token,
        )

    def note(
        self,
        *,
        origin: Origin,
        reply: Any = None,
        content_type: str = "",
        error: str | None = None,
        **measured: Any,
    ) -> None:
        """Note a call, or a try of it; *measured* are further fields of the `Call`."""
        if error is not None:
            measured["error"] = one_line(redaction.redact(error), 2000)
        facts = facts_of_call(
            self._store.identity, self._request, self._base_url, reply, content_type, error
        )
        if (measured.get("status") or 0) >= 400:
            facts["cost"] = 0.0  # Nobody bills an answer that is an error.
        known = origin == "cache" and self._item.had(self._address)
        call = Call(
            digest=self._address,
            path=self._request.path,
            origin="live" if known else origin,
            purpose=self._purpose,
            **measured,
            **facts,
        )
        self.last = call
        if not known:
            self._store.tally.add(call)
        self._item.add_call(call)
        for tell in self.on_call if origin == "live" else ():
            tell(call)

    def missed(self, why: str) -> None:
        """Keep that the application had to go on without a reply, should it say nothing of it."""
        request = self._request
        if request.is_model and self._purpose == "app":
            asked = f"{request.method} {one_line(request.path, 120)} (model {request.model!r})"
            words = f"{asked} got no reply, and the application went on without it: {why}"
            self._item.unanswered(self._address, ReplyError(redaction.redact(words)))
