"""What several operators ask of one passage after another is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from migaki.linguistics.operators.operator import Passage

__all__ = ["Once"]

_T = TypeVar("_T")


class Once(Generic[_T]):
    """A function of a passage that remembers its last answer.

    Passages are compared by identity: to compare their morphemes would cost more than it saves.

    Args:
        function: Depends on the passage alone.

    Example:
        >>> asked = []
        >>> count = Once(lambda passage: asked.append(passage) or len(passage.text))
        >>> passage = Passage.of("雨だ。")
        >>> count(passage), count(passage), len(asked)
        (3, 3, 1)
    """

    def __init__(self, function: Callable[[Passage], _T]) -> None:
        self._function = function
        self._last: tuple[Passage, _T] | None = None

    def __call__(self, passage: Passage) -> _T:
        """The answer for this passage."""
        last = self._last
        if last is not None and last[0] is passage:
            return last[1]
        answer = self._function(passage)
        self._last = (passage, answer)
        return answer
