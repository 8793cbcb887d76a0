"""What data a run uses and how rows become tokens: the settings, nothing else."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

__all__ = ["DataConfig", "DataFormat"]

DataFormat = Literal["messages", "sharegpt", "alpaca", "prompt_completion", "text"]

_STRICT = ConfigDict(extra="forbid", validate_assignment=True)


@dataclass(config=_STRICT, kw_only=True)
class DataConfig:
    """Files, their format, and the policies for rows that do not fit.

    Example:
        >>> DataConfig(train=["chats.jsonl"]).on_bad_row
        'error'
    """

    train: list[str] = field(default_factory=lambda: ["samples"])
    """Files or folders (JSONL, JSON, Parquet, CSV, TSV, TXT), or ``samples``, the embedded chats."""
    evaluation: list[str] = field(default_factory=list)
    """Files that are only measured on; without them a part of ``train`` is held out."""
    held_out: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Share of rows that is held out for measuring when ``evaluation`` names no file; 0: none."""
    max_held_out_rows: Annotated[int, Field(ge=1)] = 500
    """Never hold out more rows than this: measuring takes time and 500 rows are precise enough."""
    format: Literal["auto", "messages", "sharegpt", "alpaca", "prompt_completion", "text"] = "auto"
    """Format of the rows; ``auto`` finds it from the data and says why."""
    columns: dict[str, str] = field(default_factory=dict)
    """Rename columns, known name to yours: ``{text: body}`` or ``{prompt: en, completion: ja}``."""
    encoding: str = "auto"
    """Text encoding (``utf-8``, ``cp932``, ``euc_jp`` …); ``auto`` finds it and says why."""
    max_tokens: Annotated[int, Field(ge=8)] = 2048
    """Longest row in tokens; what is longer goes by ``on_overlong``."""
    on_overlong: Literal["auto", "truncate", "drop", "split", "error"] = "auto"
    """Longer rows: cut the end, leave out, divide, or stop. ``auto``: split text, truncate chats."""
    on_bad_row: Literal["error", "skip"] = "error"
    """A row that cannot be used: stop with file and line, or skip it, count it and keep it."""
    train_on: Literal["assistant", "all"] = "assistant"
    """Train on what the assistant says, or on every token of a chat."""
    max_rows: Annotated[int, Field(ge=1)] | None = None
    """Use only the first rows of the training files, for a trial."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42
    """Chooses the held-out rows."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if not self.train:
            raise ValueError("train is empty: name at least one file, or 'samples'")
