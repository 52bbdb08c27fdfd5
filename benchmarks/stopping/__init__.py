"""How often verdicts err that stop early, many runs a setting: `python -m benchmarks.stopping`."""
