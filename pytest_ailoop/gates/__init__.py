"""Gates: what decides for a group from all its scores; pure. PYTEST_DONT_REWRITE"""
