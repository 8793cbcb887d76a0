"""A predicate with its verb raised (尊敬語) or lowered (謙譲語), in the form it had.

The words come from `conjugation` (いらっしゃる, お読みになる, お待ちする) and `courteous_verbs.tsv` (参る, おる);
here they are put in the place and the inflected form of the everyday verb. Verbs in the passive,
causative or potential, and those of `honorific_use.tsv`'s kind "never", are left alone.
"""

from __future__ import annotations

import re
from functools import lru_cache

from migaki.linguistics.conjugation import Inflected, te_form
from migaki.linguistics.conjugation.slots import expand
from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.predicates import Kind, Place, Predicate
from migaki.linguistics.register.rewriting import CONTRACTED, rewritten
from migaki.linguistics.register.setting import Setting
from migaki.linguistics.register.subjects import uses
from migaki.linguistics.tables import read_table

__all__ = ["humble_options", "raised_options", "request_options"]

_BEING = frozenset(["いる", "居る"])
_GIVING = frozenset(["くれる", "呉れる"])
_RECEIVING = frozenset(["もらえる", "貰える"])
_IRASSHARU = Inflected("いらっしゃる", "いらっしゃる", "五段-ラ行")
_KUDASARU = Inflected("くださる", "くださる", "五段-ラ行")
_ITADAKERU = Inflected("いただける", "いただける", "下一段-カ行")
_SURU = Inflected("する", "する", "サ行変格")
_ITASU = Inflected("いたす", "いたす", "五段-サ行")
_ORU = Inflected("おる", "おる", "五段-ラ行")
_REGULAR = re.compile("(お.{2,}|ご覧)になる")
_KNOWING = {
    "いる": "ご存じだ",
    "いた": "ご存じだった",
    "います": "ご存じです",
    "いました": "ご存じでした",
}
_REQUESTS = {"来る": "お越しください", "くる": "お越しください"}
_PASSIVE = "助動詞-レル"
_WISH = "助動詞-タイ"
_CAUSING = frozenset(["せる", "させる", "す", "さす"])


def raised_options(group: Predicate) -> list[Edit]:
    """尊敬語 of a predicate, best first; empty where there is none worth the name."""
    if group.kind is not Kind.VERB:
        return _raised_quality(group)
    if _hangs(group) or not _may_change(group):
        return []
    knowing = _knowing(group)
    if knowing:
        return [knowing]
    for place, m in enumerate(group.chain):
        if _is_being(group, place):
            return rewritten(group, {place: _IRASSHARU})
        if m.orth_base in _GIVING and _after_te(group, place):
            return rewritten(group, {place: _KUDASARU})
    if _wishes(group):
        return []
    head = len(group.head) - 1
    raised = _raised(group.head[-1])
    options = [e for new in raised for e in rewritten(group, {head: new})]
    passive = bool(raised) and raised[0].c_type == _PASSIVE
    return [] if passive else options + _raised_noun(group)


def _hangs(group: Predicate) -> bool:
    """…て。, どうしてですか, 行くべきですか: nobody is said to do it."""
    chain = group.chain
    te = [place for place, m in enumerate(chain) if m.surface in ("て", "で") and m.pos == "助詞"]
    if te and (te[-1] + 1 == len(chain) or chain[te[-1] + 1].pos == "助動詞"):
        return True
    return any(m.surface == "べき" for m in chain)


def _wishes(group: Predicate) -> bool:
    """召し上がりたいですか is not polite: the wish of whom one honours is not asked (「敬語の指針」, chapter 3)."""
    head = len(group.head)
    return any(m.c_type == _WISH or m.orth_base == "たがる" for m in group.chain[head : head + 1])


def humble_options(group: Predicate, *, towards: bool) -> list[Edit]:
    """謙譲語 of a predicate, best first.

    丁重語 (参る, おる, いたす) goes with ます: it is written where the verb ends the clause with ます or will.

    Args:
        group: The predicate.
        towards: Whether it may be done towards the hearer (お持ちする); else only 丁重語.
    """
    if group.kind is not Kind.VERB or not _may_change(group):
        return []
    head, size = len(group.head) - 1, len(group.chain)
    lasting = {place: _ORU for place in range(size) if _is_being(group, place)}
    if lasting and not _ends_politely(group, max(lasting)):
        return []
    options: list[Edit] = []
    if towards and (not lasting or _doing(group) in uses("lasting")):
        options += _humble_noun(group, lasting)
        for new in _humble(group.head[-1]):
            options += rewritten(group, {**lasting, head: new})
    if lasting:
        return options or rewritten(group, lasting)
    courteous = _courteous().get(group.head[-1].orth_base)
    if courteous and courteous.text == "存じる" and group.chain[-1].surface == "ない":
        return [Edit(group.head[-1].start, group.end, "存じません", "honorific.verb")]
    past = any(m.c_type == "助動詞-タ" for m in group.chain)
    if courteous and _ends_politely(group, head) and not (past and courteous.text == "存じる"):
        options += rewritten(group, {head: courteous})
    return options


