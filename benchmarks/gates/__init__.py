"""How often the gates as shipped are wrong: `python -m benchmarks.gates`."""
