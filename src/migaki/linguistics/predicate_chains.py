"""How morphemes chain up to one predicate: 食べ + て + い + なかっ + た, 好き + な + ん + です.

The connections are those of the short units of UniDic (現代書き言葉均衡コーパス 形態論情報規程集,
NINJAL 2011); the code looks at classes and forms, and at surfaces of the closed class of particles.
"""

from __future__ import annotations

from migaki.linguistics.morphemes import Morpheme

__all__ = ["COMMAS", "Chains", "ends_sentence", "is_copula", "is_mark", "is_nominal"]

_NOMINAL_POS = frozenset(
    ("名詞", "代名詞", "形状詞", "接尾辞", "接頭辞", "記号", "感動詞", "連体詞")
)
_COMPOUND_POS = ("名詞", "接頭辞", "接尾辞", "形状詞", "記号", "代名詞")
_LINKERS = frozenset(("は", "も", "さえ", "すら", "こそ", "しか"))
_ENDS = frozenset("。．.！？!?…‥♪～〜♡♥☆★，,、；;：:—―─")
_JOINTS = frozenset("-・/／=＝+＋&＆%％#＃@＠*＊_＿|｜<>＜＞~−‐–")  # inside names and numbers
_OPENING = frozenset("「『（(【［[〈《〔{“‘〝")
COMMAS = frozenset("、，,")
_PRO_ADVERBS = frozenset(("そう", "どう", "こう", "ああ"))


def is_copula(m: Morpheme) -> bool:
    """Whether a morpheme is a form of だ, です, じゃ or や."""
    return m.c_type in ("助動詞-ダ", "助動詞-デス", "助動詞-ジャ", "助動詞-ヤ")


def is_mark(m: Morpheme) -> bool:
    """Whether a morpheme is punctuation, a symbol or an emoji, not a word."""
    if m.pos == "記号":
        return m.pos2 != "文字" and not "ァ" <= m.surface[0] <= "ヺ"  # the セ of セ・リーグ
    return m.pos == "補助記号"


def is_nominal(m: Morpheme) -> bool:
    """Whether a morpheme can end a noun phrase: a noun, 静か, そう, どう."""
    return m.pos in _NOMINAL_POS or (m.pos == "副詞" and m.surface in _PRO_ADVERBS)


def ends_sentence(char: str) -> bool:
    """Whether a mark may close a sentence or stand behind one that is closed."""
    return char in _ENDS


