"""How many characters of a text are hiragana, kanji, letters, marks …, counted all at once.

`linguistics.script` tells the script of one character; a corpus has billions of them. Here the answer for
every code point stands in a table that is filled once from the same rules, and a text is counted by
looking its code points up in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from migaki.linguistics.script import Script, scripts_of

__all__ = ["CodePoints", "code_points", "count_scripts"]

CodePoints: TypeAlias = NDArray[np.uint32]

_SCRIPTS = tuple(Script)
_IDEOGRAPHS = (0x20000, 0x40000)
"""Planes 2 and 3 hold ideographs alone, planes 4 to 13 nothing; they need not be asked one by one."""
_SELECTORS = (0xE0000, 0xE01F0)
"""Plane 14: tags, and the variation selectors that choose a form of a kanji (葛󠄀)."""


def code_points(text: str) -> CodePoints:
    """Return the code points of a text; half characters (lone surrogates) are kept.

    Example:
        >>> code_points("あA").tolist()
        [12354, 65]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def count_scripts(points: CodePoints) -> Mapping[Script, int]:
    """Count the characters of each script, as `linguistics.script.script_of` tells them.

    Example:
        >>> counts = count_scripts(code_points("猫はCat、1匹。"))
        >>> {script.value: count for script, count in counts.items() if count}
        {'hiragana': 1, 'kanji': 2, 'latin': 3, 'digit': 1, 'symbol': 2}
    """
    table = _table()
    classes = table[np.minimum(points, len(table) - 1)]
    counts = np.bincount(classes, minlength=len(_SCRIPTS)).tolist()
    return dict(zip(_SCRIPTS, counts, strict=True))


@lru_cache(maxsize=1)
def _table() -> NDArray[np.uint8]:
    """Return the class of every code point, as its place in `Script`."""
    number = {script: index for index, script in enumerate(_SCRIPTS)}
    table = np.full(_SELECTORS[1] + 1, number[Script.OTHER], dtype=np.uint8)
    table[slice(*_IDEOGRAPHS)] = number[Script.KANJI]
    for start, stop in ((0, _IDEOGRAPHS[0]), _SELECTORS):
        asked = scripts_of("".join(map(chr, range(start, stop))))
        table[start:stop] = [number[script] for script in asked]
    return table
