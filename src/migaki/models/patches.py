"""Changes to one model's modules that can be taken back whole."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from torch import nn

__all__ = ["Patch", "base_of"]


class Patch:
    """Lets a function change a model, and puts everything back on demand.

    Kernel libraries bind methods to instances and replace classes in the file that defines the
    model. Replaced classes would reach every model loaded later, so they are put back at once; what
    functions of that file look up by name while they run (rotary embedding) stays replaced until
    `undo`.

    Args:
        model: The model without adapter wrapper; layers inside may be wrapped.
        change: Changes it in place.
    """

    def __init__(self, model: nn.Module, change: Callable[[nn.Module], None]) -> None:
        self._source: ModuleType = sys.modules[type(model).__module__]
        self._names = dict(vars(self._source))
        self._modules = {module: dict(vars(module)) for module in model.modules()}
        try:
            change(model)
        except BaseException:
            self.undo()
            raise
        self._put_back_names(classes_only=True)

    def undo(self) -> None:
        """Put everything back."""
        self._put_back_names(classes_only=False)
        for module, before in self._modules.items():
            for name in set(vars(module)) - set(before):
                del module.__dict__[name]
            module.__dict__.update(
                {name: value for name, value in before.items() if not _holds_state(name)}
            )

    @property
    def changed(self) -> int:
        """How many modules compute otherwise than before."""
        return sum(
            vars(module).get("forward") is not before.get("forward")
            for module, before in self._modules.items()
        )

    def _put_back_names(self, *, classes_only: bool) -> None:
        for name, value in self._names.items():
            if not classes_only or isinstance(value, type):
                setattr(self._source, name, value)


def _holds_state(name: str) -> bool:
    """Whether training itself may have changed it meanwhile."""
    return name == "training" or name in nn.Module().__dict__


def base_of(model: nn.Module) -> Any:
    """Return the model inside PEFT's wrapper, or the model itself."""
    unwrap = getattr(model, "get_base_model", None)
    return unwrap() if callable(unwrap) else model
