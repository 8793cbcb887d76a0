"""Load, adapt, generate with causal language models."""
