"""One width and one code point for what is one character, and nothing else.

Unicode's NFKC is made for searching and spoils text that is to be read or learnt from: it turns ！？（）
into ASCII, … into three full stops, ① into 1, ㌔ into キロ, ㈱ into (株), x² into x2, and a ゛ that
stands alone into a space with a combining mark; NFC replaces 神 (U+FA19, a form that names are written
with) by 神. A model trained on such text writes it. Here every step says what it changes, and what
it does not name stays: ！？, …, ①, ㌔, ㈱, ½, Ⅳ, é, emoji, line ends, control characters, lone surrogates.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

__all__ = ["normalize"]

# Half-width katakana with their marks, and kana with marks written apart: か + U+3099 is が. The
# half-width block also holds ｡ ｢ ｣ ､ ･ ｰ. NFKC gives each character of this block, alone, its
# full-width form, except the two voicing marks.
_KANA = re.compile(
    "(?P<base>[\uff61-\uff9d]|[\u3041-\u3096\u309d\u309e\u30a1-\u30fe](?=[ﾞﾟ\u3099\u309a]))"
    "(?P<mark>[ﾞﾟ\u3099\u309a]?)|(?P<lone>[ﾞﾟ])"
)
_COMBINING = {"ﾞ": "\u3099", "ﾟ": "\u309a", "\u3099": "\u3099", "\u309a": "\u309a"}
_SPACING = {"ﾞ": "゛", "ﾟ": "゜"}

# Letters and digits, with the marks that join them inside a number or a name: １，０００．５, Ａ＆Ｂ,
# ０３－１２３４. Beside Japanese the same marks are Japanese punctuation and stay, as does the ， of
# ２，３年, which is 、.
_WIDE_RUN = re.compile(
    "[０-９Ａ-Ｚａ-ｚ]+(?:(?:[．：／－＿＠＆＋]|，(?=[０-９]{3}(?![０-９])))[０-９Ａ-Ｚａ-ｚ]+)*"
)
_TO_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}

# One character of JIS X 0208 with two code points, depending on who made the conversion table: the
# wave dash 1-33 is ～ in Microsoft's cp932 and 〜 in JIS X 0221, the dash 1-29 is ― and —. Beside
# Latin letters — is the dash of English.
_JAPANESE_DASH = re.compile("(?<![A-Za-z —])—+(?![A-Za-z —])")
# None of these, and there is nothing to do: the look halves the time on text without them.
_KANA_TO_DO = re.compile("[\uff61-\uff9f\u3099\u309a]")

# Spaces that have a width but no other meaning; not the line ends, not the zero-width ones, which
# hold emoji and Indic scripts together.
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")

_AFTER_JAPANESE = "(?<=[ぁ-ゖゝゞァ-ヺー-ヾ々〇\u3400-\u4dbf\u4e00-\u9fff」』）】〉》！？])"
_NARROW_MARKS = re.compile(f"{_AFTER_JAPANESE}[!?]+")
_WESTERN_STOPS = re.compile(f"{_AFTER_JAPANESE}[，．](?![，．])")
_TO_WIDE_MARKS = str.maketrans("!?，．", "！？、。")


def normalize(
    text: str,
    *,
    kana: bool = True,
    marks: bool = True,
    alphanumerics: Literal["half", "keep"] = "half",
    spaces: Literal["keep", "half"] = "keep",
    punctuation: Literal["keep", "japanese"] = "keep",
) -> str:
    """Unify widths and doubled code points; doing it twice changes nothing more.

    Args:
        text: Any string.
        kana: Half-width katakana and 「｡｢｣､･」 become full-width, voicing marks written apart join
            their kana (ｶﾞ, カﾞ and か + U+3099 become ガ, ガ, が). A mark that fits no kana becomes ゛ or ゜.
        marks: The wave dash is 〜 (U+301C) and the dash ― (U+2015), whatever conversion table they came
            from. The long vowel mark ー, the minus −, the hyphens, the ASCII tilde and the dash beside
            Latin letters are other characters and stay.
        alphanumerics: ``"half"`` writes Ａ and １ as A and 1, with the marks that join them in a number
            or a name (１，０００．５). ``"keep"`` leaves them.
        spaces: ``"half"`` writes the full-width space and its kin as ASCII spaces. ``"keep"`` leaves them: at
            the start of a paragraph they are its indent.
        punctuation: ``"japanese"`` writes ! and ? after Japanese as ！ and ？, and the ， and ． of horizontal
            official and technical writing as 、 and 。. ``"keep"`` leaves all punctuation.

    Example:
        >>> normalize("ﾃﾞｰﾀは１，２００件！？ ｢はい｣…①㌔～")
        'データは1,200件！？ 「はい」…①㌔〜'
        >>> normalize("本当ですか?　はい，そうです．", spaces="half", punctuation="japanese")
        '本当ですか？ はい、そうです。'
    """
    if kana and _KANA_TO_DO.search(text):
        text = _KANA.sub(_full_width_kana, text)
    if marks:
        text = _JAPANESE_DASH.sub(lambda dash: "―" * len(dash.group()), text.replace("～", "〜"))
    if alphanumerics == "half":
        text = _WIDE_RUN.sub(lambda run: run.group().translate(_TO_NARROW), text)
    if spaces == "half":
        text = _SPACES.sub(" ", text)
    if punctuation == "japanese":
        for pattern in (_NARROW_MARKS, _WESTERN_STOPS):
            text = pattern.sub(lambda found: found.group().translate(_TO_WIDE_MARKS), text)
    return text


def _full_width_kana(found: re.Match[str]) -> str:
    if lone := found["lone"]:
        return _SPACING[lone]
    base, mark = unicodedata.normalize("NFKC", found["base"]), found["mark"]
    if not mark:
        return base
    whole = unicodedata.normalize("NFC", base + _COMBINING[mark])
    return whole if len(whole) == 1 else base + _SPACING.get(mark, mark)
