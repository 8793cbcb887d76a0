"""Fixtures of the tests of augmentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.corpus.endings import write_rows


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Rows for some chunks, of unequal length, some without a variant."""
    rows = [
        {
            "text": f"第{n}の文です。" * (1 + n % 7) if n % 5 else f"第{n}の文だ。",
            "license": "CC0-1.0",
            "source": f"本{n}",
        }
        for n in range(700)
    ]
    return write_rows(tmp_path / "many.jsonl", rows)
