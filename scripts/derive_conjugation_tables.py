"""Derive the table of inflectional endings from UniDic, as `unidic-lite` ships it.

    python scripts/derive_conjugation_tables.py [--dump FILE] [--check]

Reads the compiled dictionary (`sys.dic`: a header of 72 bytes, a Darts double array, tokens of 16
bytes, feature strings), groups its inflected entries into paradigms and learns, for every
conjugation class and form, which ending of the dictionary form becomes which ending of the form:
the shortest ending that explains most words, and longer ones where they behave otherwise. What
single words do against their class is written by hand in `conjugation_exceptions.tsv`.

Writes `conjugation_endings.tsv` (the learned endings) and `conjugation_homographs.tsv` (spellings
with more than one conjugation). `--check` compares instead of writing. `--dump` keeps the inflected
entries as TSV. Takes about 15 seconds.
"""

from __future__ import annotations

import argparse
import csv
import re
import struct
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from migaki.linguistics.conjugation.endings import fold, has_form, hiragana

TABLES = Path(__file__).parents[1] / "src" / "migaki" / "linguistics" / "tables"

# Of the forms that UniDic puts in one cell only the standard language (標準語) is kept, in this order.
STANDARD = {
    "意志推量形": ("う",),  # 書こう; not 書こ, 書こっ(と)
    "命令形": ("れ", "ろ", "よ", "い"),  # 取れ, not 取ろ; 見ろ before 見よ
    "仮定形-融合": ("けりゃ", "きゃ"),  # 高けりゃ before 高きゃ
}
MAJORITY = 0.5
"""An ending belongs to a class when half of the words that could have it do."""

MOST_SPELLINGS = 2
"""So many spellings of a word tell which one is meant."""

FEWEST_WORDS = 3
"""An ending must be borne out by so many words."""


class Entry(NamedTuple):
    """An inflected entry of the dictionary."""

    surface: str
    cost: int
    c_type: str
    c_form: str
    orth_base: str
    reading_base: str
    lemma: str
    pos: str


Forms = dict[str, dict[str, int]]
"""Form → surface → lowest cost."""


class Paradigm(NamedTuple):
    """All forms of one word in one spelling."""

    orth_base: str
    reading_base: str
    c_type: str
    lemma: str
    pos: str
    forms: Forms


