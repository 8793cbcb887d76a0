"""Which register a text has: by clause, by sentence and as a whole, with what decided it.

1. Every predicate group is a clause (`migaki.linguistics.predicates`). Its *style* is plain (行く, 雨だ),
   polite (行きます, 雨です, お待ちください) or である; its *register* is honorific or humble where the
   group holds such a turn (`keigo.py`), and its style otherwise.
2. A sentence has the style of its last main clause; with none, that of the coordinate clause (…が、…けど)
   or of the clause that ends it (そうだって). A polite clause beside a plain one that closes the
   sentence, and a plain main clause beside a polite one, make it mixed; 「雨だけど行きます」 is polite.
   Relative and quoted clauses and code do not decide; 「…」 and （…） do so only where they are the
   whole sentence, set phrases (おはようございます) and clauses left hanging (待って。 行ったら？) only where
   there is nothing else, polite phrases beside coordinate clauses too (遅れたので、すみません).
3. A text has the style of its sentences: plain and である together are である, polite beside either
   is mixed. It is honorific or humble where its main clauses are.
4. The keigo level, 1 to 4, weighs all turns of keigo (`level.py`).

Definitions after 「敬語の指針」 (文化審議会答申, 2007); level after the KeiCO corpus (Liu & Kobayashi,
LREC 2022).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from migaki.linguistics.analyzer import Analyzer, analyze_sentences
from migaki.linguistics.morphemes import Register, Sentence
from migaki.linguistics.predicates import Place, Predicate, predicates
from migaki.linguistics.register.clauses import clause_style, is_set_phrase, is_weak
from migaki.linguistics.register.keigo import KeigoMark, keigo_marks, keigo_turns
from migaki.linguistics.register.level import keigo_level, level_features
from migaki.linguistics.register.styles import style_of, text_style

__all__ = [
    "ClauseRegister",
    "Mark",
    "RegisterReport",
    "SentenceRegister",
    "detect",
    "detect_sentence",
    "is_code",
    "is_list_item",
    "text_register",
]

_CODE_END = re.compile(r"""['"`]\s*[)\]};,]+\s*$""")
_FENCE = "```"
_QUOTED = re.compile("「[^「」]*」[。．]?|『[^『』]*』[。．]?")
_LIST_ITEM = re.compile(r"(?:[-*+・•◦●○■□◆◇※]|\(?[0-9０-９]{1,2}[.．)）、])[ \u3000]?\S")
_LIGHT = re.compile("よう|に|[wｗ笑]+")
_KEIGO = (Register.HONORIFIC, Register.HUMBLE)
_PLAIN = (Register.PLAIN, Register.DEARU)


class Mark(NamedTuple):
    """Words that show a register: ``text[start:end]``.

    Attributes:
        start: Offset of the first character in the text.
        end: Offset after the last one.
        register: What they show.
        name: ``style`` for the ending, or the name of the turn in `keigo_patterns.tsv`.
    """

    start: int
    end: int
    register: Register
    name: str


class ClauseRegister(NamedTuple):
    """A clause, by its predicate group.

    Attributes:
        start: Offset of the predicate in the text.
        end: Offset after it and the particles behind it.
        place: Where it stands in its sentence.
        style: PLAIN, POLITE, DEARU or NONE.
        register: HONORIFIC or HUMBLE where the predicate holds such a turn, its style otherwise.
        decides: Whether the sentence follows it.
        marks: What decided style and register, in order.
    """

    start: int
    end: int
    place: Place
    style: Register
    register: Register
    decides: bool
    marks: tuple[Mark, ...]


class SentenceRegister(NamedTuple):
    """A sentence ``text[start:end]``.

    Attributes:
        start: Offset of its first character.
        end: Offset after its last one.
        style: PLAIN, POLITE, DEARU, MIXED or NONE.
        register: The same, or HONORIFIC or HUMBLE.
        weak: Nothing but a set phrase or a clause left hanging in て or たら decided it, or it is a
            plain list item, as polite texts have them; the text follows it only where there is
            nothing else.
        clauses: All its clauses.
        keigo: Its turns of keigo, and the nouns and titles that weigh on the level.
    """

    start: int
    end: int
    style: Register
    register: Register
    weak: bool
    clauses: tuple[ClauseRegister, ...]
    keigo: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class RegisterReport:
    """What is known of the register of a text.

    Attributes:
        register: Of the whole: one of `Register`.
        style: Of the whole on the one axis plain – polite: PLAIN, DEARU, POLITE, MIXED or NONE.
        level: 1 (highest honorific) to 4 (plain); None where nothing carries a register.
        sentences: Its sentences.
        features: What the level was made of: name → count (`keigo_level.tsv` has the weights).
    """

    register: Register
    style: Register
    level: int | None
    sentences: tuple[SentenceRegister, ...]
    features: Mapping[str, int]

    @property
    def clauses(self) -> tuple[ClauseRegister, ...]:
        """The clauses of all sentences."""
        return tuple(clause for sentence in self.sentences for clause in sentence.clauses)

    @property
    def deciding(self) -> tuple[Mark, ...]:
        """The marks of all clauses that decide."""
        return tuple(mark for c in self.clauses if c.decides for mark in c.marks)


def detect(text: str, *, analyzer: Analyzer | None = None) -> RegisterReport:
    """Detect the register of a text.

    Args:
        text: Any text.
        analyzer: Another analyser than the default.

    Raises:
        MissingExtraError: the analyser is not installed.

    Example:
        >>> for text in ["明日行くと言っていました。", "先生がいらっしゃいます。", "雨だ。帰ります。", "猫である。", "東京タワー"]:
        ...     report = detect(text)
        ...     print(text, report.register.value, [text[m.start : m.end] for m in report.deciding])
        明日行くと言っていました。 polite ['ました']
        先生がいらっしゃいます。 honorific ['いらっしゃい', 'ます']
        雨だ。帰ります。 mixed ['だ', 'ます']
        猫である。 dearu ['である']
        東京タワー none []
    """
    analysed = analyze_sentences(text, analyzer=analyzer)
    found = [detect_sentence(sentence) for sentence in analysed]
    features: Counter[str] = Counter()
    for sentence, told in zip(analysed, found, strict=True):
        features.update(level_features(sentence, told.keigo, told.style))
    register, style = text_register(found)
    keigo_found = any(sentence.keigo for sentence in found)
    return RegisterReport(
        register=register,
        style=style,
        level=None if register is Register.NONE and not keigo_found else keigo_level(features),
        sentences=tuple(found),
        features=features,
    )


def detect_sentence(
    sentence: Sentence, *, found: Sequence[Predicate] | None = None, style_only: bool = False
) -> SentenceRegister:
    """Detect the register of one analysed sentence.

    Args:
        sentence: A sentence of `analyze_sentences`.
        found: Its predicates, if they are known already.
        style_only: Leave out of `keigo` the single words, which weigh on the level of a text alone.
    """
    keigo = (keigo_turns if style_only else keigo_marks)(sentence.morphemes)
    clauses, weak = _clauses(sentence, keigo, found)
    if not any(clause.decides for clause in clauses) and (inner := _inside_quotes(sentence)):
        clauses, weak = _clauses(inner, keigo_turns(inner.morphemes))[0], True
    style, register = _sentence_register([c for c in clauses if c.decides])
    weak = weak or is_list_item(sentence, style)
    return SentenceRegister(
        sentence.start, sentence.end, style, register, weak, tuple(clauses),
        tuple(Mark(k.start, k.end, k.kind, k.name) for k in keigo),
    )  # fmt: skip


def _clauses(
    sentence: Sentence,
    keigo: Sequence[KeigoMark],
    found: Sequence[Predicate] | None = None,
) -> tuple[list[ClauseRegister], bool]:
    """The clauses of a sentence, and whether those that decide are weak."""
    if is_code(sentence):
        return [], True
    groups = predicates(sentence) if found is None else found
    turns = [mark for mark in keigo if mark.kind in _KEIGO]
    ends = [mark.end for mark in turns]
    clauses = []
    for group in groups:
        inside = turns[bisect_right(ends, group.start) : bisect_right(ends, group.end)]
        clauses.append(_clause(group, [] if is_set_phrase(group) else inside))
    return clauses, _decide(clauses, groups, sentence)


def is_code(sentence: Sentence) -> bool:
    """Whether it is a piece of code, which has no register."""
    return sentence.text.startswith(_FENCE) or _CODE_END.search(sentence.text) is not None


def is_list_item(sentence: Sentence, style: Register) -> bool:
    """Whether it is a plain list item, as polite texts have them."""
    return style in _PLAIN and _LIST_ITEM.match(sentence.text) is not None


def _inside_quotes(sentence: Sentence) -> Sentence | None:
    """What stands in 「…」 where that is the whole sentence, a line of dialogue."""
    text = sentence.text
    if not _QUOTED.fullmatch(text):
        return None
    end = sentence.start + len(text.rstrip("」』。．"))
    kept = tuple(m for m in sentence.morphemes if sentence.start < m.start and m.end <= end)
    return Sentence(text[1 : end - sentence.start], sentence.start + 1, kept)


def _clause(group: Predicate, turns: Sequence[KeigoMark]) -> ClauseRegister:
    style, deciding = clause_style(group)
    start = group.start
    end = (group.particles or group.chain)[-1].end
    marks = [Mark(k.start, k.end, k.kind, k.name) for k in turns]
    if deciding:
        marks.append(Mark(deciding[0].start, deciding[-1].end, style, "style"))
    register = turns[-1].kind if turns else style
    return ClauseRegister(
        min([start, *(m.start for m in marks)]), end, group.place, style, register, False,
        tuple(marks),
    )  # fmt: skip


def _decide(clauses: list[ClauseRegister], groups: Sequence[Predicate], sentence: Sentence) -> bool:
    """Mark the clauses that decide; return whether they are but set phrases."""
    told = [p for p, clause in enumerate(clauses) if clause.register is not Register.NONE]
    inner = _bracketed(sentence)
    candidates = [p for p in told if not _within(clauses[p], inner)] or told
    main = [p for p in candidates if clauses[p].place is not Place.SUBORDINATE]
    strong = [p for p in main if not is_weak(groups[p])]
    polite = any(clauses[p].style is Register.POLITE and is_set_phrase(groups[p]) for p in main)
    if polite and all(clauses[p].place is Place.COORDINATE for p in strong):
        strong = []  # 遅れたので、すみません。 The phrase is the main clause.
    chosen = strong or main
    if not chosen:
        closing = _closing(sentence)
        chosen = [p for p in candidates if clauses[p].end >= closing]
    for place in chosen:
        start, end, where, style, register, _, marks = clauses[place]
        clauses[place] = ClauseRegister(start, end, where, style, register, True, marks)
    return not strong and chosen == main


def _bracketed(sentence: Sentence) -> list[tuple[int, int]]:
    """Spans of （…）, the outermost ones."""
    spans: list[tuple[int, int]] = []
    opened: list[int] = []
    if "（" not in sentence.text and "(" not in sentence.text:
        return spans
    for m in sentence.morphemes:
        if m.surface in ("（", "("):
            opened.append(m.start)
        elif m.surface in ("）", ")") and opened:
            start = opened.pop()
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, m.end))
    return spans


