"""What may be done after a run, as commands. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_ailoop.data.baseline import Comparison
from pytest_ailoop.data.record import RunRecord

__all__ = ["next_steps"]


def next_steps(
    run: RunRecord,
    comparison: Comparison,
    *,
    all_passed: bool,
    origins: Iterable[str],
    accepted: bool,
) -> tuple[tuple[str, str], ...]:
    """Return the commands to go on with, each with what it does.

    *origins* are where replies came from; *accepted*: whether this run became the baseline.
    """
    found = []
    if not all_passed or comparison.unmeasured:
        found.append(("ailoop show -v", "shows each case of this run"))
    kinds = _kinds(comparison, run.exit_status == 0)
    if kinds and not accepted and not run.counts.get("settled"):
        found.append(_accepting(run, kinds))
    unrecorded = {"cache", "live"}.intersection(origins)
    if unrecorded and run.options.get("replies") not in ("replay", "record"):
        found.append(("ailoop record", "keeps its replies in files for git, for replay"))
    return tuple(found)


def _accepting(run: RunRecord, kinds: str) -> tuple[str, str]:
    if run.attempt < 2:
        return f"ailoop accept --only {kinds}", "accepts it as the baseline"
    return "ailoop accept --attempts", f"accepts all {run.attempt} runs pooled, not the luckiest"


def _kinds(comparison: Comparison, passing: bool) -> str:
    counts = comparison.counts
    fresh = ("new", "changed case", "changed prompt", "changed check")
    kinds = ["new"] if any(counts.get(one) for one in fresh) else []
    kinds += [one for one in ("improved", "regressed") if counts.get(one)]
    prunable = passing and not comparison.incomplete
    kinds += ["prune"] if counts.get("missing") and prunable else []
    return ",".join(kinds)
