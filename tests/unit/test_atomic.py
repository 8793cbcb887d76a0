"""A file is whole or not there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from migaki import atomic


def test_text_is_written_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("前", encoding="utf-8")
    atomic.write_text(target, "後\n")
    assert target.read_text(encoding="utf-8") == "後\n"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("前", encoding="utf-8")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        atomic.write_text(target, "後")
    assert target.read_text(encoding="utf-8") == "前"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_rows_may_hold_broken_unicode(tmp_path: Path) -> None:
    target = tmp_path / "rows.jsonl"
    atomic.write_jsonl(target, [{"text": "壊\ud800れ"}, {"text": "行\n行"}])
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 2
    assert rows[1] == {"text": "行\n行"}
