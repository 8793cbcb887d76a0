"""Particles: left out, added, exchanged; and those that change the meaning or break the grammar.

Where one particle may stand for another depends on the words beside it, and stands in `particles.tsv`;
`particle_errors.tsv` has what is wrong on purpose. What takes more than a look at the neighbours
is in `particle_clauses` (しか and だけ, agent and patient) and in `relative_clauses`.
"""

from __future__ import annotations

from migaki.linguistics.operators.operator import Meaning, Operator, Use
from migaki.linguistics.operators.particle_clauses import (
    insert_object,
    only_by_dake,
    only_by_shika,
    swap_roles,
)
from migaki.linguistics.operators.relative_clauses import relative_ga, relative_no
from migaki.linguistics.operators.substitution import (
    Lexicon,
    in_sets,
    read_entries,
    substituting,
)

__all__ = ["OPERATORS"]

_KEPT = Lexicon(read_entries, "particles.tsv", fitting=True)
_WRONG = Lexicon(read_entries, "particle_errors.tsv", fitting=True)


def _kept(name: str, description: str, *sets: str) -> Operator:
    return substituting(_KEPT, f"particles.{name}", description, in_sets(*sets))


def _wrong(
    name: str,
    description: str,
    *,
    use: Use,
    meaning: Meaning = Meaning.KEPT,
    grammatical: bool = True,
) -> Operator:
    return substituting(
        _WRONG,
        f"particles.{name}",
        description,
        in_sets(name),
        meaning=meaning,
        grammatical=grammatical,
        use=use,
    )


OPERATORS: tuple[Operator, ...] = (
    _kept(
        "omission", "本を読んだよ → 本読んだよ: は, が, を, に, へ, in casual talk only", "omission"
    ),
    _kept("direction", "学校に行く → 学校へ行く: the goal of a motion, and back", "direction"),
    _kept(
        "object",
        "水を飲みたい → 水が飲みたい: what one wants or can do, and back",
        "wish",
        "ability",
    ),
    _kept(
        "reason",
        "寒いですから、帰ります → 寒いですので、帰ります: in a style that fits, and back",
        "reason",
        "reason_copula",
    ),
    _kept(
        "contrast",
        "高いですが、いいですよ → 高いですけど、いいですよ: in a style that fits, and back",
        "contrast",
    ),
    _kept(
        "listing",
        "犬や猫が好きだよ → 犬とか猫が好きだよ: in a style that fits, and back",
        "listing",
    ),
    _kept(
        "compound",
        "事故により遅れた → 事故によって遅れた: compound particles, in a style that fits",
        "compound",
    ),
    _kept(
        "amount",
        "十分ほど歩いた → 十分程度歩いた: about, only, and so on",
        "approximate",
        "limiting",
        "etcetera",
    ),
    _kept("doing", "勉強をする → 勉強する: nouns of action without を", "doing"),
    _kept(
        "topic",
        "机の上に本がある → 机の上には本がある: は added where it contrasts nothing",
        "topic",
    ),
    Operator(
        name="particles.relative",
        description="私が書いた本だ → 私の書いた本だ: the subject of a relative clause",
        propose=relative_no,
    ),
    Operator(
        name="particles.relative_subject",
        description="私の書いた本 → 私が書いた本: the subject of a relative clause",
        propose=relative_ga,
    ),
    Operator(
        name="particles.insertion",
        description="映画見た → 映画を見た: an object without its particle gets it",
        propose=insert_object,
    ),
    Operator(
        name="particles.only_dake",
        description="水しか飲まない → 水だけ飲む",
        propose=only_by_dake,
    ),
    Operator(
        name="particles.only_shika",
        description="水だけ飲む → 水しか飲まない",
        propose=only_by_shika,
    ),
    _wrong(
        "formal_omission",
        "会議を開いた。 → *会議開いた。: を, が, に left out in plain prose",
        grammatical=False,
        use=Use.REJECTED,
    ),
    _wrong(
        "oblique_omission",
        "図書館で働く → *図書館働く: で, から, まで, と are never left out",
        grammatical=False,
        use=Use.REJECTED,
    ),
    _wrong(
        "case_error",
        "東京に住む → *東京を住む: the wrong particle, as learners write it",
        meaning=Meaning.CHANGED,
        grammatical=False,
        use=Use.REJECTED,
    ),
    _wrong(
        "doubled",
        "本を読む → *本をを読む: two case particles",
        grammatical=False,
        use=Use.REJECTED,
    ),
    _wrong(
        "wh_topic",
        "誰が来た → *誰は来た: a question word as the topic",
        meaning=Meaning.CHANGED,
        grammatical=False,
        use=Use.EVALUATION,
    ),
    _wrong(
        "topic_subject",
        "犬は寝た → 犬が寝た: what is known becomes what is new, and back",
        meaning=Meaning.CHANGED,
        use=Use.EVALUATION,
    ),
    _wrong(
        "contrast_topic",
        "東京に行く → 東京には行く: a contrast is added",
        meaning=Meaning.CHANGED,
        use=Use.EVALUATION,
    ),
    Operator(
        name="particles.roles",
        meaning=Meaning.CHANGED,
        use=Use.EVALUATION,
        description="犬が猫を追う → 犬を猫が追う: who does it to whom",
        propose=swap_roles,
    ),
)
