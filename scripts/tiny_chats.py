"""Chats phrased from the training text: varied user turns, answers always in plain form.

The answers are sentences of the licensed text, word for word; only the user turns are written here.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

from tiny_corpus import Document, is_plain_reply, sentences

Message = dict[str, str]
Chat = list[Message]

SYSTEM = (
    "あなたは日本語で答えるアシスタントです。",
    "あなたは親切な日本語のアシスタントです。",
    "短く答えてください。",
    "質問に日本語で簡潔に答えてください。",
    "聞かれたことに一文か二文で答える。",
    "常体で答える。",
)
HEADLINE = (
    "「{}」という見出しで記事を書いて",
    "「{}」という見出しの記事を書いてください。",
    "次の見出しで短い記事を書いてください。\n{}",
    "「{}」というニュースについて教えてください。",
    "「{}」とはどういうことですか？",
    "「{}」について説明してください。",
    "「{}」って何の話？",
    "{}。これはどんなニュースですか。",
    "見出し：{}\n本文：",
)
TOPIC = (
    "{}とは何ですか？",
    "{}って何？",
    "{}について教えてください。",
    "{}について教えて",
    "{}について説明してください。",
    "{}について一文で書いて",
    "{}はどうですか？",
    "{}はどうなりましたか？",
    "{}はどうした？",
    "{}のことを話してください。",
    "{}について何か言って",
    "{}について知りたいです。",
    "{}についてどう思いますか？",
    "{}を紹介してください。",
)
CONTINUE = (
    "続きを書いて\n{}",
    "次の文の続きを書いてください。\n{}",
    "{}\nこの続きは？",
    "「{}」に続く文を書いてください。",
    "この話の続きをお願いします。\n{}",
)
COMPLETE = (
    "「{}」で始まる文を書いて",
    "「{}」から始まる文を作ってください。",
    "次の文を最後まで書いてください。\n{}",
    "文を完成させて\n{}",
)
WORD = (
    "「{}」という言葉を使って文を書いて",
    "「{}」を使った文を一つ作ってください。",
    "「{}」を入れて短い文を書いてください。",
    "{}という言葉で例文を作って",
    "{}の例文をください。",
)
TALK = (
    "{}について何か話してください。",
    "{}の場面で使う言葉を一つ教えてください。",
    "{}のときは何と言いますか？",
    "友達に{}のことで何と言う？",
    "{}に関する会話文を書いて",
    "{}についてひとこと",
)
CASUAL = (
    "くだけた言い方にしてください。\n{}",
    "次の文を友達に言うように直して\n{}",
    "「{}」をふつうの言い方で言うと？",
    "常体に直してください：{}",
)
WHEN_WHERE = (
    "いつのことですか？",
    "それからどうなりましたか？",
    "もう少し詳しく教えてください。",
    "ほかには？",
    "続きを聞かせてください。",
    "それで？",
    "なるほど。次は？",
)
TOPIC_OPENING = re.compile(r"^([^、。「」『』（）()]{2,16}?)は、?(?=.{6,})")
TOPIC_SKIP = re.compile(
    r"^(これ|それ|あれ|この|その|あの|ここ|そこ|彼|同|今回|また|なお|しかし|だが|実|私|僕|ぼく|おれ|俺|とき|もの)"
    r"|(?:に|で|と|から|まで|より|て|には|では|とは)$|によると|については"
)
WORD_IN = re.compile(r"[ァ-ヺー]{3,10}|[一-鿿々]{2,5}")


def _pair(user: str, answer: str) -> Chat:
    return [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]


class ChatMaker:
    """Draws chats at random from the documents of one split.

    Args:
        documents: the split's documents.
    """

    def __init__(self, documents: list[Document]) -> None:
        self.news = [
            (d.headline, s)
            for d in documents
            if d.kind == "wikinews" and (s := _plain_sentences(d.text))
        ]
        self.story = [s for d in documents if d.kind == "aozora" and len(s := _lines(d.text)) >= 2]
        self.plain = [
            s
            for d in documents
            if d.kind in ("aozora", "wikinews", "jec") or d.level == 4
            for s in _plain_sentences(d.text)
            if 8 <= len(s) <= 120
        ]
        self.short = [
            d for d in documents if d.level == 4 and is_plain_reply(d.text) and len(d.text) >= 5
        ]
        self.topics = [
            (m.group(1), s)
            for s in self.plain
            if (m := TOPIC_OPENING.match(s)) and not TOPIC_SKIP.search(m.group(1))
        ]
        self.dialogue = _quoted_exchanges(documents)
        self.rewrites = _register_pairs(documents)
        self.families: list[tuple[float, Callable[[random.Random], Chat | None]]] = [
            (0.14, self._from_headline),
            (0.22, self._from_topic),
            (0.14, self._continuation),
            (0.08, self._completion),
            (0.15, self._from_word),
            (0.09, self._small_talk),
            (0.07, self._rewrite),
            (0.11, self._exchange),
        ]

    def draw(self, rng: random.Random) -> Chat:
        """One chat: one turn, or now and then several, with or without a system message."""
        weights = [w for w, _ in self.families]
        chat: Chat = []
        turns = rng.choices((1, 2, 3), (0.8, 0.15, 0.05))[0]
        while len(chat) < 2 * turns:
            family = rng.choices(self.families, weights)[0][1]
            made = family(rng)
            if made:
                chat.extend(made)
        if rng.random() < 0.15:
            chat.insert(0, {"role": "system", "content": rng.choice(SYSTEM)})
        return chat

    def _from_headline(self, rng: random.Random) -> Chat | None:
        headline, found = rng.choice(self.news)
        count = rng.choices((1, 2, 3), (0.5, 0.3, 0.2))[0]
        chat = _pair(rng.choice(HEADLINE).format(headline), "".join(found[:count]))
        if count < len(found) and rng.random() < 0.15:
            chat += _pair(rng.choice(WHEN_WHERE), found[count])
        return chat if len(chat[1]["content"]) <= 320 else None

    def _from_topic(self, rng: random.Random) -> Chat | None:
        topic, sentence = rng.choice(self.topics)
        return _pair(rng.choice(TOPIC).format(topic), sentence)

    def _continuation(self, rng: random.Random) -> Chat | None:
        found = rng.choice(self.story) if rng.random() < 0.65 else rng.choice(self.news)[1]
        if len(found) < 2:
            return None
        start = rng.randrange(len(found) - 1)
        answer = "".join(found[start + 1 : start + 1 + rng.choice((1, 1, 2))])
        if not is_plain_reply(answer) or len(answer) > 240 or len(answer) < 5:
            return None
        return _pair(rng.choice(CONTINUE).format(found[start]), answer)

    def _completion(self, rng: random.Random) -> Chat | None:
        sentence = rng.choice(self.plain)
        cut = rng.randrange(3, max(4, min(len(sentence) - 3, 15)))
        return _pair(rng.choice(COMPLETE).format(sentence[:cut]), sentence)

    def _from_word(self, rng: random.Random) -> Chat | None:
        sentence = rng.choice(self.plain)
        words = WORD_IN.findall(sentence)
        if not words:
            return None
        return _pair(rng.choice(WORD).format(rng.choice(words)), sentence)

    def _small_talk(self, rng: random.Random) -> Chat | None:
        document = rng.choice(self.short)
        return _pair(rng.choice(TALK).format(document.field), document.text)

    def _rewrite(self, rng: random.Random) -> Chat | None:
        if not self.rewrites:
            return None
        polite, plain = rng.choice(self.rewrites)
        return _pair(rng.choice(CASUAL).format(polite) if rng.random() < 0.7 else polite, plain)

    def _exchange(self, rng: random.Random) -> Chat | None:
        if not self.dialogue:
            return None
        return _pair(*rng.choice(self.dialogue))


def _plain_sentences(text: str) -> list[str]:
    return [s for line in text.split("\n") for s in sentences(line) if is_plain_reply(s)]


def _lines(text: str) -> list[str]:
    return [s for line in text.split("\n") for s in sentences(line) if 4 <= len(s) <= 150]


def _quoted_exchanges(documents: list[Document]) -> list[tuple[str, str]]:
    """Quotations on successive lines of a story: somebody speaks, somebody answers plainly."""
    found = []
    for document in documents:
        lines = document.text.split("\n") if document.kind == "aozora" else []
        for first, second in pairwise(lines):
            asked, answered = (re.fullmatch(r"「([^「」]{2,100})」", s) for s in (first, second))
            if asked and answered:
                answer = answered.group(1)
                answer = answer if answer.endswith(("。", "！", "？")) else answer + "。"
                if is_plain_reply(answer):
                    found.append((asked.group(1), answer))
    return found


def _register_pairs(documents: list[Document]) -> list[tuple[str, str]]:
    """KeiCO sentences of levels 1–3 with the level-4 sentence that says most nearly the same."""

    def bigrams(text: str) -> set[str]:
        return {text[i : i + 2] for i in range(len(text) - 1)}

    by_field: dict[str, list[tuple[Document, set[str]]]] = defaultdict(list)
    for d in documents:
        if d.level == 4 and is_plain_reply(d.text):
            by_field[d.field].append((d, bigrams(d.text)))
    pairs = []
    for d in documents:
        if d.kind == "keico" and d.level < 4:
            grams = bigrams(d.text)
            best = max(
                ((len(grams & g) / max(1, len(grams | g)), p.text) for p, g in by_field[d.field]),
                default=(0.0, ""),
            )
            if best[0] >= 0.35:
                pairs.append((d.text, best[1]))
    return pairs