def _ends_politely(group: Predicate, place: int) -> bool:
    """Whether nothing but ます, ない, た stands behind this verb, and ます is or will be there."""
    rest = group.chain[place + 1 :]
    if any(m.c_type == "助動詞-マス" for m in rest[:1]):
        return True
    plain = all(m.c_type in ("助動詞-タ", "助動詞-ナイ") for m in rest)
    return plain and group.place is Place.FINAL and not group.chain[-1].c_form.startswith("仮定形")


def request_options(group: Predicate, setting: Setting) -> list[Edit]:
    """お待ちください for 待ってください, 待ってくれ and 待って; くださる, いただける for くれる, もらえる."""
    if group.kind is not Kind.VERB:
        return []
    head, chain, last = len(group.head), group.chain, group.chain[-1]
    asks = setting.question or "か" in setting.particles
    for place in range(head + 1, len(chain)):
        if asks and _after_te(group, place):
            if chain[place].orth_base in _RECEIVING:
                return rewritten(group, {place: _ITADAKERU})
            if chain[place].orth_base in _GIVING:
                return rewritten(group, {place: _KUDASARU})
    if _asked_not_to(group):
        return raised_options(group)
    if len(chain) <= head or chain[head].surface not in ("て", "で") or not _may_change(group):
        return []
    rest = chain[head + 1 :]
    if _is_idiom(group):
        return []
    if not rest:
        wanted = setting.closes and not asks and setting.particles in ("", "よ", "ね")
        wanted = wanted and _doing(group) in (_towards() | uses("personal")) - {"する"}
    else:
        wanted = len(rest) == 1 and last.c_form == "命令形" and last.orth_base in _ASKING
    text = _request(group) if wanted else ""
    start = group.head[-1].start if not text.startswith("*") else group.head[-2].start
    end = setting.end if not rest else last.end
    return [Edit(start, end, text.lstrip("*"), "honorific.request")] if text else []


def _is_idiom(group: Predicate) -> bool:
    """気をつけて, …と思って."""
    before = group.before.surface if group.before is not None else ""
    verb = group.head[-1].orth_base
    return before in ("と", "って") or (before == "を" and verb in ("つける", "付ける"))


def _asked_not_to(group: Predicate) -> bool:
    """見ないでください."""
    return (
        group.chain[-1].orth_base in _ASKING
        and group.chain[-1].c_form == "命令形"
        and any(m.c_type == "助動詞-ナイ" for m in group.auxiliaries)
    )


_ASKING = frozenset(["くださる", "下さる", *_GIVING])


def _request(group: Predicate) -> str:
    """The request; a * before it says that it takes the verbal noun with it."""
    verb = group.head[-1]
    if verb.orth_base == "する" and len(group.head) > 1:
        noun = group.head[-2]
        if noun.origin == "漢" and len(noun.surface) > 1 and _stands_alone(group):
            return f"*{_prefix(noun)}{noun.surface}ください"
        return "なさってください"
    if verb.orth_base in _REQUESTS:
        return _REQUESTS[verb.orth_base]
    for new in _raised(verb):
        if found := _REGULAR.fullmatch(new.text):
            return found[1] + "ください"
        if new.c_type == "五段-ラ行":
            return te_form(new.text, new.c_type, reading_base=new.reading) + "ください"
    return ""


def _raised_quality(group: Predicate) -> list[Edit]:
    """お元気, お忙しい."""
    word = group.head[-1]
    if word.orth_base not in uses("raised") or len(group.head) > 1:
        return []
    if group.before is not None and group.before.pos == "接頭辞":
        return []
    return [Edit(word.start, word.start, "お", "honorific.quality")]


