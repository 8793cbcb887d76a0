"""Sample documents: short texts of every kind that a corpus needs, made by migaki itself.

For trial runs and development, where real sources are missing; never for production. `scenes` holds
the knowledge (data only): plans of texts whose sentences keep one topic, and words that may stand in
them. `plans` reads it, `wording` fills a plan in one register with the conjugations of
`migaki.linguistics`, `documents` makes distinct texts of it, and
`reader` offers them as a source.
"""

from __future__ import annotations

from migaki.corpus.synthetic.documents import (
    DOMAINS,
    Domain,
    chosen_domains,
    sample_documents,
    write_sample_documents,
)
from migaki.corpus.synthetic.reader import SampleReader, sample_reader

__all__ = [
    "DOMAINS",
    "Domain",
    "SampleReader",
    "chosen_domains",
    "sample_documents",
    "sample_reader",
    "write_sample_documents",
]
