"""Sample documents: distinct, in one register, of words that the analyser knows, the same by seed."""

from __future__ import annotations

import json
import random
import re
from itertools import islice, pairwise
from pathlib import Path

import pytest

from migaki.corpus.documents import Document
from migaki.corpus.synthetic import (
    DOMAINS,
    Domain,
    sample_documents,
    sample_reader,
    write_sample_documents,
)
from migaki.corpus.synthetic import documents as documents_module
from migaki.corpus.synthetic.plans import Move, Scene, Step, scenes_of
from migaki.corpus.synthetic.wording import Wording
from migaki.errors import UsageError
from migaki.linguistics.analyzer import analyze
from migaki.linguistics.morphemes import Register
from migaki.linguistics.register import detect
from migaki.linguistics.sentences import sentence_spans

SPEAKER = re.compile(r"^[^：\n]{1,6}：", re.MULTILINE)
CODE = re.compile(r"`[^`]*`")
NO_WORD_OF_A_DICTIONARY = re.compile(r"[0-9A-Za-z.]+")
SCENES = [scene for domain in DOMAINS for scene in scenes_of(domain)]


def made(domain: Domain, count: int, seed: int = 7) -> list[Document]:
    return list(sample_documents(domain, count=count, seed=seed))


def prose(document: Document) -> str:
    """The text without the names of speakers and code, which have no register."""
    return CODE.sub("", SPEAKER.sub("", document.text))


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return [document for domain in DOMAINS for document in made(domain, 1000)]


def test_there_are_thousands_and_no_two_are_equal(documents: list[Document]) -> None:
    assert len({document.text for document in documents}) == len(documents) >= 5000
    assert len({document.id for document in documents}) == len(documents)


def test_each_says_that_it_is_made_up(documents: list[Document]) -> None:
    for document in documents:
        assert document.source == f"synthetic-{document.metadata['domain']}"
        assert document.id.startswith("synthetic-")
        assert document.metadata["synthetic"] is True
        assert document.licence == "CC0-1.0"


def test_each_has_two_to_six_sentences_or_turns(documents: list[Document]) -> None:
    for document in documents:
        is_dialogue = document.metadata["domain"] == "dialogue"
        parts = document.text.split("\n") if is_dialogue else sentence_spans(document.text)
        assert 2 <= len(list(parts)) <= 6, document.text


@pytest.mark.parametrize("domain", DOMAINS)
def test_each_keeps_its_register(domain: Domain) -> None:
    for document in made(domain, 300, seed=11):
        found = detect(prose(document)).register
        asked = document.metadata["register"]
        allowed = (
            {asked, "plain"} if asked == "dearu" else {asked}
        )  # である stands behind nouns only
        assert found in allowed, document.text


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_analyser_knows_every_word(domain: Domain) -> None:
    for document in made(domain, 300, seed=12):
        unknown = {m.surface for m in analyze(prose(document)) if not m.known}
        assert not {word for word in unknown if not NO_WORD_OF_A_DICTIONARY.fullmatch(word)}


def test_nothing_of_the_notation_is_left(documents: list[Document]) -> None:
    for document in documents:
        assert not re.search(r"[{}=?/]|。。|、、|、。", document.text), document.text


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_seed_fixes_the_texts(domain: Domain) -> None:
    assert made(domain, 40, seed=3) == made(domain, 40, seed=3)
    assert made(domain, 40, seed=3) != made(domain, 40, seed=4)
    assert made(domain, 40, seed=3) == list(islice(sample_documents(domain, count=400, seed=3), 40))


@pytest.mark.parametrize("domain", DOMAINS)
def test_all_scenes_take_turns(domain: Domain) -> None:
    scenes = scenes_of(domain)
    first = made(domain, len(scenes), seed=5)
    assert {document.metadata["scene"] for document in first} == {scene.name for scene in scenes}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
@pytest.mark.parametrize("with_optional", [True, False])
def test_every_wording_can_be_written_in_every_register(scene: Scene, with_optional: bool) -> None:
    moves = [move for move in scene.moves if with_optional or not move.is_optional]
    for move in moves:
        assert len({len(step.wordings) for step in move.steps}) == 1, "an answer for each question"
    for register in scene.registers:
        for choice in range(4):
            wording = Wording(random.Random(choice), register)
            for move in moves:
                for step in move.steps:
                    # Numbers that a later step reckons with must not hang on one wording.
                    text = wording.fill(step.wordings[choice % len(step.wordings)])
                    assert text
                    assert "{" not in text


