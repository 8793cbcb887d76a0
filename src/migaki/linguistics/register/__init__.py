"""Register (文体・敬語): which one a text has, and the same text in another."""

from __future__ import annotations

from migaki.linguistics.register.detection import (
    ClauseRegister,
    Mark,
    RegisterReport,
    SentenceRegister,
    detect,
)

__all__ = ["ClauseRegister", "Mark", "RegisterReport", "SentenceRegister", "detect"]
