"""What the kinds of personal information look like: a pattern each, and what else must hold.

The patterns are for folded text (`fold`), in which full-width letters, digits and marks are ASCII and every
kind of hyphen is ``-``; a group named ``value`` is what is masked, else the whole match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from migaki.corpus.cleaning.characters import CodePoints, code_points
from migaki.corpus.personal_information.check_digits import is_card_number, is_individual_number
from migaki.corpus.personal_information.kinds import read_table

__all__ = ["Rule", "fold", "rules"]

_HYPHENS = "‐‑‒–—―−－﹣⁃"


def fold(text: str) -> str:
    """Return text of the same length with full-width ASCII and every hyphen as plain ones.

    Example:
        >>> fold("ＴＥＬ　０３－１２３４−５６７８")
        'TEL 03-1234-5678'
    """
    if text.isascii():
        return text
    points = code_points(text)
    table = _folding()
    folded = np.where(points < len(table), table[np.minimum(points, len(table) - 1)], points)
    return folded.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


@lru_cache(maxsize=1)
def _folding() -> CodePoints:
    """Return what each code point of the BMP becomes; a table is six times as fast as `str.translate`."""
    table = np.arange(0x10000, dtype=np.uint32)
    table[0xFF01:0xFF5F] -= 0xFEE0
    table[[ord(hyphen) for hyphen in _HYPHENS]] = ord("-")
    table[[0x3000, 0xA0]] = ord(" ")
    return table


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which a kind is written."""

    kind: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = bool
    """What must hold of the value, as it stands in folded text."""
    signs: tuple[str, ...] = ()
    """Texts without any of these need not be searched."""


@lru_cache(maxsize=1)
def rules() -> Sequence[Rule]:
    """Return all rules, in the order in which one wins over another at the same place."""
    return (
        *_email(),
        *_numbers_with_check(),
        *_licence(),
        *_account(),
        *_phone(),
        *_postal(),
        *_address(),
    )


def _digits(value: str) -> str:
    return re.sub(r"\D", "", value)


# ── e-mail ───────────────────────────────────────────────────────────────────────────────────────

# How @ is written where robots are to miss it.
_AT = r"(?:@| ?[\[(<{](?:at|AT|a|アット|@)[\])>}] ?| アット |[★☆●◎◆■])"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _email() -> list[Rule]:
    # RFC 5322's atoms, with the dots in odd places that Japanese mobile carriers once gave out.
    local = r"(?<![A-Za-z0-9_%+-])[A-Za-z0-9._%+][A-Za-z0-9._%+'-]{0,63}"
    pattern = re.compile(rf"{local}{_AT}(?:{_LABEL}\.)+[A-Za-z]{{2,24}}(?![A-Za-z0-9-])")
    # foo#example.com（#を@に変えてください）: whatever stands there, it is said to be @.
    told = re.compile(
        rf"(?P<value>{local}[^A-Za-z0-9 \n]{{1,3}}(?:{_LABEL}\.)+[A-Za-z]{{2,24}})(?=[^\n]{{0,12}}を ?@)"
    )
    signs = ("@", "(a", "[a", "{a", "<a", "(A", "[A", "アット", "★", "☆", "●", "◎", "◆", "■")
    return [Rule("email", pattern, _is_mail, signs), Rule("email", told, _is_mail, ("を@", "を @"))]


@lru_cache(maxsize=1)
def _top_level() -> tuple[frozenset[str], frozenset[str]]:
    table = read_table("mail_domains")
    return (
        frozenset(name for name, valid in table if valid == "yes"),
        frozenset(name for name, valid in table if valid == "no"),
    )


def _is_mail(value: str) -> bool:
    valid, endings = _top_level()
    last = value.rpartition(".")[2].lower()
    known = last in valid or (len(last) == 2 and last not in endings)
    return known and not value.startswith("git@")  # every clone of a repository has it


# ── numbers with a check digit ───────────────────────────────────────────────────────────────────


def _numbers_with_check() -> list[Rule]:
    card = r"\d{4}([- ])\d{4}\1\d{4}\1\d{4}|\d{4}([- ])\d{6}\2\d{4,5}|\d{14,16}"
    individual = r"(?:マイナンバー|個人番号|My ?Number)[^\d\n]{0,20}(?:\(12桁\)[^\d\n]{0,4})?(?P<value>\d{4}[- ]?\d{4}[- ]?\d{4})(?!\d)"
    return [
        Rule(
            "card",
            re.compile(rf"(?<![A-Za-z0-9_/=&.#-])(?:{card})(?![A-Za-z0-9_]|[-.]\d)"),
            lambda value: is_card_number(_digits(value)),
        ),
        Rule(
            "individual_number",
            re.compile(individual),
            lambda value: is_individual_number(_digits(value)),
            ("マイナンバー", "個人番号", "My"),
        ),
    ]