def dictionary_keys(double_array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walk the double array from its leaves up.

    In Darts a child of node p by byte b stands at ``base[p] + b + 1`` and has ``base[p]`` as its check;
    a word ends at ``base[p]`` itself, with its value in a negative base.

    Returns:
        The keys as rows of bytes, padded with zeros on the left, and the value of each.
    """
    base = double_array[:, 0].astype(np.int64)
    check = double_array[:, 1].astype(np.int64)
    index = np.arange(len(base))
    owner = np.full(len(base) + 1, -1, np.int64)
    inner = (base > 0) & ((check > 0) | (index == 0))
    owner[base[inner]] = index[inner]
    leaves = index[(base < 0) & (check == index) & (check > 0)]
    node = owner[check[leaves]]
    columns = []
    while (node > 0).any():
        inside = node > 0
        columns.append(np.where(inside, node - check[node] - 1, 0).astype(np.uint8))
        node = np.where(inside, owner[check[node]], 0)
    return np.stack(columns[::-1], axis=1), -base[leaves] - 1


def read_entries(dictionary: Path) -> Iterator[Entry]:
    """Yield the inflected entries of a compiled MeCab dictionary with UniDic's 26 fields."""
    raw = dictionary.read_bytes()
    array_bytes, token_bytes = struct.unpack_from("<2I", raw, 24)
    array = np.frombuffer(raw, "<i4", array_bytes // 4, 72).reshape(-1, 2)
    tokens = np.frombuffer(
        raw,
        np.dtype([("ids", "<u2", 3), ("cost", "<i2"), ("feature", "<u4"), ("compound", "<u4")]),
        token_bytes // 16,
        72 + array_bytes,
    )
    features = 72 + array_bytes + token_bytes
    keys, values = dictionary_keys(array)
    costs, starts = tokens["cost"].tolist(), tokens["feature"].tolist()
    for key, value in zip(keys, values.tolist(), strict=True):
        surface = key.tobytes().lstrip(b"\0").decode()
        for place in range(value >> 8, (value >> 8) + (value & 255)):
            start = features + starts[place]
            line = raw[start : raw.index(b"\0", start)].decode()
            fields = next(csv.reader([line]))
            if fields[4] != "*":
                yield Entry(
                    surface, costs[place], fields[4], fields[5], fields[10], fields[18],
                    fields[7].partition("-")[0], fields[0],
                )  # fmt: skip


def paradigms(entries: Iterable[Entry]) -> list[Paradigm]:
    """Group entries by spelling, reading, class and lemma."""
    found: dict[tuple[str, str, str, str], Paradigm] = {}
    for e in entries:
        key = (e.orth_base, e.reading_base, e.c_type, e.lemma)
        if key not in found:
            found[key] = Paradigm(*key, e.pos, defaultdict(dict))
        cell = found[key].forms[e.c_form]
        cell[e.surface] = min(e.cost, cell.get(e.surface, e.cost))
    return list(found.values())


# No katakana (written so for effect), no lengthening marks: で〜す, ですぅ.
_PLAIN_WRITING = re.compile(r"[ぁ-ん\u3400-\u9fff]*(?<![ぁぃぅぇぉ])")


def has_katakana(text: str) -> bool:
    return any("ァ" <= letter <= "ヶ" for letter in text)


def changed_endings(word: Paradigm, c_form: str, length: int) -> dict[str, int]:
    """What may stand in the place of the last ``length`` characters, with the cost of each."""
    rest = word.orth_base[:-length]
    return {
        _any_kanji(surface[len(rest) :]): cost
        for surface, cost in word.forms.get(c_form, {}).items()
        if surface.startswith(rest) and _PLAIN_WRITING.fullmatch(surface[len(rest) :])
    }


def _any_kanji(ending: str) -> str:
    return re.sub(r"[\u3400-\u9fff]", "漢", ending)


def majority(words: list[Paradigm], ending: str, c_form: str) -> tuple[int, tuple[str, ...]]:
    """How many words with this ending have the form, and its endings, best first."""
    found = [e for w in words if (e := changed_endings(w, c_form, len(ending)))]
    count: Counter[str] = Counter(e for endings in found for e in endings)
    cost: Counter[str] = Counter()
    for endings in found:
        cost.update(endings)
    stem = "漢" if ending.startswith("漢") else ""  # stays; a form with another kanji is left out
    good = [
        e
        for e, n in count.items()
        if n >= MAJORITY * len(found) and e.startswith(stem) and "漢" not in e[len(stem) :]
    ]

    marks = STANDARD.get(c_form, ())

    def rank(new: str) -> tuple[bool, int, float, str]:
        place = next((i for i, mark in enumerate(marks) if new.endswith(mark)), len(marks))
        changed = c_form in ("終止形-一般", "連体形-一般") and new != ending
        return changed, place, cost[new] / count[new], new

    if c_form == "意志推量形":
        good = [e for e in good if e.endswith("う")] or good
    if c_form == "命令形" and any(e.endswith("れ") for e in good):
        good = [e for e in good if not e.endswith("ろ")]  # 取ろ is dialect
    return len(found), tuple(sorted(good, key=rank))


def learn(words: list[Paradigm], c_form: str, *, whole: bool) -> dict[str, tuple[str, ...]]:
    """Endings of the dictionary form → endings of one form, for the words of one class."""
    by_ending: dict[str, list[Paradigm]] = defaultdict(list)
    for word in words:
        longest = len(word.orth_base)
        for length in [longest] if whole else range(1, min(longest, 4) + 1):
            by_ending[fold(word.orth_base[-length:])].append(word)
    rules: dict[str, tuple[str, ...]] = {}
    for ending in sorted(by_ending, key=lambda e: (len(e), e)):
        if "漢" in ending[1:]:
            continue  # nothing depends on what is before a kanji
        having, new = majority(by_ending[ending], ending, c_form)
        enough = whole or (having >= FEWEST_WORDS and having >= MAJORITY * len(by_ending[ending]))
        if enough and new and not _explained(rules, ending, new):
            rules[ending] = new
    return rules


def _explained(rules: dict[str, tuple[str, ...]], ending: str, new: tuple[str, ...]) -> bool:
    """Whether a rule for a shorter ending gives one of the same results."""
    for start in range(1, len(ending)):
        if ending[start:] in rules:
            return ending[:start] + rules[ending[start:]][0] in new
    return False


def learn_all(words: list[Paradigm]) -> list[tuple[str, str, str, str]]:
    """Rows of the table: class, form, ending of the dictionary form, endings of the form."""
    classes: dict[str, list[Paradigm]] = defaultdict(list)
    for word in words:
        classes[word.c_type].append(word)
    rows = []
    for c_type, members in classes.items():
        whole = "助動詞" in c_type or c_type == "無変化型"
        if whole:
            members = [w for w in members if not has_katakana(w.orth_base)]
        else:
            members = [w for w in members if not has_katakana(w.orth_base[-2:])]
            # A few words stand in the wrong class, such as 引き裂ける in 五段-カ行.
            last = Counter(w.orth_base[-1] for w in members).most_common(1)[0][0]
            members = [w for w in members if w.orth_base[-1] == last]
        for c_form in {f for w in members for f in w.forms}:
            for ending, new in learn(members, c_form, whole=whole).items():
                rows.append((c_type, c_form, ending, "|".join(new)))
    return sorted(rows)


def homographs(words: list[Paradigm]) -> list[tuple[str, str]]:
    """Spellings of modern verbs and adjectives with more than one reading or class, best first.

    Where the spelling has kanji, a reading counts only if UniDic names the word so too: 保つ is たもつ,
    but もつ only as a rare spelling of 持つ. In kana all count: きる is 切る and 着る.
    """
    spellings: dict[str, dict[tuple[str, str], dict[str, int]]] = defaultdict(dict)
    likeliest = _spellings(words)
    for word in words:
        statement = word.forms.get("終止形-一般", {})
        modern = not word.c_type.startswith("文語") and word.pos in ("動詞", "形容詞")
        if not modern or not has_form(word.orth_base, word.c_type, "終止形-一般"):
            continue
        if word.orth_base not in statement or has_katakana(word.orth_base):
            continue
        readings = spellings[word.orth_base].setdefault((word.c_type, word.reading_base), {})
        readings[word.lemma] = statement[word.orth_base]
    rows = []
    for spelling, readings in sorted(spellings.items()):
        if "漢" in fold(spelling):
            named = {key: found for key, found in readings.items() if spelling in found}
            readings = named or readings
        # ゆく is いく in another dress (行く, 逝く, 行き着く …), not another word.
        readings = {
            key: found
            for key, found in readings.items()
            if "ユ" not in key[1] or (key[0], key[1].replace("ユ", "イ")) not in readings
        }
        if len(readings) < 2:
            continue
        ranked = sorted(readings.items(), key=lambda item: min(item[1].values()))
        cells = []
        for (c_type, reading), lemmas in ranked:
            meant = []
            for lemma in _same_ending(lemmas, spelling):
                meant += [lemma, *likeliest.get((c_type, reading, lemma), ())]
            cells.append(f"{c_type}:{hiragana(reading)}:{'・'.join(dict.fromkeys(meant))}")
        rows.append((spelling, "|".join(cells)))
    return rows


def _spellings(words: list[Paradigm]) -> dict[tuple[str, str, str], list[str]]:
    """The likeliest spellings of each word that begin with a kanji: 帰る of the lemma 返る."""
    costs: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for word in words:
        cost = word.forms.get("終止形-一般", {}).get(word.orth_base)
        if cost is not None and "一" <= word.orth_base[0] <= "龥":
            costs[word.c_type, word.reading_base, word.lemma][word.orth_base] = cost
    return {
        key: sorted(found, key=found.__getitem__)[:MOST_SPELLINGS] for key, found in costs.items()
    }


def _same_ending(lemmas: dict[str, int], spelling: str) -> list[str]:
    """The words meant, most likely first; 飼う is left out where かえる is 変える."""
    ranked = sorted(lemmas, key=lambda lemma: lemmas[lemma])
    return [lemma for lemma in ranked if lemma[-1] == spelling[-1]] or ranked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dump", type=Path, help="also write every inflected entry here, as TSV")
    parser.add_argument(
        "--check", action="store_true", help="compare with the tables; write nothing"
    )
    options = parser.parse_args()
    import unidic_lite

    entries = list(read_entries(Path(unidic_lite.DICDIR) / "sys.dic"))
    if options.dump:
        with options.dump.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter="\t").writerows(entries)
    words = paradigms(entries)
    print(f"{len(entries)} inflected entries, {len(words)} paradigms", file=sys.stderr)
    tables = {
        "conjugation_endings.tsv": _table(ENDINGS_HEADER, learn_all(words)),
        "conjugation_homographs.tsv": _table(HOMOGRAPHS_HEADER, homographs(words)),
    }
    for name, text in tables.items():
        if options.check and (TABLES / name).read_text("utf-8") != text:
            sys.exit(f"{name} differs from what UniDic gives; run this script without --check")
        if not options.check:
            (TABLES / name).write_text(text, "utf-8")
        print(f"{name}: {len(text.encode()):,} bytes", file=sys.stderr)


def _table(header: str, rows: Iterable[tuple[str, ...]]) -> str:
    return header + "".join("\t".join(row) + "\n" for row in rows)


SOURCE = """\
# Derived from UniDic 2.1.2 (unidic-lite 1.0.8) by scripts/derive_conjugation_tables.py; not edited by hand.
# Source: UniDic, Copyright (c) 2011-2013, The UniDic Consortium, all rights reserved; used under its
# BSD licence (it is offered under BSD, LGPL or GPL), whose text is in NOTICE.
#
"""

ENDINGS_HEADER = f"""\
# How words inflect: for each conjugation class and form, the ending of the dictionary form and what
# stands in its place, the standard one first. 漢 stands for any kanji.
#
{SOURCE}# class<TAB>form<TAB>ending<TAB>endings in its place, by |
"""

HOMOGRAPHS_HEADER = f"""\
# Verbs and adjectives whose spelling leaves the reading or the conjugation open.
#
{SOURCE}# spelling<TAB>class:reading:words meant, the likeliest reading first, by |
"""


if __name__ == "__main__":
    main()
