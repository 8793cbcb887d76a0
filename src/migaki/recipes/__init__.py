"""Whole jobs, composed of the rooms below."""
