"""Metrics, baselines, nulls."""
