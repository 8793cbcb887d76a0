"""Good text made into the bad text that the web has, to see what cleaning does to it.

Curated text has little to reject. Each kind of noise here is one thing that goes wrong on pages: the text of
a real document is taken and its surroundings, its encoding or its wording spoilt, by a random number
generator that the document's id seeds. What should become of it is part of the kind.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Expected = Literal["kept", "mended", "rejected"]

NAVIGATION = """\
ホーム
会社概要
サービス一覧
採用情報
お知らせ
アクセス
お問い合わせ
サイトマップ
ログイン
新規会員登録
よくある質問
カテゴリー
人気記事
最新の記事
スタッフブログ
店舗一覧
ランキング
特集
イベント情報
プレスリリース
""".splitlines()
FOOTERS = """\
前の記事 | 次の記事
関連記事
コメントを残す
この記事をシェアする
Copyright (C) 2019 サンプル All Rights Reserved.
当サイトの記事・写真の無断転載を禁じます。
プライバシーポリシー | 利用規約 | 特定商取引法に基づく表記
▲ページトップへ戻る
Powered by SampleCMS
メールアドレスが公開されることはありません。
いいね！ ツイート はてなブックマーク
タグ： 日記 旅行
""".splitlines()
SHOP = """\
送料無料でお届けします！
今だけポイント10倍！
在庫あり、即日発送いたします。
お気軽にお問い合わせください。
数量限定、売り切れ御免の大特価！
お申し込みはこちらから。
商品番号：AB-1234 通常価格 4,980円(税込)
満足度No.1の人気商品です。
カートに入れる
レビューを書いて割引クーポンをもらおう！
全額返金保証つきで安心。
新品未使用、高価買取もおまかせ。
期間限定セール開催中、お見逃しなく。
お買い得な特別価格でご提供。
""".splitlines()


@dataclass(frozen=True)
class Noise:
    """One way to spoil a text."""

    name: str
    expected: Expected
    spoil: Callable[[str, random.Random], str]


def _page(text: str, rng: random.Random) -> str:
    top, bottom = rng.sample(NAVIGATION, 3), rng.sample(FOOTERS, 4)
    return "\n".join(["ホーム > " + " > ".join(top), text, *bottom])


def _link_list(text: str, rng: random.Random) -> str:
    titles = [sentence[:18] for sentence in _sentences(text)[:8]]
    return "\n".join(rng.sample(NAVIGATION + FOOTERS, 18) + titles)


def _teasers(text: str, rng: random.Random) -> str:
    return "\n".join(f"{s[: rng.randint(18, 30)]}…" for s in _sentences(text)[:25])


def _shop(text: str, rng: random.Random) -> str:
    lines = _sentences(text)[:6] + rng.sample(SHOP, 9)
    rng.shuffle(lines)
    return "\n".join(lines)


def _one_advert(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(SHOP))
    return "\n".join(lines)


def _repeated(text: str, rng: random.Random) -> str:
    part = "".join(_sentences(text)[:5])
    return "\n".join([part] * rng.randint(3, 6))


def _spaced(text: str, rng: random.Random) -> str:
    return re.sub(
        r"(?<=[ぁ-ん])(?=[一-鿿ァ-ヶ])|(?<=[一-鿿ァ-ヶ])(?=[ぁ-ん])|(?=[。、])", " ", text
    )


def _english(text: str, rng: random.Random) -> str:
    english = (
        "The committee met on Tuesday to discuss the annual report and to elect its officers. "
        "Members who were not able to attend may send their comments to the secretary by mail. "
    )
    return english * rng.randint(4, 8) + text[:60]


def _chinese(text: str, rng: random.Random) -> str:
    chinese = (
        "这个问题的关键在于我们怎样认识历史发展的过程。许多学者认为，经济的变化会对社会产生很大的影响，"
        "但是也有人说这种观点过于简单。为了说明这个问题，我们对几个国家进行了调查，并且把结果写成了报告。"
    )
    return chinese * rng.randint(3, 6) + text[:80]


def _flood(text: str, rng: random.Random) -> str:
    return text[:200] + rng.choice("ｗ笑！─★") * rng.randint(220, 400) + text[200:400]


def _lost_bytes(codec: str) -> Callable[[str, random.Random], str]:
    return lambda text, rng: text.encode().decode(codec, "replace")


def _legacy_as_utf8(text: str, rng: random.Random) -> str:
    return text.encode("cp932", "ignore").decode("utf-8", "replace")


def _latin(codec: str) -> Callable[[str, random.Random], str]:
    return lambda text, rng: text.encode(codec, "ignore").decode("latin-1")


def _half_width(text: str, rng: random.Random) -> str:
    wide = dict(
        zip(
            map(ord, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ",
            strict=True,
        )
    )
    return text.translate(wide).replace("、", "，")


NOISES = (
    Noise("page", "mended", _page),
    Noise("one advert", "kept", _one_advert),
    Noise("UTF-8 read as Latin-1", "mended", _latin("utf-8")),
    Noise("CP932 read as Latin-1", "mended", _latin("cp932")),
    Noise("EUC-JP read as Latin-1", "mended", _latin("euc_jp")),
    Noise("full width, commas", "mended", _half_width),
    Noise("UTF-8 read as CP932", "rejected", _lost_bytes("cp932")),
    Noise("UTF-8 read as EUC-JP", "rejected", _lost_bytes("euc_jp")),
    Noise("CP932 read as UTF-8", "rejected", _legacy_as_utf8),
    Noise("link list", "rejected", _link_list),
    Noise("teasers", "rejected", _teasers),
    Noise("shop", "rejected", _shop),
    Noise("repeated", "rejected", _repeated),
    Noise("spaced words", "rejected", _spaced),
    Noise("English page", "rejected", _english),
    Noise("Chinese page", "rejected", _chinese),
    Noise("flood", "rejected", _flood),
)


def noise(name: str) -> Noise:
    """The noise of a name."""
    return next(one for one in NOISES if one.name == name)


def spoil(text: str, id: str, one: Noise) -> str:
    """The text with one noise, always the same for an id."""
    return one.spoil(text, random.Random(f"{id} {one.name}"))


def _sentences(text: str) -> list[str]:
    return [s.strip() for s in re.findall(r"[^。\n]+。?", text) if len(s.strip()) > 5]
