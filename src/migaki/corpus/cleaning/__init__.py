"""Cleaning: stages that keep, mend or reject one document, each with its rule, threshold and source."""
