"""Conjugation against J-UniMorph, against the inflected forms of UD GSD, and against all of UniDic.

    python benchmarks/language_conjugation.py [--data ../shared/data] [--misses 40] [--half report|development]

Each set is cut in two by a hash (J-UniMorph by lemma, the others by row or word); rules were written with
the development half in view, and the misses of the report half are shown only when asked for.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from halves import HALVES, half_of

from migaki.linguistics.conjugation import (
    Form,
    NotInflectableError,
    conjugated,
    inflections,
    is_marked,
    words,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))


class Answer(NamedTuple):
    """One cell: what was asked, what is right, what came, and why it does not count if so."""

    key: str
    asked: str
    right: str
    given: tuple[str, ...]
    masked: str = ""
    marked: tuple[str, ...] = ()  # those of `given` that are marked rare or faulted

    @property
    def found(self) -> bool:
        """Whether the right form is among those given."""
        return self.right in self.given

    @property
    def unmarked(self) -> bool:
        """Whether it is among those given without a mark."""
        return self.found and self.right not in self.marked


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


# --- J-UniMorph ---------------------------------------------------------------------------------

DERIVATIONS = (
    ({"CAUS", "PASS"}, Form.CAUSATIVE_PASSIVE),
    ({"CAUS"}, Form.CAUSATIVE),
    ({"PASS"}, Form.PASSIVE),
    ({"POT"}, Form.POTENTIAL),
    ({"OPT", "1"}, Form.DESIDERATIVE),
    ({"OPT", "3"}, Form.DESIDERATIVE_OTHERS),
)


def chain_of(tags: set[str]) -> list[Form]:
    """The chain of forms that a bundle of features names."""
    chain = []
    if "HUMB" in tags:
        chain.append(Form.HUMBLE)
    elif "FORM" in tags and tags != {"V", "FORM", "IMP", "POL"}:  # お書きください is a request
        chain.append(Form.HONORIFIC)
    elif "ELEV" in tags:  # without FORM the honorific passive: 書かれる
        chain.append(Form.PASSIVE)
    for features, form in DERIVATIONS:
        if features <= tags:
            chain.append(form)
            break
    chain.append(ending_of(tags))
    return chain


def ending_of(tags: set[str]) -> Form:
    if "IMP" in tags:
        return Form.IMPERATIVE if "OBLIG" in tags else Form.REQUEST
    if "INTEN" in tags:
        return Form.VOLITIONAL
    return Form.CONJECTURE if "PROSP" in tags else Form.PLAIN


def wrong_in_unimorph(lemma: str, form: str) -> str:
    """Why a row of J-UniMorph is not Japanese; empty where it is.

    The generator behind it took ない, the negative of ある, for a stem: れる, せる, される as its passive
    and causative.
    """
    if lemma == "ある" and form.startswith(("れ", "せ", "さ", "し", "す")):
        return "ある without its stem (れる, せる, される)"
    if lemma == "出来る" and form.startswith("出来られ"):
        return "出来られる: できる has neither potential nor passive"
    if lemma.endswith("す") and form.startswith(f"{lemma[:-1]}ささ"):
        return "返さされる: verbs in す do not contract the causative passive (返させられる)"
    return ""


def unimorph(path: Path, *, keigo: bool) -> Iterator[Answer]:
    """Cells of J-UniMorph: those of the word itself, or (``keigo``) of the honorific and humble verbs
    that stand for it, which it tags FORM: お書きになる, 拝見する.
    """
    for row in rows(path):
        if keigo != ("FORM" in row["features"].split(";")):
            continue
        lemma, right, features = row["lemma"], row["form"], row["features"]
        tags = set(features.split(";"))
        negative = "NEG" in tags
        try:
            forms = conjugated(
                words(lemma)[0],
                chain_of(tags),
                polite="POL" in tags,
                past="PST" in tags,
                negative=negative,
            )
        except NotInflectableError:
            forms = ()
        # いただく and 頂く are one answer: the spelling in kana counts too.
        texts = [right if form.reading == right else form.text for form in forms]
        # One text may be given with a mark and without: then it has none.
        plain = {text for text, form in zip(texts, forms, strict=True) if not is_marked(form.style)}
        marked = tuple(text for text in texts if text not in plain)
        masked = wrong_in_unimorph(lemma, right)
        yield Answer(lemma, features, right, tuple(texts), masked, marked)


# --- UD Japanese-GSD ----------------------------------------------------------------------------


def ud_forms(path: Path) -> Iterator[Answer]:
    """Attested surfaces: right is, whatever form of its class the surface is."""
    from migaki.linguistics.conjugation import c_forms

    for row in rows(path):
        base, surface = row["base_form"], row["surface"]
        c_type = ud_class(row["xpos_with_conj_class"])
        every = [made for form in c_forms(c_type) for made in (_or_nothing(base, c_type, form))]
        key = "\t".join(row.values())
        yield Answer(key, f"{base} {c_type}", surface, tuple(dict.fromkeys(every)))


def ud_class(xpos: str) -> str:
    """動詞-一般-五段-サ行 → 五段-サ行; 助動詞-助動詞-タ → 助動詞-タ; 形容詞-一般-形容詞 → 形容詞."""
    parts = xpos.split("-")
    for start in range(len(parts)):
        c_type = "-".join(parts[start:])
        from migaki.linguistics.conjugation import c_forms

        if c_forms(c_type):
            return c_type
    return parts[-1]


def _or_nothing(base: str, c_type: str, form: str) -> tuple[str, ...]:
    try:
        return inflections(base, c_type, form)
    except NotInflectableError:
        return ()


# --- UniDic -------------------------------------------------------------------------------------


def unidic() -> Iterator[Answer]:
    """Every cell of every modern paradigm: is our first answer one of UniDic's surfaces?"""
    import unidic_lite
    from derive_conjugation_tables import paradigms, read_entries

    for word in paradigms(read_entries(Path(unidic_lite.DICDIR) / "sys.dic")):
        if word.c_type.startswith("文語"):
            continue
        for c_form, surfaces in word.forms.items():
            best = _or_nothing(word.orth_base, word.c_type, c_form)[:1]
            right = (
                best[0] if best and best[0] in surfaces else min(surfaces, key=surfaces.__getitem__)
            )
            asked = f"{word.orth_base} {word.c_type} {c_form}"
            why = slip(word.orth_base, word.c_type)
            yield Answer(f"{word.orth_base}\t{word.c_type}", asked, right, best, why)


