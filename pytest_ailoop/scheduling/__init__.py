"""Which bodies run before their turn, and how they share one thread. PYTEST_DONT_REWRITE"""
