"""Measurements of a model's Japanese."""
