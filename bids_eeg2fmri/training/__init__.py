"""Splits and cross-validation."""
