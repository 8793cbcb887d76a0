"""Honorific and humble verbs have whole paradigms; what grammar faults in them is marked and never written."""

from __future__ import annotations

from itertools import product

import pytest

from migaki.linguistics.analyzer import analyze
from migaki.linguistics.augment import variants
from migaki.linguistics.conjugation import (
    DERIVATIONS,
    FAULTED,
    Form,
    Inflected,
    NotInflectableError,
    Word,
    conjugate,
    conjugated,
    is_marked,
    paradigm,
    words,
)
from migaki.linguistics.morphemes import Register
from migaki.linguistics.register.conversion import alternatives
from migaki.linguistics.register.keigo import keigo_turns
from migaki.linguistics.tables import read_table

F = Form

VERBS = """
いらっしゃる おっしゃる なさる くださる 召し上がる ご覧になる おいでになる お見えになる お越しになる お召しになる
伺う 参る いたす 申す 申し上げる 存じる 存じ上げる 拝見する いただく 頂戴する 差し上げる おる ござる 承る お目にかかる
お読みになる お読みなさる お読みくださる お読みする お読みいたす お読み申し上げる ご利用になる
"""

# verb | form, polite? past? negative? | answer, with × where it is faulted, ° where it is rare
GOLDEN = """
いらっしゃる potential - いらっしゃれる
いらっしゃる potential p いらっしゃれます
いらっしゃる potential pn いらっしゃれません
いらっしゃる passive - いらっしゃられる×
いらっしゃる passive ptn いらっしゃられませんでした×
いらっしゃる causative t いらっしゃらせた×
いらっしゃる desiderative - いらっしゃりたい°
いらっしゃる desiderative p いらっしゃいたいです×
いらっしゃる request p いらしてください
いらっしゃる imperative p いらっしゃいませ
いらっしゃる plain p いらっしゃります°
おっしゃる honorific - おっしゃられる×
おっしゃる ba n おっしゃらなければ
なさる volitional p なさいましょう
なさる causative_passive - なさらされる×
くださる potential - くだされる
くださる request p くださってください×
召し上がる potential n 召し上がれない
召し上がる request p お召し上がりください
召し上がる honorific - お召し上がりになる×
ご覧になる request p ご覧ください
ご覧になる passive - ご覧になられる×
ご覧になる imperative p ご覧なさい
ご覧になる desiderative tn ご覧になりたくなかった°
お見えになる tara - お見えになったら
伺う desiderative - 伺いたい
伺う humble - お伺いする
伺う honorific - 伺われる×
参る honorific - 参られる×
参る passive - 参られる°
参る volitional p 参りましょう
いたす humble - おいたしする×
申し上げる potential pn 申し上げられません
申し上げる causative - 申し上げさせる
存じる zu - 存じずに
拝見する humble - 拝見いたす
拝見する humble - 拝見させていただく×
お読みする humble - お読みいたす
拝見する desiderative p 拝見したいです
いただく potential p いただけます
いただく causative_passive - いただかされる°
おる passive - おられる
ござる plain pn ございません
お読みになる potential - お読みになれる
お読みになる request p お読みください
お読みなさる passive - お読みなさられる×
お読みくださる te - お読みくださって
お読みする potential - お読みできる
お読みする passive - お読みされる°
お読みいたす volitional p お読みいたしましょう
お読み申し上げる plain p お読み申し上げます
見る honorific - お見になる×
見る humble - お見する×
見る request p お見ください×
行く honorific - お行きになる×
来る honorific - お来になる×
する honorific - おしになる×
言う honorific - お言いになる×
食べる humble - お食べする°
書く humble - お書きいたす
書く honorific - 書かれる
"""
_MARKS = {"×": FAULTED, "°": "rare"}


def _marks(letters: str) -> dict[str, bool]:
    return {"polite": "p" in letters, "past": "t" in letters, "negative": "n" in letters}


@pytest.mark.parametrize("line", GOLDEN.split("\n")[1:-1])
def test_golden_forms_and_their_marks(line: str) -> None:
    verb, form, letters, answer = line.split(" ")
    text = answer.rstrip("×°")
    found = {each.text: each for each in conjugated(verb, F(form), **_marks(letters))}
    assert text in found
    style = found[text].style
    assert (style if is_marked(style) else "") == _MARKS.get(answer[len(text) :], "")
    assert bool(found[text].reason) == is_marked(style)


@pytest.mark.parametrize("verb", VERBS.split())
def test_every_verb_has_the_whole_paradigm(verb: str) -> None:
    cells = {(c.form, c.polite, c.past, c.negative) for c in paradigm(verb)}
    wanted = DERIVATIONS - {F.HONORIFIC, F.HUMBLE}
    if verb == "おる":
        wanted -= {F.PROGRESSIVE}  # a state
    for form, polite, past, negative in product(
        [F.PLAIN, *wanted], (False, True), (False, True), (False, True)
    ):
        assert (form, polite, past, negative) in cells, (form, polite, past, negative)
    for form in (F.TE, F.TARA, F.BA, F.VOLITIONAL, F.IMPERATIVE, F.PROHIBITIVE, F.ZU, F.TARI):
        assert (form, False, False, False) in cells, form


