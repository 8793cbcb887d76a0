"""What an operator proposes for a text, carried out: for the tests of its family."""

from __future__ import annotations

import random

from migaki.linguistics.analyzer import default_analyzer
from migaki.linguistics.edits import apply_edits
from migaki.linguistics.operators import Operator, Passage


def proposed_texts(operator: Operator, text: str, *, engine: str = "fugashi") -> set[str]:
    passage = Passage.of(text, analyzer=default_analyzer(engine))
    return {apply_edits(text, edits) for edits in operator.propose(passage, random.Random(0))}
