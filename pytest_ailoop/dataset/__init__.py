"""Data sets: files and Python objects to cases, and the choice among them. PYTEST_DONT_REWRITE"""
