"""Which weights of a fully trained model stay as they are, by patterns of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from torch import nn

from migaki.errors import UsageError

__all__ = ["freeze_weights", "frozen_names"]


def frozen_names(names: Sequence[str], patterns: Sequence[str]) -> set[str]:
    """Return which names the patterns freeze; the last pattern that matches a name decides.

    Args:
        names: Names of weights, as ``model.named_parameters()`` gives them.
        patterns: With ``*``, ``?`` and ``[…]`` as in file names; behind ``!`` one that unfreezes.

    Raises:
        UsageError: A pattern matches nothing, or nothing would be left to train.

    Example:
        >>> names = ["model.embed.weight", "model.layers.0.up.weight", "model.layers.1.up.weight"]
        >>> sorted(frozen_names(names, ["model.*", "!model.layers.1.*"]))
        ['model.embed.weight', 'model.layers.0.up.weight']
    """
    frozen: set[str] = set()
    for pattern in patterns:
        matched = {name for name in names if fnmatchcase(name, pattern.removeprefix("!"))}
        if not matched:
            raise UsageError(
                f"training.freeze has the pattern '{pattern}', which matches no weight.",
                hint=f"Weights of this model: {_some(names)}.",
            )
        frozen = frozen - matched if pattern.startswith("!") else frozen | matched
    if patterns and frozen.issuperset(names):
        raise UsageError(
            f"training.freeze={list(patterns)} freezes all {len(names)} weights: nothing would be "
            "trained.",
            hint="Leave some out, or train them after all with a pattern behind '!', such as "
            f"'!{names[-1]}'.",
        )
    return frozen


def freeze_weights(model: nn.Module, patterns: Sequence[str]) -> str | None:
    """Freeze the weights that the patterns name, and train all others.

    Weights that two layers share are frozen under either name.

    Args:
        model: A model without adapter.
        patterns: As for `frozen_names`.

    Returns:
        What was frozen, for people; nothing without patterns.

    Raises:
        UsageError: As for `frozen_names`.
    """
    if not patterns:
        return None
    weights: Mapping[str, nn.Parameter] = dict(model.named_parameters(remove_duplicate=False))
    frozen = frozen_names(list(weights), patterns)
    for name in frozen:
        weights[name].requires_grad_(False)
    for name in weights.keys() - frozen:
        if not any(weights[name] is weights[other] for other in frozen):
            weights[name].requires_grad_(weights[name].is_floating_point())
    count = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    total = sum(p.numel() for p in model.parameters())
    return f"{count:,} of {total:,} weights, as training.freeze says"


def _some(names: Sequence[str], most: int = 6) -> str:
    step = max(1, len(names) // most)
    return ", ".join(names[::step][:most]) + (" …" if len(names) > most else "")
