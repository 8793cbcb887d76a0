"""Aozora Bunko (青空文庫): its files to documents.

A file is text in Shift_JIS with a markup of its own. `layout` takes the file apart, `markup` turns
the body into plain text with the help of `notes` (``［＃…］``), `gaiji` (characters that Shift_JIS
has not), `accents` (``〔e'tude〕``) and `iteration` (``／＼``); `orthography` tells historical from
modern kana, `catalogue` is the index of all works, `reading` puts it together, and `source` offers
folders of works to whoever reads sources.
"""

from __future__ import annotations

from migaki.corpus.aozora.catalogue import Catalogue, Work, load_catalogue
from migaki.corpus.aozora.markup import Heading, Plain, to_plain
from migaki.corpus.aozora.orthography import Orthography, orthography_of
from migaki.corpus.aozora.reading import read_aozora
from migaki.corpus.aozora.source import AozoraReader, aozora_reader

__all__ = [
    "AozoraReader",
    "Catalogue",
    "Heading",
    "Orthography",
    "Plain",
    "Work",
    "aozora_reader",
    "load_catalogue",
    "orthography_of",
    "read_aozora",
    "to_plain",
]