def _within(clause: ClauseRegister, spans: Sequence[tuple[int, int]]) -> bool:
    place = bisect_right(spans, (clause.start, clause.end)) - 1
    return place >= 0 and spans[place][0] <= clause.start and clause.end <= spans[place][1]


def _closing(sentence: Sentence) -> int:
    """The offset from which on there are but particles and marks."""
    end = sentence.end
    for m in reversed(sentence.morphemes):
        if m.pos not in ("助詞", "補助記号", "記号") and not _LIGHT.fullmatch(m.surface):
            return m.end
        end = m.start
    return end


def _sentence_register(deciding: Sequence[ClauseRegister]) -> tuple[Register, Register]:
    """Style and register of a sentence from its deciding clauses."""
    if not deciding:
        return Register.NONE, Register.NONE
    style = style_of([(c.place, c.style) for c in deciding])
    return style, _with_keigo(style, [c.register for c in deciding])


def text_register(sentences: Sequence[SentenceRegister]) -> tuple[Register, Register]:
    """Register and style of a text, from those of its sentences.

    Args:
        sentences: What `detect_sentence` says of each.
    """
    told = [s for s in sentences if s.register is not Register.NONE]
    told = [s for s in told if not s.weak] or told
    style = text_style([s.style for s in told])
    return _with_keigo(style, [s.register for s in told]), style


def _with_keigo(style: Register, registers: Sequence[Register]) -> Register:
    """HONORIFIC or HUMBLE, whichever more parts are and the last of them in a tie; else the style."""
    keigo = [r for r in registers if r in _KEIGO]
    if style is Register.MIXED or not keigo:
        return style
    return max(reversed(keigo), key=keigo.count)