def slip(orth_base: str, c_type: str) -> str:
    """Why a paradigm of UniDic is a slip of the dictionary; empty where it is none."""
    godan = c_type.startswith("五段-") and c_type != "五段-ラ行"
    if godan and orth_base.endswith("る"):
        return "a word in る under another row of 五段 (引き裂ける as 五段-カ行)"
    return ""


# --- report -------------------------------------------------------------------------------------


def report(name: str, answers: Iterable[Answer], options: argparse.Namespace) -> None:
    split: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        split[half_of(answer.key)].append(answer)
    for which in HALVES:
        counted = [a for a in split[which] if not a.masked]
        masked = Counter(a.masked for a in split[which] if a.masked)
        found = sum(a.found for a in counted)
        unmarked = sum(a.unmarked for a in counted)
        every = sum(a.found for a in split[which])
        print(
            f"| {name} | {which} | {len({a.key for a in counted})} | {len(counted)} | {found} "
            f"| {found / len(counted):.3%} | {unmarked / len(counted):.3%} "
            f"| {sum(masked.values())} | {every / len(split[which]):.3%} |"
        )
        if name.startswith("unimorph"):
            print(f"    first answer among the right ones: {first_answers(counted):.2%} of cells")
            kinds = Counter(kind_of(a) for a in counted if not a.found)
            print(f"    missing by kind of form: {dict(kinds.most_common())}")
        if options.half == which:
            for reason, number in masked.items():
                print(f"    masked {number}: {reason}")
            misses = [a for a in counted if not a.found]
            for miss in misses[: options.misses]:
                print(f"    {miss.asked}: right {miss.right}, given {' '.join(miss.given[:4])}")


def kind_of(answer: Answer) -> str:
    """The derivation or mood of a cell of J-UniMorph; no form of the report half shows in a sum of these."""
    kinds = {
        "POT": "potential",
        "PASS": "passive",
        "CAUS": "causative",
        "OPT": "wish",
        "IMP": "order",
    }
    return next((kinds[tag] for tag in answer.asked.split(";") if tag in kinds), "other")


def first_answers(answers: list[Answer]) -> float:
    """Share of (word, features) whose first answer is one of the right ones."""
    cells: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        cells[answer.key, answer.asked].append(answer)
    right = [any(a.right == a.given[0] for a in cell if a.given) for cell in cells.values()]
    return sum(right) / len(right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--half", choices=HALVES, help="list the misses of this half")
    parser.add_argument("--misses", type=int, default=40, help="list so many")
    parser.add_argument("--sets", default="unimorph,unimorph-keigo,ud,unidic", help="which sets")
    options = parser.parse_args()
    folder = options.data / "conj"
    sets = {
        "unimorph": lambda: unimorph(folder / "unimorph_jpn.tsv", keigo=False),
        "unimorph-keigo": lambda: unimorph(folder / "unimorph_jpn.tsv", keigo=True),
        "ud": lambda: ud_forms(folder / "ud_gsd_dev_inflected_forms.tsv"),
        "unidic": unidic,
    }
    print(
        "| set | half | words | cells | right | right, % | without marked forms, % | masked "
        "| right, %, masked rows counted |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for name in options.sets.split(","):
        report(name, sets[name](), options)


if __name__ == "__main__":
    main()
