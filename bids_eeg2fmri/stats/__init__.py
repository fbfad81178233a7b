"""Inference across participants."""