# ── numbers that only their name tells ───────────────────────────────────────────────────────────


def _licence() -> list[Rule]:
    number = r"(?P<value>\d{4} ?\d{4} ?\d{4}|\d\d \d\d \d{8})(?!\d)"
    named = rf"免許(?:証|番号|の番号)[^\d\n]{{0,15}}(?:\(?12桁\)?[^\d\n]{{0,4}})?{number}"
    return [
        Rule("driving_licence", re.compile(named)),
        Rule("driving_licence", re.compile(rf"運転免許[^\d\n]{{0,6}}{number}")),
        Rule(
            "driving_licence",
            re.compile(rf"(?<!\d){number}(?=号?[^\d\n]{{0,10}}免許)"),
            signs=("免許",),
        ),
    ]


_BANK = "銀行|金庫|信金|信用組合|労金|ろうきん|農協|漁協|JA|ゆうちょ|三菱UFJ|みずほ|りそな|三井住友|支店|本店|営業部|出張所|振込|口座|名義"
_DEPOSIT = r"(?:普通|当座|貯蓄|総合)(?:預金|貯金)?|\((?:普|当|貯)\)"


def _account() -> list[Rule]:
    number = r"(?P<value>\d{7})(?!\d|[-,.]\d|円|人|件)"
    giro = r"(?P<value>0\d{4}-\d-\d{1,6})(?!\d|-)"
    return [
        Rule("bank_account", re.compile(rf"口座(?:番号|No\.?)[^\d\n]{{0,12}}{number}")),
        Rule(
            "bank_account",
            re.compile(rf"(?:{_BANK})[^\d\n]{{0,24}}(?:{_DEPOSIT})[^\d\n]{{0,10}}{number}"),
        ),
        Rule(
            "bank_account",
            re.compile(rf"(?:{_DEPOSIT})[^\d\n]{{0,6}}{number}(?=[^\d\n]{{0,12}}(?:{_BANK}))"),
            signs=("普通", "当座", "貯蓄", "総合", "(普)", "(当)", "(貯)"),
        ),
        Rule("bank_account", re.compile(rf"(?:普通|当座|貯蓄)(?:預金|貯金)?口座[^\d\n]{{0,6}}{number}")),
        Rule("bank_account", re.compile(rf"振替(?:口座)?[^\d\n]{{0,12}}{giro}")),
        Rule("bank_account", re.compile(r"記号[^\d\n]{0,3}(?P<value>1\d{4})(?=[^\d\n]{0,8}番号[^\d\n]{0,3}\d{2,8})")),
        Rule("bank_account", re.compile(r"記号[^\d\n]{0,3}1\d{4}[^\d\n]{0,8}番号[^\d\n]{0,3}(?P<value>\d{2,8})(?!\d)")),
    ]  # fmt: skip


# ── telephone ────────────────────────────────────────────────────────────────────────────────────

# The numbering plan of Japan (総務省, 電気通信番号計画): 10 digits; 11 for mobile, IP and 0800.
_LONG = ("050", "060", "070", "080", "090", "0800")
_CALLED = r"(?:電話|携帯|連絡先|ダイヤル|Tel|Fax|ファックス|ファクス|ファクシミリ|☎|📞)"
_ALONE_BEFORE = r"(?<![A-Za-z0-9])(?<!\d[-./,ー])"
_ALONE_AFTER = r"(?![A-Za-z0-9]|[-./,ー]\d)"


def _phone() -> list[Rule]:
    dash = "[-ー]"
    written = (
        rf"0\d{{1,4}}{dash}\d{{1,4}}{dash}\d{{3,4}}",
        r"0\d{1,4} \d{1,4} \d{3,4}",
        r"0\d{1,4}\.\d{1,4}\.\d{3,4}",
        rf"0\d{{1,4}}\(\d{{1,4}}\){dash}?\d{{3,4}}",
        rf"\(0\d{{1,4}}\) ?\d{{1,4}}{dash}\d{{3,4}}",
        r"0[5-9]0\d{8}",
    )
    abroad = rf"\+81(?:{dash}| )?(?:\(0\))?\d{{1,4}}(?:{dash}| )?\d{{1,4}}(?:{dash}| )?\d{{4}}"
    called = rf"{_CALLED}[^\d\n]{{0,10}}(?P<value>0\d{{9}})(?!\d)"
    return [
        Rule(
            "phone", re.compile(f"{_ALONE_BEFORE}(?:{'|'.join(written)}){_ALONE_AFTER}"), _is_phone
        ),
        Rule("phone", re.compile(f"{abroad}{_ALONE_AFTER}"), _is_phone_from_abroad),
        Rule("phone", re.compile(called, re.IGNORECASE), _is_phone),
    ]


