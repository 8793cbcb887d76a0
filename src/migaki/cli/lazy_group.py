"""A command group that imports a command when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

__all__ = ["LazyGroup"]


class LazyGroup(TyperGroup):
    """A group of commands whose modules are not imported before they are needed."""

    homes: ClassVar[Mapping[str, str]] = {}
    """Command → ``module:function`` or ``module:app``, in the order of help."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands in the order of a user's way through them."""
        return list(self.homes)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import one command."""
        home = self.homes.get(cmd_name)
        if home is None:
            return None
        module, _, attribute = home.partition(":")
        target = getattr(importlib.import_module(module), attribute)
        app = target if isinstance(target, typer.Typer) else _as_app(cmd_name, target)
        command = typer.main.get_command(app)
        command.name = cmd_name
        return command


def _as_app(name: str, function: Any) -> typer.Typer:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(function)
    return app
