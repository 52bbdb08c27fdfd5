"""The committed scores: their file, the comparison, the acceptance. PYTEST_DONT_REWRITE"""
