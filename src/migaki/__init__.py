"""migaki."""
