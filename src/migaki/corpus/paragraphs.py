"""Paragraphs that stood before, in the same document or in another: boilerplate."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from migaki.corpus.folding import fold

__all__ = ["RepeatedParagraphs"]

SHORTEST = 15
"""Folded characters; shorter lines (はい。, headings, dates) are said by everybody."""


@dataclass
class RepeatedParagraphs:
    """Finds lines that were seen before, by 8 bytes of their hash: about 100 bytes of memory for each.

    Which one counts as the first depends on the order of the documents.

    Example:
        >>> seen = RepeatedParagraphs()
        >>> seen.without("この記事の無断転載を禁じます、ご注意ください。\\n本文その一。")
        'この記事の無断転載を禁じます、ご注意ください。\\n本文その一。'
        >>> seen.without("本文その二。\\nこの記事の無断転載を禁じます、ご注意ください")
        '本文その二。'
        >>> seen.paragraphs, seen.repeated
        (2, 1)
    """

    paragraphs: int = 0
    """Lines that are long enough, so far."""
    repeated: int = 0
    """Of them, those that stood before."""
    repeated_characters: int = 0
    """Their characters."""
    _seen: set[bytes] = field(default_factory=set, repr=False)

    def without(self, text: str) -> str:
        """Return a text without the lines that stood before, and remember its others."""
        return "\n".join(line for line in text.split("\n") if not self._stood_before(line))

    def _stood_before(self, line: str) -> bool:
        folded = fold(line)
        if len(folded) < SHORTEST:
            return False
        self.paragraphs += 1
        digest = hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:8]
        if digest not in self._seen:
            self._seen.add(digest)
            return False
        self.repeated += 1
        self.repeated_characters += len(line)
        return True
