"""Checks: what looks at a value and gives a score; each family is one file. PYTEST_DONT_REWRITE"""