class Chains:
    """Reads chains in the tokens of one voice."""

    def __init__(self, tokens: list[Morpheme]) -> None:
        self.tokens = tokens
        self.size = len(tokens)

    def at(self, place: int) -> Morpheme | None:
        """The token at an index; None outside."""
        return self.tokens[place] if 0 <= place < self.size else None

    def surface(self, place: int) -> str:
        """The surface at an index; empty outside."""
        return self.tokens[place].surface if 0 <= place < self.size else ""

    def touch(self, place: int) -> bool:
        """Whether nothing lies between this token and the next."""
        return place + 1 < self.size and self.tokens[place].end == self.tokens[place + 1].start

    def noun_phrase(self, place: int) -> int:
        """Index of the first token of the compound that ends at `place`."""
        while place and self.touch(place - 1) and is_nominal(self.tokens[place]):
            if self.tokens[place - 1].pos not in (
                "名詞",
                "接頭辞",
                "接尾辞",
                "形状詞",
                "記号",
                "代名詞",
            ):
                break
            place -= 1
        return place

    def verbal_head(self, place: int) -> int:
        """Index where the head of a verb begins: 勉強 + し, ご + 確認 + ください."""
        m = self.tokens[place]
        light = m.c_type in ("サ行変格", "五段-ラ行") and m.pos2 == "非自立可能"
        before = self.at(place - 1)
        if before and self.touch(place - 1):
            if m.pos == "接尾辞" or (light and before.pos3 in ("サ変可能", "サ変形状詞可能")):
                return self.noun_phrase(place - 1)
            if before.pos == "接頭辞":
                return place - 1
        return place

    def copula_after(self, place: int) -> bool:
        """Whether a copula that makes a predicate follows: だ, です, で + ある/ない, な + の …"""
        copula = self.at(place + 1)
        if copula is None or is_mark(self.tokens[place]):
            return False
        if self.negated_copula(place + 1):
            return self.tokens[place].surface not in ("は", "も", "が", "を", "の")
        if copula.c_type == "助動詞-ラシイ":
            return True
        if not is_copula(copula):
            return False
        if copula.c_form == "連用形-ニ":
            return False
        if copula.c_form.startswith("連体形") and copula.surface in ("な", "の"):
            return self.surface(place + 2) in ("の", "ん", "もの", "もん", "ので", "のに", "わけ")
        return True

    def negated_copula(self, place: int) -> bool:
        """で(は/も) or じゃ, then ない, ある, ござる …, whatever the analyser calls で."""
        m = self.at(place)
        if m is None or m.surface not in ("で", "じゃ", "では", "ぢゃ"):
            return False
        step = place + 1
        while self.surface(step) in _LINKERS:
            step += 1
        after = self.at(step)
        return after is not None and after.orth_base in ("ない", "無い", "ある", "ござる", "御座る")

    def is_final_particle(self, place: int) -> bool:
        """Whether a token is 終助詞, or か in any role."""
        m = self.tokens[place]
        return m.pos == "助詞" and (m.pos2 == "終助詞" or m.surface == "か")

    def ends_at(self, place: int) -> bool:
        """Whether the sentence is over at this token, but for marks."""
        while place < self.size:
            m = self.tokens[place]
            if not (is_mark(m) or m.surface in ("w", "笑")):
                return False
            if m.surface in COMMAS or m.surface[0] in _OPENING:
                return False
            if m.surface[0] not in _JOINTS and self._ends(m):
                return True
            place += 1
        return True

    def _ends(self, m: Morpheme) -> bool:
        return m.surface[0] in _ENDS or m.pos2 in ("句点", "一般", "ＡＡ")

    def after_final_particles(self, place: int) -> int:
        """Index behind the 終助詞, かも, って and ないと that stand from `place` on."""
        step = place
        while step < self.size and (
            self.is_final_particle(step) or self._ends_like_one(step, place)
        ):
            step += 1
        return step

    def _ends_like_one(self, step: int, first: int) -> bool:
        """も of かも, って of hearsay, と of やらないと, before the end or よ and ね."""
        surface = self.surface(step)
        if surface == "も":
            return step > first and self.surface(step - 1) == "か"
        hearsay = surface in ("って", "て") or (
            surface == "と" and self.surface(step - 1) == "ない"
        )
        if not hearsay:
            return False
        after = step + 1
        while self.surface(after) in ("よ", "ね", "な"):
            after += 1
        return self.ends_at(after)

    def question_ends(self, place: int) -> bool:
        """Whether only final particles stand between this token and the end."""
        return self.ends_at(self.after_final_particles(place))

    def chain_end(self, place: int) -> int:
        """Index of the last token of the chain that begins at `place`."""
        while place + 1 < self.size:
            step = self._join(place)
            if not step:
                break
            place += step
        return place

    def _join(self, place: int) -> int:
        """How many tokens behind this one belong to its chain; 0 where the chain ends."""
        if not self.touch(place):
            return 0
        b = self.tokens[place + 1]
        if b.pos == "助動詞":
            return self._join_auxiliary(place)
        if b.pos in ("動詞", "形容詞", "接尾辞", "形状詞") or b.pos2 == "助動詞語幹":
            return self._join_verbal(place)
        return self._join_particle(place) if b.pos == "助詞" else 0

    def _join_auxiliary(self, place: int) -> int:
        b, after = self.tokens[place + 1], self.surface(place + 2)
        if b.c_form.startswith("連体形") and b.surface == "な":
            return 1 if after in ("の", "ん", "もの", "もん") else 0
        if b.c_form == "連用形-ニ":
            return 0
        return 1

    def _join_verbal(self, place: int) -> int:
        a, b = self.tokens[place], self.tokens[place + 1]
        if b.pos == "形状詞" or b.pos2 == "助動詞語幹":
            return 1 if b.pos2 == "助動詞語幹" else 0
        if b.pos == "接尾辞":
            return 1 if a.c_form.startswith(("連用形", "語幹")) else 0
        if a.surface in ("て", "で", "ちゃ", "じゃ"):
            return 1 if b.pos2 == "非自立可能" else 0
        return (
            1 if a.c_form.startswith("連用形") and (b.pos2 == "非自立可能" or a.pos == b.pos) else 0
        )

    def _join_particle(self, place: int) -> int:
        a, b = self.tokens[place], self.tokens[place + 1]
        if b.pos2 == "接続助詞" and (b.surface in ("て", "で") or a.c_form.startswith("仮定形")):
            return 1
        if b.surface in _LINKERS:
            return self._join_linked(place)
        if b.surface in ("の", "ん") and b.pos2 in ("準体助詞", "終助詞"):
            return 1 if self._explains(place + 1) else 0
        maybe = [self.surface(place + step) for step in (1, 2, 3)]
        if maybe[:2] == ["か", "も"] and maybe[2].startswith(("しれ", "知れ")):
            return 3
        return (
            1
            if b.surface == "で" and a.surface in ("の", "ん") and self.negated_copula(place + 1)
            else 0
        )

    def _join_linked(self, place: int) -> int:
        """は or も inside a chain: 食べ(は)しない, 高く(は)ない, 食べて(は)いる, で(は)ない."""
        a, after = self.tokens[place], self.at(place + 2)
        if after is None or not (a.c_form.startswith("連用形") or a.surface in ("て", "で")):
            return 0
        if not (self.touch(place + 1) and after.pos2 == "非自立可能"):
            return 0
        return 2

    def _explains(self, place: int) -> bool:
        """Whether の/ん at `place` is the explanatory の, not a nominaliser: の + だ, の？, のよ."""
        after = self.at(place + 1)
        if after is None or self.ends_at(place + 1):
            return True
        if is_copula(after):
            return not (after.surface == "で" and not self.negated_copula(place + 1)) and (
                (after.c_form != "連用形-ニ" and after.surface not in ("な", "なら"))
                or self.surface(place + 2) in ("の", "ん")
            )
        if after.surface == "で":
            return self.negated_copula(place + 1)
        if after.surface == "か":
            return self.question_ends(place + 1)
        return after.pos2 == "終助詞"
