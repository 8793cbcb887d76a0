"""Register (文体・敬語): which one a text has, and the same text in another."""

from __future__ import annotations

from migaki.linguistics.register.conversion import Conversion, alternatives, convert
from migaki.linguistics.register.detection import (
    ClauseRegister,
    Mark,
    RegisterReport,
    SentenceRegister,
    detect,
)

__all__ = [
    "ClauseRegister",
    "Conversion",
    "Mark",
    "RegisterReport",
    "SentenceRegister",
    "alternatives",
    "convert",
    "detect",
]
