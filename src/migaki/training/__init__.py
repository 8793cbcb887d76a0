"""One training engine and the trainers that prepare for it."""