def test_a_dialogue_answers_what_was_asked() -> None:
    for document in made("dialogue", 400):
        turns = document.text.split("\n")
        for asked, said in pairwise(turns):
            if asked.endswith("何ページくらいですか。"):
                assert "ページ" in said
            if asked.endswith("参加するのは何人ですか。"):
                assert "人" in said


def test_unknown_domains_are_refused() -> None:
    with pytest.raises(UsageError, match="Valid: encyclopaedia"):
        made("poems", 1)  # type: ignore[arg-type]


def test_more_texts_than_the_scenes_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        Step((f"{time}は雨{{だった}}。", f"{time}は雪{{だった}}。"), "") for time in ("朝", "昼")
    ]
    scene = Scene("rain", "news", (Register.PLAIN,), tuple(Move((s,), False) for s in steps))
    monkeypatch.setattr(documents_module, "scenes_of", lambda domain: (scene,))
    assert len({document.text for document in made("news", 4)}) == 4
    with pytest.raises(UsageError, match="about 4 distinct"):
        made("news", 5)


def test_files_are_named_for_what_they_are(tmp_path: Path) -> None:
    files = write_sample_documents(tmp_path / "new", count=5, seed=1, domains=["news", "dialogue"])
    assert [file.name for file in files] == ["synthetic-news.jsonl", "synthetic-dialogue.jsonl"]
    rows = [json.loads(line) for line in files[0].read_text("utf-8").splitlines()]
    assert len(rows) == 5
    assert all(row["synthetic"] and row["license"] == "CC0-1.0" for row in rows)
    again = files[0].read_bytes()
    write_sample_documents(tmp_path / "new", count=5, seed=1, domains=["news"])
    assert files[0].read_bytes() == again


def test_sources_of_one_kind_get_different_samples() -> None:
    readers = [reader for name in ("cc100", "oscar", "web") if (reader := sample_reader(name))]
    texts = [
        [item.text for item in reader.documents(reader.shards()[0]) if isinstance(item, Document)]
        for reader in readers
    ]
    assert [len(each) for each in texts] == [1000, 1000, 1000]
    assert len({text for each in texts for text in each}) == 3000
    first = next(readers[0].documents(readers[0].shards()[0]))
    assert isinstance(first, Document)
    assert first.source == readers[0].name == "synthetic-cc100"


@pytest.mark.parametrize(
    ("register", "expected"),
    [
        (Register.POLITE, "雨でした。店は開いていません。客が増えました。急いで行きたいです。"),
        (Register.PLAIN, "雨だった。店は開いていない。客が増えた。急いで行きたい。"),
        (Register.DEARU, "雨であった。店は開いていない。客が増えた。急いで行きたい。"),
    ],
)
def test_what_ends_a_sentence_agrees_with_the_register(register: Register, expected: str) -> None:
    wording = Wording(random.Random(0), register)
    assert (
        wording.fill("雨{だった}。店は開いて{いる:ない}。客が{増える:た}。急いで{行く:たい}。")
        == expected
    )


def test_words_rows_and_numbers_stay_the_same_in_a_text() -> None:
    wording = Wording(random.Random(2), Register.POLITE)
    first = wording.fill("{towns.name}の{river}、{n=3..9}、{m=n*10}、{k=20000..20000}")
    assert wording.fill("{towns.name}の{river}、{n}、{m}、{k}") == first
    assert first.endswith("2万")
    assert wording.fill("{river2}") != wording.fill("{river}")
    number = int(wording.fill("{n}"))
    assert wording.fill("{m}") == str(number * 10)


@pytest.mark.parametrize(
    "broken", ["{nothing}", "{towns.colour}", "{開く:だら}", "{no_table.name}"]
)
def test_a_broken_table_is_said(broken: str) -> None:
    with pytest.raises(ValueError, match="no "):
        Wording(random.Random(0), Register.PLAIN).fill(broken)
