"""The nouns that two or more stages read: frozen, keyword-only, without I/O. PYTEST_DONT_REWRITE"""
