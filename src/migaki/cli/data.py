"""``migaki data``: its commands, each in a module of its own that is imported when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import typer

from migaki.cli.lazy_group import LazyGroup

__all__ = ["data_app"]


class DataGroup(LazyGroup):
    """The commands about data, in the order in which they are used."""

    homes: ClassVar[Mapping[str, str]] = {
        "list": "migaki.cli.data_sources:list_sources",
        "prepare": "migaki.cli.data_prepare:prepare",
        "check": "migaki.cli.data_check:check",
        "preview": "migaki.cli.data_check:preview",
        "clean": "migaki.cli.data_clean:clean",
        "dedup": "migaki.cli.data_dedup:dedup",
        "select": "migaki.cli.data_select:select",
        "mix": "migaki.cli.data_mix:mix",
        "sample": "migaki.cli.data_sample:sample",
        "ablation": "migaki.cli.data_ablation:ablation",
    }


data_app = typer.Typer(
    cls=DataGroup,
    name="data",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Training data: what it holds, what will be trained, what is wrong with it, what helps.",
)


@data_app.callback()
def _group() -> None:
    """A group stays one, however few commands it has."""
