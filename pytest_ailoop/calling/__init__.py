"""Calls to models: the seam that sees them, their store, facts and prices, and the `llm` client.

PYTEST_DONT_REWRITE
"""
