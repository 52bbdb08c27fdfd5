"""Runs bodies of upcoming evals before their turn, where nothing forbids it. PYTEST_DONT_REWRITE"""
