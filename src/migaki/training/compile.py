"""`torch.compile`, layer by layer.

All decoder layers share one piece of code, so compiling it once serves them all, in a fraction of
the time that a whole model takes (PyTorch: regional compilation). `nn.Module.compile` changes how a
layer is called, not what it is: names of weights, checkpoints and adapters stay what they were.
Lengths are compiled as symbols (``dynamic=True``), so rows of another length need no new code.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from importlib.util import find_spec

import torch
from torch import nn

from migaki.models.patches import base_of

__all__ = ["choose_compilation", "compile_layers", "decoder_layers", "take_back", "when_it_pays"]

_VARIANTS = 64
"""Versions of a layer's code that may exist side by side: with and without gradient at its input,
dropout, evaluation, kinds of attention. torch's own limit is 8; beyond it a layer silently runs
uncompiled."""


def choose_compilation(wanted: bool, model: nn.Module, device: torch.device) -> tuple[bool, str]:
    """Decide whether the layers are compiled.

    Args:
        wanted: As the configuration says.
        model: Whose layers.
        device: Where it is.

    Returns:
        The choice and the reason.
    """
    if not wanted:
        return False, "torch_compile=False"
    if not decoder_layers(model):
        return False, f"{type(model).__name__} has no list of layers"
    if device.type == "cuda" and find_spec("triton") is None:
        return False, "on a GPU it needs the package 'triton', which is not installed"
    if not _cpp_compiler():  # on a GPU too: launchers of kernels are compiled
        return False, "it needs a C++ compiler (g++ or clang++, or CXX set to one)"
    if device.type not in ("cpu", "cuda"):
        return False, f"compiled training on {device.type} is not tried yet"
    return True, "torch_compile=True"


def decoder_layers(model: nn.Module) -> Sequence[nn.Module]:
    """Return the layers that a model repeats: its longest list of modules of one class."""
    lists = [
        list(module)
        for module in base_of(model).modules()
        if isinstance(module, nn.ModuleList) and len({type(part) for part in module}) == 1
    ]
    return max(lists, key=len, default=[])


def compile_layers(model: nn.Module) -> None:
    """Compile every layer when it is first called; `take_back` undoes it."""
    dynamo = torch._dynamo.config
    dynamo.recompile_limit = max(dynamo.recompile_limit, _VARIANTS)
    for layer in decoder_layers(model):
        layer.compile(dynamic=True)


def take_back(model: nn.Module) -> None:
    """Call the layers uncompiled again."""
    for layer in decoder_layers(model):
        layer._compiled_call_impl = None


def when_it_pays(*, warm_up_s: float, plain_s: float, compiled_s: float) -> str:
    """Say after how many batches the warm-up is earned back.

    Args:
        warm_up_s: What compiling took.
        plain_s: A batch uncompiled.
        compiled_s: The same batch compiled.

    Example:
        >>> when_it_pays(warm_up_s=30.0, plain_s=0.2, compiled_s=0.15)
        'compiling took 30.0 s; a batch takes 0.150 s instead of 0.200 s, which pays after about 600 batches'
        >>> when_it_pays(warm_up_s=30.0, plain_s=0.2, compiled_s=0.25)
        'compiling took 30.0 s; a batch takes 0.250 s instead of 0.200 s, which never pays here'
    """
    said = (
        f"compiling took {warm_up_s:.1f} s; a batch takes {compiled_s:.3f} s instead of "
        f"{plain_s:.3f} s, which "
    )
    gain_s = plain_s - compiled_s
    if gain_s <= 0:
        return said + "never pays here"
    return said + f"pays after about {round(warm_up_s / gain_s):,} batches"


def _cpp_compiler() -> str | None:
    named = os.environ.get("CXX")
    return next((name for name in (named, "g++", "clang++") if name and shutil.which(name)), None)
