"""Simulated BIDS datasets with known coupling."""
