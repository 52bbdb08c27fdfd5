"""A model as a judge of one criterion. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

from pytest_ailoop import recorder
from pytest_ailoop.data.reply import Reply, text_of
from pytest_ailoop.data.score import Score
from pytest_ailoop.digest import digest
from pytest_ailoop.errors import CheckError, ReplayMissError, ReplyError, UsageError
from pytest_ailoop.scoring import verdict
from pytest_ailoop.scoring.check import Check, Subject
from pytest_ailoop.text import cut, one_line

__all__ = ["judge"]

_REFUSED = re.compile(r"\bHTTP (400|404|415|422|500|501)\b")
"""How servers answer a `response_format` that they do not know."""

# Models whose server takes no schema: asked without one from then on, so that a server that
# answers 500, which clients retry with pauses, is not asked in vain for each case.
_without_schema: set[str] = set()


def judge(
    criterion: str,
    *,
    model: str | None = None,
    reference: str | Literal[False] = "auto",
    name: str | None = None,
    temperature: float | None = 0.0,
    seed: int | None = 0,
) -> Check:
    """Check by asking a model whether the value meets *criterion*: 1 pass, 0 fail.

    Ask for one thing that a person could answer with yes or no. The judge sees the case's input,
    the value, and the case's `expected` as a reference answer: *reference* may be another text,
    or False for none. *model* is an alias of the configuration or a model's name, by default the
    configured judge. None for *temperature* or *seed* leaves it out of the request.

    The score is "not scored" where the judge cannot tell, or where its answer could not be read
    even after one repair. Awaited in async tests: `await expect(reply).to(judge(...))`. Raises
    `ReplyError` where the judge gave no answer at all.

    ```python
    await expect(reply).to(judge("Is the answer polite?"))
    ```
    """
    if not isinstance(criterion, str) or not criterion.strip():
        raise UsageError(f"judge({criterion!r}): give the criterion in words")
    if not (reference is False or isinstance(reference, str)):
        raise UsageError(f"judge(reference={reference!r}): give 'auto', False or the text")
    return Judge(criterion, model, reference, name, {"temperature": temperature, "seed": seed})


class Judge(Check):
    """Asks for a verdict; made by `judge`."""

    kind = "judge"
    is_async = True
    version = verdict.VERSION

    def __init__(
        self,
        criterion: str,
        model: str | None,
        reference: str | bool,
        name: str | None,
        parameters: dict[str, Any],
    ) -> None:
        super().__init__(
            name or f"judge: {one_line(criterion, 40)}",
            criterion=criterion,
            model=model,
            reference=reference,
            **parameters,
        )
        self._criterion, self._model, self._reference = criterion, model, reference
        self._parameters = parameters

    async def score(self, subject: Subject) -> Score:
        client = _client(self._model)
        asked = verdict.messages_for(
            self._criterion, _text(subject), task=_task(subject), reference=self._shown(subject)
        )
        found = await self._verdict(client, asked)
        # The configuration may name another judge tomorrow: its scores do not compare with these.
        check = digest([self.digest, getattr(getattr(client, "spec", None), "model", self._model)])
        score = Score(name=self.name, reason=found.reason, check=check)
        if found.word == "unknown":
            return replace(score, not_scored=f"judge: unknown - {cut(found.reason, 300)}")
        return replace(score, value=1.0 if found.word == "pass" else 0.0)

    def _shown(self, subject: Subject) -> str | None:
        """Return the reference answer that the judge is shown."""
        if isinstance(self._reference, str) and self._reference != "auto":
            return self._reference
        expected = subject.case.expected if subject.case else None
        return None if self._reference is False or expected is None else text_of(expected)

    async def _verdict(self, client: Any, asked: verdict.Messages) -> verdict.Verdict:
        answer = await self._ask(client, asked)
        found = verdict.read(answer)
        if isinstance(found, str):
            found = verdict.read(await self._ask(client, verdict.repair(asked, answer, found)))
        if isinstance(found, str):
            raise CheckError(f"the judge's answer could not be read: {found}")
        return found

    async def _ask(self, client: Any, messages: verdict.Messages) -> str:
        key = str(getattr(getattr(client, "spec", None), "alias", self._model))
        if key not in _without_schema:
            try:
                return await self._answer(client, messages, response_format=verdict.FORMAT)
            except ReplyError as error:
                refusal = error
            if not (isinstance(refusal, ReplayMissError) or _REFUSED.search(str(refusal))):
                raise refusal
            return await self._plainly(client, messages, refusal, key)
        return await self._answer(client, messages)

    async def _plainly(
        self, client: Any, messages: verdict.Messages, refusal: ReplyError, key: str
    ) -> str:
        """Ask without a schema after *refusal*; where that fails too, the first fault stands.

        In replay a server's refusal is not on record: it shows as a miss of the first request.
        """
        try:
            answer = await self._answer(client, messages)
        except ReplyError:
            raise refusal from None
        if isinstance(refusal, ReplayMissError):
            _forgive(refusal)
        else:
            _without_schema.add(key)
        return answer

    async def _answer(self, client: Any, messages: verdict.Messages, **more: Any) -> str:
        with recorder.judging():
            reply: Reply[Any] = await client(messages, **self._parameters, **more)
        if reply.refusal:
            raise ReplyError(f"the judge refused to answer: {one_line(reply.refusal, 200)}")
        return reply.text


def _forgive(miss: ReplayMissError) -> None:
    """Take the miss of a request that another one stood in for out of the item's faults."""
    notebook = recorder.current()
    if notebook is not None:
        notebook.faults[:] = [one for one in notebook.faults if str(one) != str(miss)]


def _client(model: str | None) -> Any:
    notebook = recorder.current()
    if notebook is None or notebook.model_client is None:
        raise UsageError(
            "judge(...) asks a model, which only an eval has: run it inside a test marked "
            "@pytest.mark.ailoop"
        )
    return notebook.model_client(model, "judge")


def _text(subject: Subject) -> str:
    if subject.value is None:
        raise CheckError("the value is None: there is no text to judge")
    return subject.text


def _task(subject: Subject) -> str | None:
    given = subject.case.input if subject.case else None
    return None if given is None else text_of(given)
