"""Stages for other processes to run; they import them by their names."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from migaki.corpus.documents import Document, Outcome, Rejection
from migaki.linguistics.script import japanese_ratio


@dataclass(frozen=True)
class MostlyJapanese:
    """Rejects what has too few Japanese letters."""

    least: float = 0.7
    name = "japanese_ratio"

    def __call__(self, document: Document) -> Outcome:
        ratio = japanese_ratio(document.text)
        if ratio >= self.least:
            return document
        detail = f"Japanese letters {ratio:.0%} < {self.least:.0%}"
        return Rejection(document, self.name, "too_little_japanese", detail)


@dataclass(frozen=True)
class WithoutSpaces:
    """Changes documents and counts it."""

    name = "spaces"

    def __call__(self, document: Document) -> Outcome:
        return document.with_text(document.text.replace(" ", ""), spaces=document.text.count(" "))


@dataclass(frozen=True)
class KilledOnce:
    """Kills its own process at the documents of some lines, each the first time that it is seen."""

    folder: Path
    lines: tuple[int, ...]
    name = "killed_once"

    def __call__(self, document: Document) -> Outcome:
        if _is_first_time(document, self.folder, self.lines):
            os.kill(os.getpid(), signal.SIGKILL)
        return document


@dataclass(frozen=True)
class StoppedOnce:
    """Stops the run, as Ctrl-C does, the first time that a document of these lines is seen."""

    folder: Path
    lines: tuple[int, ...]
    name = "stopped_once"

    def __call__(self, document: Document) -> Outcome:
        if _is_first_time(document, self.folder, self.lines):
            raise KeyboardInterrupt
        return document


@dataclass(frozen=True)
class Slow:
    """Takes its time, and says where it runs."""

    folder: Path
    seconds: float
    name = "slow"

    def __call__(self, document: Document) -> Outcome:
        (self.folder / f"pid-{os.getpid()}").touch()
        time.sleep(self.seconds)
        return document


@dataclass(frozen=True)
class Broken:
    """Breaks the rule that a stage never raises."""

    name = "broken"

    def __call__(self, document: Document) -> Outcome:
        if "雪" in document.text:
            raise ValueError("雪はきらいです")
        return document


def _is_first_time(document: Document, folder: Path, lines: tuple[int, ...]) -> bool:
    line = document.id.rpartition(":")[2]
    mark = folder / line
    if int(line) not in lines or mark.exists():
        return False
    mark.touch()
    return True
