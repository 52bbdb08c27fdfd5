"""The faults that are planted, by the acceptance test that must find them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PLANTED", "Planted"]

_STATS = "tests/unit/stats/test_stats"
_GATES = "tests/unit/gates/test_gates"


@dataclass(frozen=True)
class Planted:
    """One fault: in *file* of the package, *right* becomes *wrong*."""

    name: str
    """The acceptance test, S1 to S13."""
    what: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]
    """Node ids, of which one or more must fail."""


PLANTED = (
    Planted(
        "S1",
        "the clustered error without its correction for few clusters",
        "stats/clustered.py",
        "math.sqrt(count / (count - 1) * squares) / n",
        "math.sqrt(squares) / n",
        (f"{_STATS}_clustered.py::test_the_reference_values",),
    ),
    Planted(
        "S1",
        "McNemar's mid-p without taking off what was seen",
        "stats/cross_checks.py",
        "mid_p=exact - seen)",
        "mid_p=exact)",
        (f"{_STATS}_cross_checks.py::test_mcnemar_gives_the_published_values",),
    ),
    Planted(
        "S1",
        "pass^k as the k-th power of the rate, which is biased",
        "stats/trials.py",
        "return comb(c, k) / comb(n, k)",
        "return (c / n) ** k",
        (f"{_STATS}_trials.py::test_pass_hat_k_gives_the_reference_values",),
    ),
    Planted(
        "S1",
        "Wilson's interval around the plain share",
        "stats/intervals.py",
        "centre = p + z2 / (2 * n)",
        "centre = p",
        (f"{_STATS}.py::test_wilson_agrees_with_newcombes_table",),
    ),
    Planted(
        "S1",
        "Tango's interval with plain variances",
        "stats/paired.py",
        "return gap, max(0.0, n * (2 * losses + spread))",
        "return gap, max(0.0, b + c - (b - c) ** 2 / n)",
        (f"{_STATS}_paired.py::test_tango_gives_the_reference_values",),
    ),
    Planted(
        "S1",
        "Benjamini and Hochberg from the wrong end",
        "stats/multiple.py",
        "lowest = min(lowest, m * p / rank)",
        "lowest = min(1.0, m * p / rank)",
        (f"{_STATS}_multiple.py::test_both_are_statsmodels",),
    ),
    Planted(
        "S1",
        "the e-process with a stake that is not fair",
        "stats/sequential.py",
        "middle = (1 - margin / spread) / 2",
        "middle = (1 - margin / spread / 2) / 2",
        (f"{_STATS}_sequential.py::test_ties_against_worse_by_the_margin",),
    ),
    Planted(
        "S2",
        "a drop of one trial by Tango's interval alone, without the exact p-value",
        "gates/evidence.py",
        "p = max(p, unconditional_p(gains, losses, n))",
        "p = max(p, 0.0)",
        (f"{_GATES}_errors.py::test_the_rule_is_what_ships",),
    ),
    Planted(
        "S2",
        "a drop of graded scores without pseudo-pairs",
        "stats/paired.py",
        "WEIGHT = 2.0",
        "WEIGHT = 0.001",
        (f"{_GATES}_errors.py::test_false_alarms",),
    ),
    Planted(
        "S3",
        "no loss beyond the margin, by 1.5 pseudo-pairs",
        "stats/paired.py",
        "WEIGHT = 2.0",
        "WEIGHT = 1.5",
        (f"{_GATES}_errors.py::test_misses",),
    ),
    Planted(
        "S3",
        "no loss beyond the margin, by plain t",
        "stats/paired.py",
        "WEIGHT = 2.0",
        "WEIGHT = 0.001",
        (f"{_GATES}_errors.py::test_misses",),
    ),
    Planted(
        "S3",
        "bounds that take no step outwards where most of the cases changed",
        "gates/evidence.py",
        "STEP = 0.5",
        "STEP = 0.0",
        (f"{_GATES}_errors.py::test_misses", f"{_GATES}_errors.py::test_false_alarms"),
    ),
    Planted(
        "S4",
        "a mean of equal scores without width",
        "stats/clustered.py",
        "WEIGHT = 1.5",
        "WEIGHT = 0.0",
        (f"{_GATES}_properties.py::test_no_interval_is_without_width",),
    ),
    Planted(
        "S4",
        "one case decides",
        "gates/thresholds.py",
        "if n < 2:",
        "if n < 1:",
        (f"{_GATES}_properties.py::test_no_interval_is_without_width",),
    ),
    Planted(
        "S5",
        "peeking: each look takes the whole error rate",
        "stats/sequential.py",
        "return self.highest >= -math.log(alpha)",
        "return self.highest >= -math.log(min(0.99, 5 * alpha))",
        (f"{_STATS}_sequential.py::test_two_hundred_looks_err_in_five_percent_at_most",),
    ),
    Planted(
        "S6",
        "one timid bet in place of the mixture",
        "stats/sequential.py",
        "BETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)",
        "BETS = (0.02,)",
        (f"{_STATS}_sequential.py::test_cases_until_a_drop_is_seen",),
    ),
    Planted(
        "S7",
        "many metrics, each by itself",
        "stats/multiple.py",
        "highest = max(highest, min(1.0, (m - rank) * p))",
        "highest = max(highest, min(1.0, p))",
        (f"{_GATES}_errors.py::test_any_of_twenty_metrics",),
    ),
    Planted(
        "S8",
        "trials of a case taken for independent",
        "stats/clustered.py",
        "squares = fsum(fsum(value - mean for value in group) ** 2 for group in groups)",
        "squares = fsum(fsum((value - mean) ** 2 for value in group) for group in groups)",
        (f"{_STATS}_clustered.py::test_coverage_of_ten_trials_a_case",),
    ),
    Planted(
        "S9",
        "a drop that brings no noise of its own",
        "gates/outlook.py",
        "growth=1 / trials if passes else 0.0,",
        "growth=0.0,",
        (f"{_GATES}_errors.py::test_the_drop_that_is_printed_is_the_drop_that_is_seen",),
    ),
    Planted(
        "S10",
        "failed once as many were missed as may be",
        "stats/sequential.py",
        'return "failed" if seen - passes > planned - needed else None',
        'return "failed" if seen - passes >= planned - needed else None',
        (f"{_STATS}_sequential.py::test_curtailed_runs_say_what_whole_ones_say",),
    ),
    Planted(
        "S10",
        "the gate is settled where the rest could still change it",
        "gates/watches.py",
        "worst, best = self._status(self.passes), self._status(self.passes + self.rest)",
        "worst, best = self._status(self.passes), self._status(self.passes + self.rest // 2)",
        (f"{_GATES}_settling.py::test_a_curtailed_verdict_is_that_of_the_full_run",),
    ),
    Planted(
        "S11",
        "a bar is passed by a bound that errs four times as often",
        "gates/thresholds.py",
        'low = clopper_pearson_bound(k, n, alpha, "lower")',
        'low = clopper_pearson_bound(k, n, 4 * alpha, "lower")',
        (f"{_GATES}_thresholds.py::test_a_bar_errs_in_five_percent_at_most",),
    ),
    Planted(
        "S12",
        "higher is better, whatever was said",
        "gates/scaled.py",
        'gap = value - self.low if self.direction == "higher" else self.high - value',
        "gap = value - self.low",
        (f"{_GATES}_properties.py::test_a_score_and_its_mirror_image_agree",),
    ),
    Planted(
        "S12",
        "the first case counts twice",
        "gates/comparison.py",
        "found = _evidence([one.difference for one in scored], rates, alpha)",
        "found = _evidence([one.difference for one in (scored[0], *scored)], rates, alpha)",
        (f"{_GATES}_properties.py::test_neither_order_nor_names_matter",),
    ),
    Planted(
        "S13",
        "a plan that is searched for far too finely",
        "stats/planning.py",
        "for _ in range(40):",
        "for _ in range(400_000):",
        (f"{_GATES}_errors.py::test_the_script_prints_every_bound",),
    ),
    Planted(
        "S13",
        "a library at import that few need",
        "stats/normal.py",
        "import functools\nimport math\n",
        "import functools\nimport math\nimport statistics\n",
        (f"{_STATS}.py::test_importing_the_formulas_is_cheap",),
    ),
)
"""Each of the acceptance tests of the statistics has one or more."""
