"""The kinds of gates, one file a family; each finds, and none has a policy. PYTEST_DONT_REWRITE"""
