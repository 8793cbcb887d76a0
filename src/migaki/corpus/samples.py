"""Sample chats in polite Japanese, made by migaki itself for trial runs and development.

The knowledge lies in the folder ``samples`` (data only): tables of facts, sentence patterns over them and single
chats, all written for this project. :func:`generate` composes them; the same seed gives the same
rows. ``SAMPLES_PATH`` is the generated file that the package ships; after an edit of the tables,
``python -m migaki.corpus.samples`` writes it anew.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migaki.errors import UsageError

__all__ = ["SAMPLES_COUNT", "SAMPLES_PATH", "SAMPLES_SEED", "generate", "write"]

SAMPLES_FOLDER = Path(__file__).parent / "sample_data"
SAMPLES_PATH = SAMPLES_FOLDER / "polite_chat.jsonl"
SAMPLES_COUNT = 1500
SAMPLES_SEED = 7

SOURCE = "migaki samples (synthetic)"
LICENCE = "CC0-1.0"

_SEPARATOR = " / "
_SYSTEM_SHARE = 0.06
_SECOND_TURN_SHARE = 0.5
_ROUNDS = 20
_SHORTEST = 20
_SYSTEM_MESSAGES = (
    "あなたは親切な日本語のアシスタントです。",
    "丁寧な言葉で、短く答えてください。",
    "です・ます調で、分かりやすく答えてください。",
    "相手の気持ちを大切にしながら、質問に答えてください。",
)

_Fields = dict[str, str]


@dataclass(frozen=True)
class _Sketch:
    """One chat before its wording is chosen: alternatives for each turn and the facts for them."""

    topic: str
    turns: tuple[str, ...]
    fields: _Fields


class _Filler(_Fields):
    """Fields of a table row; ``name_q`` is a field without its full stop, ``@name`` a phrase."""

    def __init__(self, fields: _Fields, phrases: _Fields, rng: random.Random) -> None:
        super().__init__(fields)
        self._phrases = phrases
        self._rng = rng

    def __missing__(self, key: str) -> str:
        if key.startswith("@"):
            return self._rng.choice(self._phrases[key[1:]].split(_SEPARATOR))
        return self[key.removesuffix("_q")].removesuffix("。")


def generate(count: int, *, seed: int) -> Iterator[dict[str, Any]]:
    """Yield distinct chats in a random order that the seed fixes.

    Args:
        count: How many chats.
        seed: Same seed, same chats.

    Yields:
        ``{"messages": […], "source": …, "license": …, "topic": …}``

    Raises:
        UsageError: The tables do not hold that many distinct chats.

    Example:
        >>> row = next(generate(1, seed=7))
        >>> sorted(row), row["messages"][-1]["role"]
        (['license', 'messages', 'source', 'topic'], 'assistant')
    """
    rng = random.Random(seed)
    phrases = {row["name"]: row["text"] for row in _read("phrases")}
    sketches = [*_from_patterns(), *_from_chats(), *_from_numbers(rng)]
    seen: set[str] = set()
    # Every sketch is worded once before any is worded again, so that a short file has all topics.
    for _ in range(_ROUNDS):
        rng.shuffle(sketches)
        for sketch in sketches:
            if len(seen) >= count:
                return
            messages = _word(sketch, phrases, rng)
            key = messages[-1]["content"] + messages[-2]["content"]
            if key not in seen and sum(len(m["content"]) for m in messages) >= _SHORTEST:
                seen.add(key)
                yield {
                    "messages": messages,
                    "source": SOURCE,
                    "license": LICENCE,
                    "topic": sketch.topic,
                }
    if len(seen) < count:
        raise UsageError(
            f"{count} sample chats were asked for; the tables hold about {len(seen)} distinct ones.",
            hint=f"Ask for at most {len(seen)}.",
        )


def write(
    path: Path = SAMPLES_PATH, *, count: int = SAMPLES_COUNT, seed: int = SAMPLES_SEED
) -> None:
    """Write sample chats as JSONL.

    Args:
        path: The file; it is replaced.
        count: How many chats.
        seed: Same seed, same file.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in generate(count, seed=seed):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _read(name: str) -> list[_Fields]:
    with (SAMPLES_FOLDER / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return [
            {key: value or "" for key, value in row.items()}
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def _turns(row: _Fields) -> tuple[str, ...]:
    return tuple(row[key] for key in ("user", "assistant", "user2", "assistant2") if row.get(key))


def _from_patterns() -> Iterator[_Sketch]:
    for pattern in _read("patterns"):
        for fields in _read(f"tables/{pattern['table']}"):
            topic = fields["topic"] if pattern["topic"] == "*" else pattern["topic"]
            yield _Sketch(topic, _turns(pattern), fields)


def _from_chats() -> Iterator[_Sketch]:
    for row in _read("chats"):
        yield _Sketch(row["topic"], _turns(row), {})


def _word(sketch: _Sketch, phrases: _Fields, rng: random.Random) -> list[dict[str, str]]:
    filler = _Filler(sketch.fields, phrases, rng)
    turns = sketch.turns
    if len(turns) > 2 and rng.random() >= _SECOND_TURN_SHARE:
        turns = turns[:2]
    messages = [
        {
            "role": "assistant" if position % 2 else "user",
            "content": rng.choice(turn.split(_SEPARATOR)).format_map(filler),
        }
        for position, turn in enumerate(turns)
    ]
    if rng.random() < _SYSTEM_SHARE:
        messages.insert(0, {"role": "system", "content": rng.choice(_SYSTEM_MESSAGES)})
    return messages


def _from_numbers(rng: random.Random) -> Iterator[_Sketch]:
    """Chats whose answers are computed: units, prices, clock times, calendar, sums."""
    for make, repeats in _NUMBER_CHATS:
        seen: set[str] = set()
        for _ in range(repeats * 3):
            topic, user, assistant = make(rng)
            if user not in seen and len(seen) < repeats:
                seen.add(user)
                yield _Sketch(topic, (user, assistant), {})


_NumberChat = tuple[str, str, str]

_UNITS = (
    ("時間", "分", 60, range(2, 9)),
    ("分", "秒", 60, range(2, 11)),
    ("日", "時間", 24, range(2, 6)),
    ("週間", "日", 7, range(2, 9)),
    ("年", "か月", 12, range(2, 6)),
    ("メートル", "センチメートル", 100, range(2, 10)),
    ("キロメートル", "メートル", 1000, range(2, 10)),
    ("キログラム", "グラム", 1000, range(2, 10)),
    ("リットル", "ミリリットル", 1000, range(2, 6)),
    ("センチメートル", "ミリメートル", 10, range(2, 16)),
)
_GOODS = (
    ("りんご", "個", range(80, 201, 10)),
    ("みかん", "個", range(30, 81, 10)),
    ("ノート", "冊", range(100, 251, 10)),
    ("鉛筆", "本", range(50, 121, 10)),
    ("パン", "個", range(120, 261, 10)),
    ("お茶", "本", range(100, 181, 10)),
    ("切手", "枚", range(50, 121, 10)),
    ("卵", "個", range(20, 41, 5)),
)
_WEEKDAYS = ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日")
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _unit_chat(rng: random.Random) -> _NumberChat:
    unit, part, factor, amounts = rng.choice(_UNITS)
    amount = rng.choice(amounts)
    total = amount * factor
    user = rng.choice((f"{amount}{unit}は何{part}？", f"{amount}{unit}を{part}に直してください。"))
    assistant = (
        f"{amount}{unit}は{total}{part}です。 / "
        f"1{unit}は{factor}{part}なので、{amount}{unit}は{total}{part}です。"
    )
    return "数と単位", user, assistant


def _price_chat(rng: random.Random) -> _NumberChat:
    thing, counter, prices = rng.choice(_GOODS)
    price, amount = rng.choice(prices), rng.randint(2, 9)
    user = rng.choice(
        (
            f"1{counter}{price}円の{thing}を{amount}{counter}買うと、いくらになる？",
            f"{thing}が1{counter}{price}円です。{amount}{counter}でいくらですか。",
        )
    )
    assistant = (
        f"{price}円の{amount}{counter}分なので、{price * amount}円になります。 / "
        f"{price}に{amount}を掛けて、合計は{price * amount}円です。"
    )
    return "数と単位", user, assistant


def _change_chat(rng: random.Random) -> _NumberChat:
    price = rng.randrange(130, 990, 10)
    user = rng.choice(
        (
            f"{price}円の買い物をして、1000円札を出した。おつりは？",
            f"1000円で{price}円の品を買うと、おつりはいくらですか。",
        )
    )
    assistant = (
        f"おつりは{1000 - price}円です。 / 1000円から{price}円を引いて、{1000 - price}円です。"
    )
    return "数と単位", user, assistant


def _sum_chat(rng: random.Random) -> _NumberChat:
    low, high = sorted(rng.sample(range(11, 90), 2))
    digit = rng.randint(2, 9)
    left, word, right, result, form = rng.choice(
        (
            (high, "足す", low, high + low, "足し算"),
            (high, "引く", low, high - low, "引き算"),
            (low, "掛ける", digit, low * digit, "掛け算"),
        )
    )
    user = rng.choice((f"{left}{word}{right}は？", f"{left}{word}{right}の答えを教えてください。"))
    assistant = f"答えは{result}です。 / {form}の答えは{result}になります。 / {left}{word}{right}は{result}です。"
    return "数と単位", user, assistant


def _clock_chat(rng: random.Random) -> _NumberChat:
    hour, minute, later = rng.randint(6, 10), rng.randrange(0, 60, 10), rng.randrange(20, 60, 10)
    end_hour, end_minute = divmod(hour * 60 + minute + later, 60)
    start, end = _clock(hour, minute), _clock(end_hour, end_minute)
    user = rng.choice(
        (
            f"午前{start}から{later}分後は何時何分？",
            f"午前{start}に家を出て、{later}分かかります。何時に着きますか。",
        )
    )
    assistant = (
        f"午前{end}になります。 / {start}に{later}分を加えると、午前{end}です。"
        if "後は" in user
        else f"午前{end}に着きます。 / {later}分かかるので、到着は午前{end}です。"
    )
    return "時間と暦", user, assistant


def _clock(hour: int, minute: int) -> str:
    return f"{hour}時{minute}分" if minute else f"{hour}時"


def _weekday_chat(rng: random.Random) -> _NumberChat:
    start, later = rng.randrange(7), rng.randint(2, 10)
    today, then = _WEEKDAYS[start], _WEEKDAYS[(start + later) % 7]
    user = rng.choice(
        (f"今日が{today}なら、{later}日後は何曜日？", f"{today}の{later}日後は何曜日ですか。")
    )
    assistant = f"{later}日後は{then}です。 / {today}から数えて、{later}日後は{then}になります。"
    return "時間と暦", user, assistant


def _month_chat(rng: random.Random) -> _NumberChat:
    month = rng.choice([number for number in range(1, 13) if number != 2])
    days = _MONTH_DAYS[month - 1]
    user = rng.choice((f"{month}月は何日まである？", f"{month}月の日数を教えてください。"))
    assistant = f"{month}月は{days}日まであります。 / {month}月の日数は{days}日です。"
    return "時間と暦", user, assistant


def _average_chat(rng: random.Random) -> _NumberChat:
    middle, step = rng.randint(10, 80), rng.randint(1, 9)
    numbers = f"{middle - step}と{middle}と{middle + step}"
    user = rng.choice((f"{numbers}の平均は？", f"{numbers}の平均を求めてください。"))
    assistant = f"合計は{middle * 3}なので、3で割ると平均は{middle}です。 / 平均は{middle}です。"
    return "数と単位", user, assistant


_NUMBER_CHATS: tuple[tuple[Callable[[random.Random], _NumberChat], int], ...] = (
    (_unit_chat, 26),
    (_price_chat, 24),
    (_change_chat, 12),
    (_sum_chat, 24),
    (_clock_chat, 22),
    (_weekday_chat, 16),
    (_month_chat, 10),
    (_average_chat, 8),
)


if __name__ == "__main__":
    write()