@pytest.mark.parametrize("verb", VERBS.split())
def test_the_best_statement_is_never_marked_and_marks_say_why(verb: str) -> None:
    for cell in paradigm(verb):
        marked = [is_marked(form.style) for form in cell.forms]
        assert marked == sorted(marked), "what is marked comes last"
        assert all(bool(f.reason) == is_marked(f.style) for f in cell.forms)
        if cell.form in (F.PLAIN, F.TE, F.TARA, F.BA, F.VOLITIONAL, F.CONJECTURE):
            assert not marked[0]


def test_a_mark_stays_on_what_is_made_of_the_form() -> None:
    for chain in ([F.PASSIVE], [F.PASSIVE, F.PROGRESSIVE], [F.CAUSATIVE, F.TE]):
        found = conjugated("おっしゃる", chain, polite=True)
        assert {each.style for each in found} == {FAULTED}
    assert {f.style for f in conjugated("読む", [F.HONORIFIC, F.PASSIVE])} == {FAULTED}


def test_texts_alone_hold_nothing_that_grammar_faults() -> None:
    assert conjugate("見る", F.HONORIFIC) == ("ご覧になる", "ご覧なさる", "見られる")
    with pytest.raises(NotInflectableError, match=r"なさられる.*二重敬語"):
        conjugate("なさる", F.PASSIVE)


@pytest.mark.parametrize(
    "text",
    [
        "先生がいらっしゃられた。",
        "お客様がお見になった。",
        "先生がおっしゃられた。",
        "ご覧になられますか。",
    ],
)
def test_what_grammar_faults_is_still_read_as_honorific(text: str) -> None:
    assert Register.HONORIFIC in {turn.kind for turn in keigo_turns(analyze(text))}


# --- nothing faulted is written ------------------------------------------------------------------


def _everyday() -> list[str]:
    """The verbs for which another stands, without their class."""
    cells = [verbs for verbs, *_ in read_table("conjugation_keigo.tsv", columns=3)]
    return [verb.partition("@")[0] for cell in cells for verb in cell.split(" ")]


def _faulted(verb: str) -> set[str]:
    """Stems of what grammar faults in the keigo of a verb: おっしゃられ, お見になり."""
    found: set[str] = set()
    for word in words(verb):
        for chain in _chains():
            found |= {form.text[:-1] for form in _or_nothing(word, chain) if _is_faulted(form)}
    return found


def _chains() -> list[list[Form]]:
    more = (F.PASSIVE, F.CAUSATIVE, F.CAUSATIVE_PASSIVE, F.DESIDERATIVE, F.POTENTIAL)
    ways = (F.HONORIFIC, F.HUMBLE)
    return [[way] for way in ways] + [[way, form] for way in ways for form in more]


def _or_nothing(word: Word, chain: list[Form]) -> tuple[Inflected, ...]:
    try:
        return conjugated(word, chain)
    except NotInflectableError:
        return ()


def _is_faulted(form: Inflected) -> bool:
    return form.style == FAULTED


def _sentences(verb: str) -> list[str]:
    made = []
    for form in (F.PLAIN, F.PASSIVE, F.CAUSATIVE, F.DESIDERATIVE, F.POTENTIAL, F.PROGRESSIVE):
        for subject in ("先生が", "私が先生に", "お客様は"):
            for past in (False, True):
                try:
                    made.append(f"{subject}{conjugate(verb, form, past=past)[0]}。")
                except NotInflectableError:
                    continue
    return made


@pytest.mark.parametrize("verb", [*dict.fromkeys(_everyday()), "寝る", "読む", "持つ", "勉強する"])
def test_conversion_writes_no_form_that_is_faulted(verb: str) -> None:
    faulted = _faulted(verb)
    assert faulted
    for text in _sentences(verb):
        for way in alternatives(text, Register.HONORIFIC, limit=4):
            assert not {bad for bad in faulted if bad in way.text and bad not in text}, way.text


@pytest.mark.parametrize(
    "text",
    ["先生は何を召し上がりますか。", "お客様がいらっしゃいました。", "部長がそうおっしゃった。"],
)
def test_augmentation_writes_no_form_that_is_faulted(text: str) -> None:
    bad = {stem for verb in ("食べる", "行く", "言う") for stem in _faulted(verb)}
    for variant in variants(text, count=8):
        assert not {stem for stem in bad if stem in variant.text}


@pytest.mark.parametrize("text", ["先生は何を食べたいですか？", "何を見たい？"])
def test_the_wish_of_whom_one_honours_is_not_raised(text: str) -> None:
    for way in alternatives(text, Register.HONORIFIC, limit=4):
        assert "召し上がりたい" not in way.text
        assert "ご覧になりたい" not in way.text
