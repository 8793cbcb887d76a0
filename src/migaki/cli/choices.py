"""Options whose values are words."""

from __future__ import annotations

from typing import TypeVar

from migaki.errors import UsageError

__all__ = ["one_of", "words_of"]

Choice = TypeVar("Choice", bound=str)


def words_of(given: str | None) -> tuple[str, ...]:
    """Return the words of an option that commas divide.

    Example:
        >>> words_of("adverbs, verbs.politeness,"), words_of(None)
        (('adverbs', 'verbs.politeness'), ())
    """
    return tuple(word.strip() for word in (given or "").split(",") if word.strip())


def one_of(option: str, value: str, valid: tuple[Choice, ...]) -> Choice:
    """Return the word that was given.

    Args:
        option: The option, for the message.
        value: What was given.
        valid: What may be given.

    Raises:
        UsageError: It is none of them.

    Example:
        >>> one_of("--on-bad-row", "skip", ("error", "skip"))
        'skip'
    """
    for known in valid:
        if value == known:
            return known
    raise UsageError(f"{option} {value} is not known.", hint=f"Valid: {', '.join(valid)}.")
