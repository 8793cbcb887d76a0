"""What a run needs, part by part, and what there is. Nothing here imports torch by itself."""
