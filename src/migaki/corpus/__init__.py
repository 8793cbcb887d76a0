"""Text: files, encodings, samples, splits."""
