"""Prompt files: found, read, checked, and rendered with a case's values. PYTEST_DONT_REWRITE"""
