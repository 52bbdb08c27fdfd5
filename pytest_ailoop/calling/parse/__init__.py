"""Reading of what goes over the wire: a request and its reply in, the facts of the call out.

One file per API (`chat`, `completions`, `responses`, `embeddings`, `anthropic`, `gemini`); whether
the reply came whole or as a stream is settled once, in `body`. No SDK and no I/O.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pytest_ailoop.calling.parse.facts import CallFacts, facts_of

__all__ = ["CallFacts", "facts_of"]
