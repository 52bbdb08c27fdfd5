"""Evaluate software built on language models with plain pytest. PYTEST_DONT_REWRITE"""
