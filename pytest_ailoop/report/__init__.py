"""What a run shows and keeps: rows, then lines; run files and their schema. PYTEST_DONT_REWRITE"""