def _raised_noun(group: Predicate) -> list[Edit]:
    """ご説明になる beside 説明なさる."""
    verb = group.head[-1]
    if verb.orth_base != "する" or len(group.head) < 2 or not _stands_alone(group):
        return []
    noun = group.head[-2]
    if noun.origin != "漢" or len(noun.surface) < 2:
        return []
    made = Inflected("になる", "になる", "五段-ラ行")
    return [
        Edit(noun.start, edit.end, _prefix(noun) + noun.surface + edit.replacement, edit.rule)
        for edit in rewritten(group, {len(group.head) - 1: made})
    ]


def _knowing(group: Predicate) -> Edit | None:
    """ご存じだ for 知っている."""
    head = len(group.head)
    rest = "".join(m.surface for m in group.chain[head + 1 :])
    if group.head[-1].orth_base != "知る" or group.chain[head : head + 1] == ():
        return None
    if group.chain[head].surface == "て" and rest in _KNOWING:
        return Edit(group.head[-1].start, group.end, _KNOWING[rest], "honorific.verb")
    return None


def _humble(verb: Morpheme) -> list[Inflected]:
    """お持ちする, 伺う: what is done towards the hearer."""
    return list(_expanded(verb, "humble")) if verb.orth_base in _towards() else []


def _towards() -> frozenset[str]:
    return uses("towards") | uses("person") | uses("offered")


def _humble_noun(group: Predicate, changes: dict[int, Inflected]) -> list[Edit]:
    """ご案内する, ご案内いたす."""
    verb = group.head[-1]
    if (
        verb.orth_base != "する"
        or not _stands_alone(group)
        or group.head[-2].surface not in _towards()
    ):
        return []
    noun, head = group.head[-2], len(group.head) - 1
    options = [rewritten(group, {**changes, head: new}) for new in (_SURU, _ITASU)]
    return [
        Edit(noun.start, edit.end, _prefix(noun) + noun.surface + edit.replacement, edit.rule)
        for edits in options
        for edit in edits
    ]


def _raised(verb: Morpheme) -> list[Inflected]:
    """The honorific verbs of a verb; お出になる and the like, of one mora, sound odd."""
    return [
        new
        for new in _expanded(verb, "honorific")
        if len(new.reading or new.text) > len("おでになる") or not new.text.endswith("になる")
    ]


def _expanded(verb: Morpheme, slot: str) -> tuple[Inflected, ...]:
    """What a verb is raised or lowered to; nothing of another style than the neutral one is written: no
    rare or faulted form (お知りする, お見になる), and no bookish one (お読みなさる).
    """
    found = expand(verb.orth_base, verb.reading_base, verb.c_type, slot)
    return tuple(
        new
        for new in found
        if not new.style and new.text not in uses("unclear") and not new.text.endswith("ていただく")
    )


@lru_cache(maxsize=1)
def _courteous() -> dict[str, Inflected]:
    return {
        verb: Inflected(new, "", c_type)
        for verbs, new, c_type in read_table("courteous_verbs.tsv", columns=3)
        for verb in verbs.split(" ")
    }


def _doing(group: Predicate) -> str:
    head = group.head
    return (
        head[-2].surface if head[-1].orth_base == "する" and len(head) > 1 else head[-1].orth_base
    )


def _prefix(noun: Morpheme) -> str:
    return "お" if noun.surface in uses("takes_o") else "ご"


def _stands_alone(group: Predicate) -> bool:
    """Whether the verbal noun is no compound and has no prefix."""
    return len(group.head) == 2 and (
        group.before is None or group.before.pos not in ("名詞", "接頭辞")
    )


def _is_being(group: Predicate, place: int) -> bool:
    """Whether this is いる behind て, or てる."""
    base = group.chain[place].orth_base
    return base in CONTRACTED or (base in _BEING and _after_te(group, place))


def _after_te(group: Predicate, place: int) -> bool:
    return place > 0 and group.chain[place - 1].surface in ("て", "で")


def _may_change(group: Predicate) -> bool:
    verb = group.head[-1]
    if verb.orth_base in uses("never") or _is_potential(verb):
        return False
    if any(m.pos == "接頭辞" for m in group.head):
        return False
    return not any(m.c_type == _PASSIVE or m.orth_base in _CAUSING for m in group.auxiliaries)


def _is_potential(verb: Morpheme) -> bool:
    """書ける has the lemma 書く."""
    return verb.c_type.startswith("下一段") and verb.lemma[-1:] != "る"
