"""Historical and modern kana, measured."""

from __future__ import annotations

import pytest

from migaki.corpus.aozora import Orthography, orthography_of

HISTORICAL = (
    "さう云ふわけでゐるのだらうと思ひながら、彼は笑つて答へた。やうやく日が暮れかかつてきた。"
)
MODERN = "そういうわけでいるのだろうと思いながら、彼は笑って答えた。ようやく日が暮れかかってきた。"
# What looks historical and is not: 洗う, 習う, もらう, 家風.
TREACHEROUS = (
    "皿をあらう。歌をならい、ほめてもらう。わが家のかふうをまもろうと、まふゆの庭をはらう。"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HISTORICAL * 20, Orthography.HISTORICAL),
        (MODERN * 20, Orthography.MODERN),
        (TREACHEROUS * 20, Orthography.MODERN),
        (HISTORICAL, Orthography.UNKNOWN),
        ("", Orthography.UNKNOWN),
    ],
)
def test_the_spelling_is_told(text: str, expected: Orthography) -> None:
    assert orthography_of(text) is expected
