"""Our own words for what an analyser finds: the engine's types go no further than `analyzer`."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Morpheme", "Register", "Sentence"]


class Register(StrEnum):
    """The style of a clause, a sentence or a text (文体 and 敬語 together)."""

    PLAIN = "plain"  # 普通体: 行く、行った、学生だ
    POLITE = "polite"  # 丁寧体: 行きます、学生です
    DEARU = "dearu"  # である体: 学生である
    HONORIFIC = "honorific"  # 尊敬語: いらっしゃる、お読みになる
    HUMBLE = "humble"  # 謙譲語: 参る、お持ちする
    MIXED = "mixed"  # clauses of different registers
    NONE = "none"  # nothing that carries a register: 体言止め, code, no Japanese


class Morpheme(NamedTuple):
    """One short unit (短単位) of the text, with what UniDic knows of it; immutable.

    A named tuple, because a text has millions of them: it is made in a third of the time of a
    frozen data class. Fields that the dictionary leaves open are empty strings.

    Attributes:
        surface: The text itself, ``text[start:end]``.
        start: Offset of its first character in the analysed text.
        end: Offset after its last character.
        pos: Part of speech (品詞 大分類): 名詞, 動詞, 形容詞, 形状詞, 助動詞, 助詞 …
        pos2: Its first subdivision (中分類): 普通名詞, 非自立可能, 格助詞 …
        pos3: Its second subdivision (小分類): サ変可能, 形状詞可能, 助数詞可能, 人名 …
        c_type: Conjugation class (活用型): 五段-カ行, 下一段-バ行, 形容詞, 助動詞-マス …
        c_form: Inflected form (活用形): 連用形-促音便, 終止形-一般 …
        orth_base: Dictionary form in this orthography (書字形基本形): いただけ → いただける.
            Everything that is generated starts here.
        lemma: Normalised dictionary form (語彙素): いただけ → 頂く. To look up, never to write.
        reading: Reading of the surface in katakana (仮名形出現形), the surface itself if unknown.
        reading_base: Reading of the dictionary form in katakana; empty with Sudachi.
        origin: Word origin (語種): 和, 漢, 外, 混, 固, 記号; empty with Sudachi.
        known: Whether the dictionary has the word.
    """

    surface: str
    start: int
    end: int
    pos: str
    pos2: str
    pos3: str
    c_type: str
    c_form: str
    orth_base: str
    lemma: str
    reading: str
    reading_base: str
    origin: str
    known: bool


class Sentence(NamedTuple):
    """A sentence with its morphemes; all offsets count from the start of the analysed text.

    Attributes:
        text: The sentence itself.
        start: Offset of its first character.
        morphemes: Its morphemes in order; what lies between them is white space.
    """

    text: str
    start: int
    morphemes: tuple[Morpheme, ...]

    @property
    def end(self) -> int:
        """Offset after its last character."""
        return self.start + len(self.text)