def _is_phone(value: str) -> bool:
    digits = _digits(value)
    if digits.startswith("00") or len(set(digits)) < 3:
        return False
    return len(digits) == (11 if digits.startswith(_LONG) else 10)


def _is_phone_from_abroad(value: str) -> bool:
    return len(_digits(value.replace("(0)", ""))) - len("81") in (9, 10)


# ── postal code and address ──────────────────────────────────────────────────────────────────────


def _prefectures() -> str:
    return "|".join(name for name, kind in read_table("places") if kind == "prefecture")


def _postal() -> list[Rule]:
    number = r"(?P<value>\d{3}[-ー]?\d{4})(?!\d|[-ー]\d)"
    return [
        Rule("postal_code", re.compile(rf"[〒〠] ?{number}")),
        Rule("postal_code", re.compile(rf"(?:郵便番号|\b[Zz][Ii][Pp]\b)[^\d\n]{{0,6}}{number}"), signs=("郵便番号", "zip", "Zip", "ZIP")),
        Rule(
            "postal_code",
            re.compile(
                rf"(?<![\d-])(?P<value>\d{{3}}[-ー]\d{{4}})(?=[\] \n]{{0,3}}(?:{_prefectures()}|{_NAME}{{1,6}}[市区郡]))"
            ),
        ),
    ]  # fmt: skip


_NAME = "[一-鿿々ぁ-んァ-ヶーヵヶ]"
_KANJI_NUMBER = "[一二三四五六七八九十百〇]{1,6}"
_NUMBER = rf"(?:\d{{1,5}}|{_KANJI_NUMBER})"
# 1丁目3番20号, 2丁目1-1, 488番地の2, 7番20号; 6-50-10; the plain number of a lot stands apart below.
_LOT = (
    rf"{_NUMBER}丁目 ?{_NUMBER}番(?![町丁線])(?:地(?:の?{_NUMBER})?|{_NUMBER}号|[-ー]?\d{{1,4}})?(?:[-ー]\d{{1,4}})*"
    rf"|{_NUMBER}番(?:地(?:の?{_NUMBER})?|{_NUMBER}号|[-ー]\d{{1,4}})(?:[-ー]\d{{1,4}})*"
    rf"|{_NUMBER}丁目 ?\d{{1,4}}(?:[-ー]\d{{1,4}})*"
    r"|\d{1,5}(?:[-ー]\d{1,4}){1,3}|\d{1,4}の\d{1,4}の\d{1,4}"
)
# A particle before figures says that they are a count, a score, a date.
_NO_PARTICLE = "(?<![はがをにでとものらへ])"
_NO_COUNT = r"(?!\d|[年月日時分秒人円%％回度倍位点勝敗世歳才戦対枚本個社校店線]|[kKcmM]?m|か月|ヶ月|番[街目線]|で[勝敗引])"
_BUILDING = (
    r"(?: ?[一-鿿々ァ-ヶーA-Za-z○◯]{1,20}?(?:マンション|アパート|ハイツ|コーポ|メゾン|ビル|タワー|荘|館|レジデンス)"
    r"(?: ?[A-Z]?\d{1,4}(?:号室|号|F|階)?)?)?"
)


def _address() -> list[Rule]:
    names = {
        of: "|".join(n for n, kind in read_table("places") if kind == of) for of in ("city", "ward")
    }
    # Patterns that begin with plain names: those `re` looks for fast.
    in_prefecture = f"(?:{_prefectures()}) ?{_NAME}{{1,7}}?[市区町村郡]"
    in_city = f"(?:{names['city']})(?:{_NAME}{{1,4}}区)?"
    in_ward = f"(?:{names['ward']})"
    town = f"(?:{_NAME}|[0-9](?=[条番]|丁目)){{1,20}}?"
    lot = f"{_NO_PARTICLE}(?:{_LOT}){_NO_COUNT}{_BUILDING}"
    plain = rf"{_NAME}{{2,12}}?{_NO_PARTICLE}\d{{1,5}}(?=[ 、。)\]」』\n]|$|です|(?:に|へ)(?:住|あ|お|送))"
    return [
        Rule("address", re.compile(f"{place}{end}"))
        for place, end in (
            (in_prefecture, town + lot),
            (in_city, town + lot),
            (in_ward, town + lot),
            (in_prefecture, plain),
        )
    ]
