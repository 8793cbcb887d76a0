"""くの字点 ／＼ and ／″＼: the mark that repeats the word before it, written out.

What is repeated is not marked; a reader knows it. The rule, in this order:

1. Another mark directly before: what that one repeated (はい／＼／＼).
2. Kanji at the end: the word of them (一人, 目茶); katakana: their run (ガヤ).
3. What is doubled already: the pair (がたがた／＼).
4. A word of the dictionary of kanji and kana, or of three or more kana, with the kana of its particle
   or inflection (小さく, ちらり, しずかな).
5. The longest run of two to five kana whose doubling the dictionary knows as one word (いろいろ, よくよく;
   voiced, さまざま).
6. A word with kanji and the kana of its particle or inflection (誰れも, 幾本も).
7. Two morae, the commonest: や ゆ よ behind an i-kana counts with it, as historical spelling writes
   ちやら for ちゃら, and small kana and ー never stand alone.

The ゛ of ／″＼ voices the first kana of the repetition (さま／″＼ is さまざま); a kanji shows no voicing
and is repeated as it is (代る／″＼).

On doubled words of modern works, contracted and written out again, it is right in at least 96 % of
440 cases (`benchmarks/aozora.py`); the 65 marks of 樋口一葉「たけくらべ」 are all right, read one by one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from migaki.linguistics.analyzer import analyze
from migaki.linguistics.script import Script, script_of

__all__ = ["expand_iteration_marks"]

_MARK = re.compile(r"／(″?)＼|(?:〳|(〴))〵|〱|(〲)")
_CONTEXT_CHARS = 24
_LONGEST_UNIT_KANA = 5
_SMALL = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮー")
_LARGE_Y = frozenset("やゆよヤユヨ")
_I_KANA = frozenset("きしちにひみりぎじぢびぴキシチニヒミリギジヂビピ")
_KANA = (Script.HIRAGANA, Script.KATAKANA)
_CONTENT = ("連体詞", "名詞", "代名詞", "動詞", "形容詞", "形状詞", "副詞", "感動詞")
_TAILS = ("助動詞", "助詞")
_SHORT_TAILS = ("な", "に", "の")
_PARTICLES = frozenset("はがをにのもとで")
_LONGEST_WORD_CHARS = 7


def expand_iteration_marks(line: str) -> tuple[str, int, int]:
    """Write out every くの字点 of a line.

    Returns:
        The text, how many marks were written out, and how many stay because nothing before them can
        be repeated.

    Example:
        >>> expand_iteration_marks("いろ／＼とさま／″＼な、恐る／＼")
        ('いろいろとさまざまな、恐る恐る', 3, 0)
        >>> expand_iteration_marks("はい／＼／＼、思はくいよ／＼")
        ('はいはいはい、思はくいよいよ', 3, 0)
    """
    pieces: list[str] = []
    tail = ""  # the end of what is written so far
    unit = ""
    place = written = left = 0
    for mark in _MARK.finditer(line):
        between = line[place : mark.start()]
        if between or not unit:
            tail = (tail + between)[-_CONTEXT_CHARS:]
            unit = _unit_before(tail, voiced=bool(mark[1] or mark[2] or mark[3]))
        voiced = bool(mark[1] or mark[2] or mark[3])
        repeated = _voice(unit) if voiced else unit
        pieces += (between, repeated or mark.group())
        written, left = written + bool(unit), left + (not unit)
        tail = (tail + (repeated or mark.group()))[-_CONTEXT_CHARS:]
        place = mark.end()
    return "".join((*pieces, line[place:])), written, left


@lru_cache(maxsize=4096)
def _unit_before(text: str, *, voiced: bool) -> str:
    """Return what a mark behind this text repeats; empty where nothing can be repeated."""
    run = _last_word_run(text)
    if not run:
        return ""
    last = script_of(run[-1])
    if last not in _KANA:
        return _last_morphemes(text, run)
    if last is Script.KATAKANA and len(katakana := _run_of(run, (last,))) <= _LONGEST_UNIT_KANA:
        return katakana
    kana = _run_of(run, _KANA)
    return (
        _pair(kana)
        or _long_word(text, run)
        or _doubled_word(kana, voiced=voiced)
        or _word_with_tail(text, run)
        or _two_morae(kana, run)
    )


def _last_word_run(text: str) -> str:
    """Return the letters at the end of the text, without a break."""
    place = len(text)
    while place and script_of(text[place - 1]) in (
        *_KANA,
        Script.KANJI,
        Script.LATIN,
        Script.DIGIT,
    ):
        place -= 1
    return text[place:]


def _run_of(run: str, scripts: tuple[Script, ...]) -> str:
    """Return the characters of these scripts at the end of a run."""
    place = len(run)
    while place and script_of(run[place - 1]) in scripts:
        place -= 1
    return run[place:]


def _last_morphemes(text: str, run: str) -> str:
    """Return the last word of a run that ends in kanji: 一人, 目茶, 時."""
    start = len(run)
    while start and script_of(run[start - 1]) is Script.KANJI:
        start -= 1
    kanji = run[start:]
    if len(kanji) <= 2:
        return kanji
    last = [m for m in analyze(text) if m.end == len(text)]
    length = len(last[0].surface) if last else 2
    return kanji[-max(length, 2) :]


def _pair(kana: str) -> str:
    """Return what is doubled already: がたがた."""
    for length in (2, 3):
        if len(kana) >= 2 * length and kana[-length:] == kana[-2 * length : -length]:
            return kana[-2 * length :]
    return ""


def _word_with_tail(text: str, run: str) -> str:
    """Return the last word with its inflection or particle: 恐る, 誰れも, 思ひ, 幾本も, たくさん."""
    unit = ""
    morphemes = analyze(text)
    for place in range(len(morphemes) - 1, -1, -1):
        morpheme = morphemes[place]
        unit = morpheme.surface + unit
        if len(unit) > min(len(run), _LONGEST_WORD_CHARS) or not morpheme.known:
            return ""
        if morpheme.pos in _TAILS and (len(morpheme.surface) == 1 or morpheme.surface == "まで"):
            continue
        if morpheme.pos == "接尾辞" or (place and morphemes[place - 1].pos == "接頭辞"):
            continue
        has_kanji = any(script_of(character) is Script.KANJI for character in unit)
        counts = morpheme.pos3 == "助数詞可能" and place and morphemes[place - 1].pos2 == "数詞"
        if counts:
            continue
        return unit if morpheme.pos in _CONTENT and (has_kanji or len(unit) > 2) else ""
    return ""


def _doubled_word(kana: str, *, voiced: bool) -> str:
    for length in range(min(_LONGEST_UNIT_KANA, len(kana)), 1, -1):
        unit = kana[-length:]
        if _is_one_word(unit + (_voice(unit) if voiced else unit)):
            return unit
    return ""


@lru_cache(maxsize=4096)
def _is_one_word(text: str) -> bool:
    morphemes = analyze(text)
    return len(morphemes) == 1 and morphemes[0].known


def _long_word(text: str, run: str) -> str:
    """Return the last word where it is long enough to stand against a doubled part of it."""
    morphemes = list(analyze(text))
    tail = ""
    if morphemes and morphemes[-1].surface in _SHORT_TAILS and morphemes[-1].pos in _TAILS:
        tail = morphemes.pop().surface
    if not morphemes:
        return ""
    word = morphemes[-1].surface
    fits = morphemes[-1].known and morphemes[-1].pos in _CONTENT and len(word + tail) <= len(run)
    kanji = [character for character in word if script_of(character) is Script.KANJI]
    if word[0] in _PARTICLES and _is_one_word(2 * word[1:]):
        return ""  # はいろ is は and いろ
    return word + tail if fits and len(word) > 2 - bool(kanji and not tail) else ""


def _two_morae(kana: str, run: str) -> str:
    place, morae = len(kana), 0
    while place and morae < 2:
        place -= 1
        if kana[place] in _SMALL and place:
            continue
        if (
            kana[place] in _LARGE_Y
            and place
            and kana[place - 1] in _I_KANA
            and place + 1 < len(kana)
        ):
            continue
        morae += 1
    if morae < 2 and len(run) > len(kana):
        return run[-len(kana) - 1 :]  # 押せ behind a word that the dictionary has not
    return kana[place:]


def _voice(unit: str) -> str:
    """Voice the first kana: かる → がる; what has no voiced form stays."""
    if not unit:
        return ""
    voiced = unicodedata.normalize("NFC", unit[0] + "\u3099")
    return (voiced if len(voiced) == 1 else unit[0]) + unit[1:]
