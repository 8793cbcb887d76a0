"""What of a predicate's surroundings a change of register depends on: questions, ends, quotes."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.predicate_chains import COMMAS, is_mark
from migaki.linguistics.predicates import Place, Predicate
from migaki.linguistics.tables import read_table

__all__ = ["Setting", "feelings", "interrogatives", "settings_of"]

_QUOTING = ("と", "って", "とも", "とか")
_TOPICS = ("は", "が", "も", "って")
_BOUNDS = {"括弧開": -1, "括弧閉": 1, "句点": 0}  # and how many brackets are open to their left
_LONGEST_CLAUSE = 300  # morphemes; a line of a megabyte without 。 is no clause
_VERBAL = ("五段", "上一段", "下一段", "カ行変格", "サ行変格", "助動詞-レル", "助動詞-マイ")
_DASHES = "―—─…"
_NOTING = ("そう", "さよう", "左様")
_BETWEEN = ("格助詞", "接続助詞")
_REACH = 3  # morphemes between と and the verb that quotes: と彼に言った


class Setting(NamedTuple):
    """A predicate in its sentence.

    Attributes:
        predicate: The predicate.
        particles: Surfaces of the particles behind it, joined.
        closes: Whether the sentence is over behind the particles.
        question: Whether it closes with a question mark.
        trails: Whether it breaks off: …
        interrogative: Whether a word like 何 or どこ stands before its end.
        topic: Whether は, が or も stands before it.
        subject: Whether が stands before it in its own clause.
        marked: Whether a mark such as 。 or ！ closes it.
        after_main: Whether another main clause stands before it in the sentence.
        quoted: Whether と or って behind it quotes it.
        perhaps_quoted: Whether it ends at a comma and a later clause is quoted: 雨だ、困ると言う.
        urges: Whether it is the いい of 見るがいい, an order that is not said politely.
        concedes: Whether its が says that it does not matter: 氷水だろうが甘茶だろうが, 何をしようが.
        exclaims: Whether a comma alone parts it from another main clause: 驚いた、二駅も歩くの？ /
            それは大きい、皆は喜んだ。
    """

    predicate: Predicate
    particles: str
    closes: bool
    question: bool
    trails: bool
    interrogative: bool
    topic: bool
    subject: bool
    marked: bool
    after_main: bool
    quoted: bool
    perhaps_quoted: bool
    urges: bool
    concedes: bool
    exclaims: bool

    @property
    def end(self) -> int:
        """Offset after predicate and particles."""
        particles = self.predicate.particles
        return particles[-1].end if particles else self.predicate.end


class _Words:
    """The morphemes of a sentence, and where those stand that every predicate is asked about.

    Attributes:
        morphemes: All of them.
        places: Offset in the text → index.
        bounds: Indexes of 。 and of brackets.
        interrogatives: Indexes of 何, どこ …
        topics: Indexes of は, が, も.
        subjects: Indexes of が.
    """

    def __init__(self, morphemes: tuple[Morpheme, ...]) -> None:
        asking = interrogatives()
        particles = [i for i, m in enumerate(morphemes) if m.pos == "助詞"]
        self.morphemes = morphemes
        self.places = {m.start: index for index, m in enumerate(morphemes)}
        self.bounds = [index for index, m in enumerate(morphemes) if m.pos2 in _BOUNDS]
        self.interrogatives = [
            index
            for index, m in enumerate(morphemes)
            if m.surface in asking or (m.surface[0] == "何" and m.pos in ("名詞", "代名詞"))
        ]
        self.topics = [index for index in particles if morphemes[index].surface in _TOPICS]
        self.subjects = [index for index in self.topics if morphemes[index].surface == "が"]


def settings_of(found: list[Predicate], morphemes: tuple[Morpheme, ...]) -> list[Setting]:
    """Describe where each predicate of a sentence stands.

    Args:
        found: The sentence's predicates, in order.
        morphemes: All its morphemes.
    """
    words = _Words(morphemes)
    settings: list[Setting] = []
    quote_follows = asked = False
    owns = _own_starts(found, words.places)
    whatever = sum(map(_leaves_open, found)) > 1
    for number, predicate in reversed(list(enumerate(found))):
        setting = _setting_of(
            predicate,
            words,
            quote_follows=quote_follows,
            preceding=found[number - 1] if number else None,
            own=owns[number],
        )
        quote_follows = quote_follows or setting.quoted
        if asked and _asks_too(setting):
            setting = setting._replace(question=True)
        if settings and _is_spliced(predicate) and _text(predicate) == _text(found[-1]):
            setting = setting._replace(exclaims=True)  # 鉛筆も貰った、帳面も貰った。
        if whatever and _leaves_open(predicate):
            setting = setting._replace(concedes=True)
        asked = asked or setting.question
        settings.append(setting)
    return settings[::-1]


def _setting_of(
    predicate: Predicate,
    words: _Words,
    *,
    quote_follows: bool,
    preceding: Predicate | None,
    own: int,
) -> Setting:
    morphemes, places = words.morphemes, words.places
    first = places[predicate.start]
    after = predicate.after
    last = (predicate.particles or predicate.chain)[-1]
    next_place = places[after.start] if after is not None else places[last.start] + 1
    start = _clause_start(morphemes, words.bounds, first)
    own_start = max(start, places[preceding.chain[-1].start]) if preceding else start
    after_main = preceding is not None and preceding.place is Place.FINAL
    return Setting(
        predicate=predicate,
        particles="".join(m.surface for m in predicate.particles),
        closes=_closes(predicate, morphemes, next_place),
        question=_questions(morphemes, next_place),
        trails=_trails(morphemes, next_place),
        interrogative=_interrogates(words, max(start, own), next_place),
        topic=_has_between(words.topics, start, first),
        subject=_has_between(words.subjects, own_start, first),
        marked=next_place < len(morphemes) and morphemes[next_place].surface[0] in "。．.！!｡",
        after_main=after_main,
        quoted=_is_quoted(predicate, morphemes, next_place),
        perhaps_quoted=quote_follows
        and after is not None
        and (
            (predicate.place is Place.FINAL and after.surface in COMMAS)
            or (predicate.place is Place.COORDINATE and after.surface[0] in _DASHES)
        ),
        urges=preceding is not None and _urges(preceding, predicate),
        concedes=_leaves_open(predicate) and predicate.chain[-1].c_type.startswith(_VERBAL),
        exclaims=(first == start and _exclaims(predicate))
        or (_is_spliced(predicate) and _denies_reading(predicate))
        or (_is_spliced(predicate) and _resumes(morphemes, max(start, own), first, next_place)),
    )


def _text(predicate: Predicate) -> str:
    return "".join(m.surface for m in predicate.chain)


def _own_starts(found: list[Predicate], places: dict[int, int]) -> list[int]:
    """For each predicate, the index behind the last main or coordinate clause in front of it."""
    starts, start = [], 0
    for predicate in found:
        starts.append(start)
        if predicate.place is not Place.SUBORDINATE:
            start = places[(predicate.particles or predicate.chain)[-1].start] + 1
    return starts


def _leaves_open(predicate: Predicate) -> bool:
    """Whether it ends in だろう, しよう or まい and が, which concedes where there are two of them."""
    last, particles = predicate.chain[-1], predicate.particles
    guesses = last.c_form.startswith("意志推量形") or last.c_type == "助動詞-マイ"
    return guesses and bool(particles) and particles[0].surface == "が"


def _is_spliced(predicate: Predicate) -> bool:
    after, last = predicate.after, predicate.chain[-1]
    if predicate.particles or after is None or after.surface not in COMMAS:
        return False
    return last.c_form.startswith(("終止形", "連体形"))


def _resumes(morphemes: tuple[Morpheme, ...], start: int, first: int, comma: int) -> bool:
    """Whether the clause has a topic, and the next one begins with a topic of its own."""
    if not any(map(_is_topic, morphemes[start:first])):
        return False
    for place in range(comma + 1, min(comma + 2 + _REACH, len(morphemes))):
        m = morphemes[place]
        if _is_topic(m):
            return place > comma + 1
        if m.pos not in ("名詞", "代名詞", "接尾辞", "接頭辞", "連体詞"):
            return False
    return False


def _denies_reading(predicate: Predicate) -> bool:
    """Whether it ends in のではない, which says what is not so, and stands before no noun."""
    chain = [m.surface for m in predicate.chain]
    return any(chain[place : place + 3] == ["の", "で", "は"] for place in range(len(chain)))


def _is_topic(m: Morpheme) -> bool:
    return m.pos2 == "係助詞" and m.surface == "は"


def _exclaims(predicate: Predicate) -> bool:
    last = predicate.chain[-1]
    if not _is_spliced(predicate):
        return False
    if last.c_type == "助動詞-タ":
        return True
    return last.c_form.startswith("終止形") and last.orth_base in feelings()


def _asks_too(setting: Setting) -> bool:
    """Whether a main clause before a comma asks, with か, as the end of the sentence does: 夜ですか、昼ですか？

    そうですか、 takes note of what was said.
    """
    predicate = setting.predicate
    return (
        setting.particles == "か"
        and predicate.place is Place.FINAL
        and predicate.head[-1].surface not in _NOTING
    )


def _urges(preceding: Predicate, predicate: Predicate) -> bool:
    before, verb = predicate.before, preceding.chain[-1]
    return (
        before is not None
        and before.surface == "が"
        and predicate.chain[0].surface in ("いい", "よい", "良い")
        and before.start == verb.end
        and verb.c_form.startswith(("終止形", "連体形"))
    )


def _clause_start(morphemes: tuple[Morpheme, ...], bounds: list[int], place: int) -> int:
    """Index behind the last 。, ？ or open （ before this place."""
    depth = 0
    farthest = max(0, place - _LONGEST_CLAUSE)
    for number in range(bisect_left(bounds, place) - 1, -1, -1):
        bound = bounds[number]
        if bound < farthest:
            break
        kind = morphemes[bound].pos2
        if kind != "括弧閉" and not depth:
            return bound + 1
        depth += _BOUNDS[kind]
    return farthest


def _closes(predicate: Predicate, morphemes: tuple[Morpheme, ...], place: int) -> bool:
    if place >= len(morphemes):
        return True
    m = morphemes[place]
    return (is_mark(m) and m.surface not in COMMAS and m.pos2 != "括弧開") or (
        predicate.place is Place.FINAL and m.surface not in COMMAS
    )


def _questions(morphemes: tuple[Morpheme, ...], place: int) -> bool:
    for m in morphemes[place : place + 4]:
        if any(char in "？?⁇⁉" for char in m.surface):
            return True
        if not is_mark(m) or m.surface in COMMAS or m.surface in "。．":
            return False
    return False


def _trails(morphemes: tuple[Morpheme, ...], place: int) -> bool:
    return (
        place < len(morphemes)
        and morphemes[place].surface[0] in "…‥."
        and (
            morphemes[place].surface != "."
            or "".join(m.surface for m in morphemes[place : place + 2]) == ".."
        )
    )


def _has_between(places: list[int], start: int, stop: int) -> bool:
    number = bisect_left(places, start)
    return number < len(places) and places[number] < stop


def _interrogates(words: _Words, start: int, stop: int) -> bool:
    """Whether a word asks: 何を食べる, but not 何か食べる and どこにもない, which ask nothing."""
    asking = [place for place in words.interrogatives if start <= place < stop]
    return any(not _is_indefinite(words.morphemes[:stop], place) for place in asking)


def _is_indefinite(morphemes: tuple[Morpheme, ...], place: int) -> bool:
    """Whether か or も behind a word like 何, its counter and case make it say "some" or "any"."""
    for m in morphemes[place + 1 : place + 2 + _REACH]:
        if m.pos == "助詞" and m.surface in ("か", "も", "でも"):
            return m.pos2 in ("副助詞", "係助詞")
        if m.pos2 not in _BETWEEN and m.pos not in ("接尾辞", "名詞"):
            return False
    return False


def _is_quoted(predicate: Predicate, morphemes: tuple[Morpheme, ...], place: int) -> bool:
    if predicate.place is not Place.SUBORDINATE or place >= len(morphemes):
        return False
    if morphemes[place].surface not in _QUOTING:
        return False
    if predicate.particles or predicate.chain[-1].c_form == "命令形":
        return True  # nothing but a quotation goes on behind 食うな or 行け with と
    following = morphemes[place + 1 : place + 2 + _REACH]
    if morphemes[place].pos2 == "接続助詞" and following and following[0].surface in COMMAS:
        return False  # そう仰いますと、返す言葉もない
    return not following or any(m.orth_base in _quotation_verbs() for m in following)


@lru_cache(maxsize=1)
def interrogatives() -> dict[str, str]:
    """何, どこ … with what stands for them and a copula in a plain question, if the rule would be odd."""
    return {word: answer for word, answer, _ in read_table("interrogatives.tsv", columns=3)}


@lru_cache(maxsize=1)
def feelings() -> frozenset[str]:
    """Adjectives of what the speaker feels: 嬉しい, 怖い."""
    return frozenset(word for word, _ in read_table("feeling_adjectives.tsv", columns=2))


@lru_cache(maxsize=1)
def _quotation_verbs() -> frozenset[str]:
    return frozenset(word for (word,) in read_table("quotation_verbs.tsv", columns=1))
