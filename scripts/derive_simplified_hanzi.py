"""Derive `src/migaki/linguistics/tables/simplified_hanzi.tsv` from OpenCC's dictionaries and UniDic.

    pip download --no-deps opencc-python-reimplemented==0.1.7
    python scripts/derive_simplified_hanzi.py opencc_python_reimplemented-0.1.7-py2.py3-none-any.whl

1. A simplified character is a key of OpenCC's `STCharacters.txt` that everyday Chinese uses (it is in
   GB 2312) and Japanese does not: JIS X 0208, the kanji of levels 1 and 2, lacks it. 国 会 机 叶 are
   therefore never in the table; kanji of levels 3 and 4 (种 关) may be, see 4.
2. Simplified → traditional (`STCharacters.txt`, in its order) → Japanese (`JPVariants.txt`); what
   JIS X 0208 has is preferred to what only JIS X 0213 has, and what neither has is no counterpart
   (铝: Japanese writes アルミ). A counterpart of level 2 behind a first one of level 1 is dropped:
   it is the rare word (须: 須, not 鬚). Several may remain (发: 発, 髪).
3. OWN adds what these sources lack, each with its reason.
4. UniDic's words that hold such a character are its Japanese use (小种, 団栾, 沪紙): they go to the
   third column, and the character is not taken for Chinese there. One that is a word by itself is
   left out.
"""

from __future__ import annotations

import argparse
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

Characters = dict[str, list[str]]

TABLE = Path(__file__).parents[1] / "src/migaki/linguistics/tables/simplified_hanzi.tsv"

HEADER = """\
# Simplified Chinese characters that Japanese does not use, and their Japanese counterparts.
#
# Source: STCharacters.txt and JPVariants.txt of OpenCC (https://github.com/BYVoid/OpenCC),
# Apache-2.0, as packaged in opencc-python-reimplemented 0.1.7; the words of the third column from
# UniDic 2.1.2 as packaged in unidic-lite (BSD; The UniDic Consortium). Licence: Apache-2.0.
# Derived by scripts/derive_simplified_hanzi.py, which states the rule; do not edit by hand.
#
# character<TAB>Japanese counterparts, the usual one first<TAB>Japanese words that hold it, with |
"""

# Japanese forms that OpenCC does not know or gives otherwise.
OWN = {
    "值": "値",  # one glyph in Chinese, simplified or not; the Japanese code point is another
    "查": "査",  # the same
    "污": "汚",  # the same
    "溉": "漑",  # the same
    "榆": "楡",  # the same
    "暨": "曁",  # the same
    "榨": "搾",  # 搾 was made in Japan for 榨
    "锐": "鋭",  # OpenCC stops at 銳, as with the next four
    "娱": "娯",
    "颊": "頬",
    "颓": "頽",
    "驮": "駄",
    "鳄": "鰐",  # 鱷 is written 鰐
    "锈": "銹",  # 鏽 is written 銹
    "帮": "幇",  # 幫 is written 幇: 幇助
    "裤": "袴",  # 褲 is written 袴
    "办": "弁",  # 辦 became 弁 in 1946, with 辨 瓣 辯
    "滤": "濾",  # OpenCC gives 沪, which JIS X 0208 lacks
    "仿": "倣",  # 模仿 is 模倣
    "竖": "竪",  # 豎 is written 竪
    "毁": "毀",  # 燬 is written 毀 too
    "链": "鏈",  # OpenCC adds 鍊, which is another word
}

# Left out: Japanese uses them in words that UniDic 2.1.2 lacks.
JAPANESE = {
    "皂",  # 皂莢 (さいかち), 皂隷
    "璇",  # in names
    "喂",  # no simplification: a character of its own in all Chinese
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="opencc-python-reimplemented 0.1.7")
    options = parser.parse_args()
    with zipfile.ZipFile(options.wheel) as wheel:
        to_traditional = _read(wheel.read("opencc/dictionary/STCharacters.txt"))
        to_japanese = _read(wheel.read("opencc/dictionary/JPVariants.txt"))
    counterparts = dict(_counterparts(to_traditional, to_japanese))
    words = words_with(counterparts)
    rows = [
        f"{character}\t{counterparts[character]}\t{'|'.join(sorted(words[character]))}".rstrip("\t")
        for character in sorted(counterparts)
        if character not in words[character]
    ]
    TABLE.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    unique = sum(len(row.split("\t")[1]) == 1 for row in rows if "\t" in row)
    print(f"{len(rows)} characters, {unique} with one Japanese counterpart: {TABLE}")


def _read(content: bytes) -> Characters:
    lines = (line.split("\t") for line in content.decode("utf-8").splitlines() if "\t" in line)
    return {key: values.split() for key, values in lines}


def _counterparts(to_traditional: Characters, to_japanese: Characters) -> Iterator[tuple[str, str]]:
    for character, traditional in (to_traditional | {c: [j] for c, j in OWN.items()}).items():
        everyday = is_encodable(character, "gb2312") and not is_encodable(character, "shift_jis")
        if not everyday or character in JAPANESE or traditional == [character]:
            continue
        if character in OWN:
            yield character, OWN[character]
            continue
        forms = [f for t in traditional for f in (*to_japanese.get(t, ()), t) if f != character]
        yield character, "".join(_preferred(forms, traditional, to_japanese))


def _preferred(forms: list[str], traditional: list[str], to_japanese: Characters) -> list[str]:
    best: list[str] = []
    for codec in ("shift_jis", "shift_jis_2004"):
        for old in traditional:
            fits = [f for f in (*to_japanese.get(old, ()), old) if f in forms]
            fits = [f for f in fits if is_encodable(f, codec)]
            best += [f for f in fits[:1] if f not in best]
        if best:
            break
    if best and is_level_one(best[0]):
        best = [form for form in best if is_level_one(form)]
    return best


def is_encodable(character: str, codec: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def is_level_one(character: str) -> bool:
    """JIS X 0208 level 1 is rows 16 to 47, which is B0A1 to CFD3 in EUC."""
    return (
        is_encodable(character, "shift_jis")
        and b"\xb0\xa1" <= character.encode("euc_jp") <= b"\xcf\xd3"
    )


def words_with(characters: Iterable[str]) -> dict[str, set[str]]:
    """Find UniDic's words (書字形出現形) that hold a character."""
    import unidic_lite

    wanted = frozenset(characters)
    dictionary = (Path(unidic_lite.DICDIR) / "sys.dic").read_bytes()
    # The header: magic, version, type, entries, left and right contexts, then the sizes of the
    # double array, of the tokens and of the features, which are texts that end with NUL.
    arrays, tokens, features = (
        int.from_bytes(dictionary[place : place + 4], "little") for place in (24, 28, 32)
    )
    start = 72 + arrays + tokens
    found: dict[str, set[str]] = defaultdict(set)
    for feature in dictionary[start : start + features].split(b"\0"):
        word = feature.decode("utf-8").split(",")[8:9]
        for character in wanted.intersection(*word) if word else ():
            found[character].add(word[0])
    return found


if __name__ == "__main__":
    main()
