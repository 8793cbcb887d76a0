"""Word lists: where they come from, and that parts of other words are no hits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.cleaning.measures import Measures
from migaki.corpus.cleaning.word_lists import WordMatcher, read_words
from migaki.errors import ConfigError

WORDS = st.text(st.sampled_from("あい広告.|("), min_size=1, max_size=4)


@given(
    st.lists(WORDS, min_size=1, max_size=8), st.text(st.sampled_from("あい広告.|("), max_size=40)
)
def test_what_is_found_is_what_a_plain_alternation_finds(words: list[str], text: str) -> None:
    longest_first = sorted(set(words), key=len, reverse=True)
    expected = re.findall("|".join(map(re.escape, longest_first)), text)
    assert sorted(WordMatcher(words).find(Measures(text)).elements()) == sorted(expected)


@given(
    st.lists(WORDS.filter(lambda word: len(word) > 1), min_size=1, max_size=8),
    st.text(st.sampled_from("あい広告.|("), max_size=40),
)
def test_long_texts_are_searched_with_the_same_result(words: list[str], text: str) -> None:
    long = text * 40 + "。" * 400
    longest_first = sorted(set(words), key=len, reverse=True)
    expected = re.findall("|".join(map(re.escape, longest_first)), long)
    assert sorted(WordMatcher(words).find(Measures(long)).elements()) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("アスパラガス", 0),
        ("アスとアス", 2),
        ("カタカナアス", 0),
        ("SEXと言う", 1),
        ("Essexの町", 0),
        ("広告掲載", 1),
    ],
)
def test_katakana_and_latin_words_stand_alone(text: str, found: int) -> None:
    assert WordMatcher(["アス", "sex", "広告"]).find(Measures(text)).total() == found


def test_a_list_of_the_user_is_read(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# note\n禁句\nも\n\n語句\tremark\n", encoding="utf-8")
    assert read_words(str(path)) == ("禁句", "語句")


def test_hojichars_lists_are_read_where_they_are() -> None:
    assert len(read_words("hojichar:adult_keywords_ja")) > 1000
    assert not any("TEST" in word for word in read_words("hojichar:discrimination_keywords_ja"))


@pytest.mark.parametrize("name", ["migaki:advert", "hojichar:../../secrets", "/no/such/file"])
def test_a_list_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(ConfigError, match="no word list"):
        read_words(name)


def test_a_list_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("禁句".encode("cp932"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_words(str(path))
