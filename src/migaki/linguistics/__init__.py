"""Japanese itself: morphemes, conjugation, register, variants, script. Never imports torch."""
