"""Faults planted in the statistics, each to be found by its test."""
