"""The text the embedded model is made from: read, clean, hold back, and phrase as chats.

Only public domain, CC BY and PSF-licensed files of the data folder are read. Every document keeps
its kind, source and licence, so that the model card can be written from the data itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = ("aozora", "wikinews", "keico", "jec", "python_docs", "vue_docs")

SENTENCE_END = re.compile(r"[^。！？!?\n]*(?:[。！？!?]+[」』）)]*|\n|$)")
POLITE_END = re.compile(
    r"(?:です|でした|でしょう|ます|ました|ません|ませんでした|ましょう|ください|下さい|"
    r"ませ|なさい|ございます|まして|まい)(?:か|ね|よ|な|わ|が|けど|けれど|から|ので|の|さ|よね|か[なしね])*"
    r"[。！？!?…‥」』）)\s]*$"
)
POLITE_ANYWHERE = re.compile(
    r"です|ます|ました|ません|でしょう|ましょう|ください|下さい|でした|ござい|まして"
)
NEWS_SOURCE = re.compile(r"『[^』]*』。?[^。『]{0,40}、?(?:19|20)\d\d年(?:\d+月)?(?:\d*日)?")
NEWS_NOISE = re.compile(
    r"ウィキニュース|ウィキペディア|最近の記事|情報源|ISBN|https?://|関連する|関連ニュース"
)
ARCHAIC = re.compile(
    r"[ゐゑ]|[だあ]つた|[かくしきじ]つた|やう[なにだ]|(?:なり|けり|たり|なりき|ける|べし)[。」]|給[ひふへ]"
)
JAPANESE = re.compile(r"[ぁ-ゖァ-ヺー一-鿿々]")


@dataclass(frozen=True)
class Document:
    """One piece of text with where it came from; `headline` only for news, `field` for KeiCO."""

    text: str
    kind: str
    source: str
    license: str
    headline: str = ""
    field: str = ""
    level: int = 0


@dataclass(frozen=True)
class Split:
    """What trains, what calibrates the trained model, what measures it, and how many near-duplicates
    of the last two were dropped from the first."""

    train: list[Document]
    calibration: list[Document]
    held_back: list[Document]
    dropped: int


# --- Japanese helpers ---------------------------------------------------------------------------


def sentences(text: str) -> list[str]:
    """Split at 。！？ outside of brackets; quotation marks stay with their sentence.

    >>> sentences("「行く。」と言った。そうか？")
    ['「行く。」と言った。', 'そうか？']
    """
    pieces = [m.group() for m in SENTENCE_END.finditer(text) if m.group().strip()]
    whole: list[str] = []
    depth = 0
    for piece in pieces:
        if depth > 0 and whole:
            whole[-1] += piece
        else:
            whole.append(piece)
        depth = max(0, depth + _opened(piece))
        if depth == 0:
            continue
    return _join_quote_tails(whole)


def _opened(piece: str) -> int:
    return sum(piece.count(c) for c in "「『（(") - sum(piece.count(c) for c in "」』）)")


def _join_quote_tails(pieces: list[str]) -> list[str]:
    """Give 「…。」 back the と that follows it."""
    joined: list[str] = []
    for piece in (p.strip() for p in pieces):
        if joined and joined[-1].endswith(("」", "』")) and re.match(r"[とをがにはもや、]", piece):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def is_polite(sentence: str) -> bool:
    """Whether the sentence ends politely (です・ます and kin)."""
    return bool(POLITE_END.search(sentence))


def polite_share(text: str) -> float:
    found = [s for s in sentences(text) if JAPANESE.search(s)]
    return sum(map(is_polite, found)) / len(found) if found else 0.0


def is_plain_reply(text: str) -> bool:
    """Whether a text can be an assistant turn: modern, plain throughout and properly ended."""
    if POLITE_ANYWHERE.search(text) or ARCHAIC.search(text):
        return False
    return text.endswith(("。", "！", "？", "」"))


# --- reading ------------------------------------------------------------------------------------


def _rows(path: Path) -> Iterator[dict]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def read_aozora(folder: Path) -> Iterator[Document]:
    """Runs of consecutive paragraphs of one work (about 500 characters each)."""
    run: list[str] = []
    title, last = "", None
    for row in _rows(folder / "aozora" / "aozora_paragraphs_clean.jsonl"):
        if last is not None and (row["title"] != title or sum(map(len, run)) > 500):
            yield Document("\n".join(run), "aozora", *last)
            run = []
        title = row["title"]
        last = (f"青空文庫: {row['title']} ({row['author']})", "Public domain")
        run.append(row["text"].strip())
    if run and last is not None:
        yield Document("\n".join(run), "aozora", *last)


def clean_news(text: str) -> str:
    """The article without the list of sources at its end."""
    found = NEWS_SOURCE.search(text)
    if found:
        text = text[: text.rfind("。", 0, found.start()) + 1]
    kept: list[str] = []
    for sentence in sentences(text):
        if NEWS_NOISE.search(sentence) or not sentence.endswith(("。", "」")):
            break
        kept.append(sentence)
    return "".join(kept)


def read_wikinews(folder: Path) -> Iterator[Document]:
    for row in _rows(folder / "news" / "ja_wikinews.jsonl"):
        text = clean_news(row["text"])
        if len(text) >= 40:
            yield Document(
                text, "wikinews", "ja.wikinews.org", row["license"], headline=row["headline"]
            )


def read_keico(folder: Path) -> Iterator[Document]:
    for row in _rows(folder / "keigo" / "keico.jsonl"):
        yield Document(
            row["text"].strip(), "keico", row["source"], row["license"],
            field=row["field"], level=row["level"],
        )  # fmt: skip


def read_jec(folder: Path) -> Iterator[Document]:
    source = "日英中基本文データ (Kyoto University)"
    lines = (folder / "sentences" / "jec_basic_ja_en.tsv").read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        text = line.split("\t")[1].strip()
        if not re.search(r"[XY]", text):
            ended = text if text.endswith(("。", "？", "！")) else text + "。"
            yield Document(ended, "jec", source, "CC BY 3.0")


def clean_restructured(segment: str) -> str:
    """A segment of the Python documentation without reST roles and link targets."""
    segment = re.sub(r":[\w:+-]+:`!?~?([^`<]*?)\s*(?:<[^>]*>)?`", r"\1", segment)
    segment = re.sub(r"`([^`<]*?)\s*<[^>]*>`_*", r"\1", segment)
    segment = re.sub(r"`{1,2}|\*\*|\|[\w-]+\|", "", segment)
    segment = re.sub(r"::$", "。", segment.strip())
    return re.sub(r"\s+", " ", segment).strip()


def clean_markdown(text: str) -> str:
    """A page of the Vue documentation without code, HTML, front matter and link targets."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    text = re.sub(r"<(script|style|div|iframe)\b.*?</\1>", "", text, flags=re.S)
    text = re.sub(r"^\s*:::.*$|^\s*\|.*$|^\[\[TOC\]\]$", "", text, flags=re.M)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\s*\{#[^}]*\}|</?[A-Za-z][^>]*>", "", text)
    text = re.sub(r"[`*]|^\s*[#>-]+\s*", "", text, flags=re.M)
    return re.sub(r"\n{2,}", "\n\n", text)


def _sections(segments: Iterable[str], size: int = 800) -> Iterator[str]:
    """Groups of neighbouring segments, without code, headings and repeated segments."""
    section: list[str] = []
    for segment in segments:
        if len(segment) >= 25 and len(JAPANESE.findall(segment)) > 0.55 * len(segment):
            section.append(segment)
        if sum(map(len, section)) > size:
            yield "\n".join(section)
            section = []
    if section:
        yield "\n".join(section)


def read_docs(folder: Path) -> Iterator[Document]:
    """Sections of the Japanese Python and Vue documentation, each segment once."""
    seen: set[str] = set()

    def fresh(segments: Iterable[str]) -> Iterator[str]:
        for segment in segments:
            if segment not in seen:
                seen.add(segment)
                yield segment

    for row in _rows(folder / "tech" / "python_docs_ja.jsonl"):
        for text in _sections(fresh(map(clean_restructured, row["text"].split("\n\n")))):
            yield Document(text, "python_docs", "python/python-docs-ja", "PSF License v2")
    for row in _rows(folder / "tech" / "vue_docs_ja.jsonl"):
        segments = (s.strip() for s in clean_markdown(row["text"]).split("\n"))
        for text in _sections(fresh(segments)):
            yield Document(text, "vue_docs", row["source"], row["license"])


def read_all(folder: Path) -> list[Document]:
    readers: tuple[Callable[[Path], Iterator[Document]], ...] = (
        read_aozora, read_wikinews, read_keico, read_jec, read_docs,
    )  # fmt: skip
    documents = [document for reader in readers for document in reader(folder)]
    unique = {(d.kind, d.text): d for d in documents}
    return list(unique.values())


# --- holding back -------------------------------------------------------------------------------


def _shingles(document: Document) -> frozenset[str]:
    text = re.sub(r"\W", "", document.text)
    n = 2 if document.kind in ("keico", "jec") else 6
    return frozenset(text[i : i + n] for i in range(max(1, len(text) - n + 1)))


def hold_back(documents: list[Document], share: float = 0.05) -> Split:
    """Hash split by document; training documents too like a held-back one are dropped.

    Half of the held-back documents only calibrate the model (one number) and are watched in the log;
    the other half is for measuring.
    """
    digests = [hashlib.sha256(document.text.encode()).digest() for document in documents]
    held, train = [], []
    for document, digest in zip(documents, digests, strict=True):
        is_held = int.from_bytes(digest[:4], "big") < share * 2**32
        (held if is_held else train).append((document, digest[4] % 2 == 0))
    duplicates = _near_duplicates([d for d, _ in train], [d for d, _ in held])
    return Split(
        train=[d for i, (d, _) in enumerate(train) if i not in duplicates],
        calibration=[d for d, is_even in held if is_even],
        held_back=[d for d, is_even in held if not is_even],
        dropped=len(duplicates),
    )


def _near_duplicates(train: list[Document], held: list[Document]) -> set[int]:
    """Training documents of which at least 40 % (sentences: 65 %) stand in a held-back one."""
    index: dict[tuple[str, str], list[int]] = defaultdict(list)
    held_shingles = [_shingles(d) for d in held]
    for number, (document, shingles) in enumerate(zip(held, held_shingles, strict=True)):
        for shingle in shingles:
            index[document.kind, shingle].append(number)
    found: set[int] = set()
    for position, document in enumerate(train):
        shingles = _shingles(document)
        overlap: dict[int, int] = defaultdict(int)
        for shingle in shingles:
            for number in index.get((document.kind, shingle), ()):
                overlap[number] += 1
        limit = 0.65 if document.kind in ("keico", "jec") else 0.4
        for number, count in overlap.items():
            if count >= limit * min(len(shingles), len(held_shingles[number])):
                found.add(position)
                break
    return found


# --- how often each text is seen ----------------------------------------------------------------


def weight(document: Document) -> float:
    """Expected number of times a document is seen in one pass: plain form above polite."""
    if document.kind == "keico":
        return 1.5 if document.level == 4 else 1.0
    if document.kind == "jec":
        return 0.9 if polite_share(document.text) else 1.5
    if document.kind == "aozora":
        archaic = len(ARCHAIC.findall(document.text)) > 1
        return 0.7 if archaic or polite_share(document.text) > 0.3 else 1.5
    return 1.0
