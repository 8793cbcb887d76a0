"""Text read in the wrong encoding: what is certain is put right, nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.cleaning.mojibake import damaged_characters, repair_mojibake

TEXT = "それは春のことでした。\n東京都、大阪府\n猫は縁側で寝ていた。"


def as_cp1252(data: bytes) -> str:
    undefined = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
    return "".join(
        chr(byte) if byte in undefined else bytes([byte]).decode("cp1252") for byte in data
    )


@pytest.mark.parametrize(
    ("wrong", "mistake"),
    [
        (TEXT.encode().decode("latin-1"), "UTF-8 read as Latin-1"),
        (as_cp1252(TEXT.encode()), "UTF-8 read as Latin-1"),
        (TEXT.encode("cp932").decode("latin-1"), "CP932 read as Latin-1"),
        (as_cp1252(TEXT.encode("cp932")), "CP932 read as Latin-1"),
        (TEXT.encode("euc_jp").decode("latin-1"), "EUC-JP read as Latin-1"),
    ],
)
def test_what_lost_nothing_is_put_right(wrong: str, mistake: str) -> None:
    repair = repair_mojibake(wrong)
    assert (repair.text, repair.mistakes) == (TEXT, (mistake,))


def test_a_mistake_made_twice_is_undone_twice() -> None:
    wrong = TEXT.encode().decode("latin-1").encode().decode("latin-1")
    assert repair_mojibake(wrong).text == TEXT


@pytest.mark.parametrize("codec", ["cp932", "euc_jp"])
def test_what_lost_bytes_is_damaged_and_not_guessed(codec: str) -> None:
    wrong = TEXT.encode().decode(codec, "replace")
    assert damaged_characters(repair_mojibake(wrong).text) > len(wrong) * 0.1


@pytest.mark.parametrize(
    "text",
    [
        "繧繝縁の畳に、糸が縺れる。",
        "ｶﾀｶﾅ､ﾊﾝｶｸ｡",
        "café、naïve、Ångström、São Paulo、ã",
        "罐詰と紂王と磧",
        "¤100 と £5 と ¥300",
        "",
    ],
)
def test_rare_characters_are_left_alone(text: str) -> None:
    assert repair_mojibake(text).text == text
    assert damaged_characters(text) == 0


@given(st.text(st.characters(exclude_categories=()), max_size=100))
def test_a_repair_never_breaks(text: str) -> None:
    repair = repair_mojibake(text)
    assert bool(repair.lines) == (repair.text != text)
    assert damaged_characters(text) >= 0


@pytest.mark.parametrize("name", ["wiki/jaquad_wiki_articles.jsonl", "aozora/aozora_paragraphs_clean.jsonl"])  # fmt: skip
def test_good_text_stays_as_it_is(shared_data: object, name: str) -> None:
    import json
    from pathlib import Path

    rows = (Path(str(shared_data)) / name).read_text("utf-8").splitlines()[:300]
    for row in rows:
        text = json.loads(row)["text"]
        assert repair_mojibake(text).text == text
        assert damaged_characters(text) == 0
