"""Error rates of the verdicts, exact where they can be: `python -m benchmarks.statistics`."""
