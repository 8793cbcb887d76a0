"""What came out of a run: the sentence, the big numbers, register, answers, and what to look at closely.

Sections are mappings and lists of texts that the template lays out. They hold no markup: everything is
escaped where it is drawn. What a run does not say is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migaki.evaluation.register_consistency import find_endings
from migaki.reports.figures import (
    bits_per_character,
    can_resume,
    interval_of,
    polite_share,
    resume_command,
    stage_seconds,
    steps_done,
    steps_text,
)
from migaki.reports.formats import (
    MINUS,
    count,
    decimal,
    duration,
    percent,
    plain_value,
    signed,
    take,
)
from migaki.reports.run_data import RunData, dig, number, text

__all__ = [
    "Tile",
    "answer_pairs",
    "answer_quality",
    "headline",
    "register_bars",
    "tiles",
    "warnings",
]

NBSP = "\u00a0"

_GOING_ON = (
    "The run was still going on when this page was written, or it was killed without a word. "
    "Write the page again with migaki report."
)

_STATES = {
    "completed": ("Completed", "good"),
    "interrupted": ("Interrupted", "warn"),
    "failed": ("Failed", "bad"),
    "running": ("Running", "warn"),
}


def headline(run: RunData) -> dict[str, Any]:
    """Return state, message and the one sentence that says what happened."""
    state = text(run.status.get("state"))
    label, tone = _STATES.get(state, ("State unknown", "warn"))
    parts = [part for part in (_bits_clause(run), _polite_clause(run), _effort_clause(run)) if part]
    sentence = "; ".join(parts)
    return {
        "state": label,
        "tone": tone,
        "message": _GOING_ON if state == "running" else text(run.status.get("message")),
        "summary": (sentence[0].upper() + sentence[1:] + ".") if sentence else "",
        "created": text(run.environment.get("created_at")).replace("T", " ", 1),
        "resume": resume_command(run) if can_resume(run) else "",
    }


@dataclass(frozen=True, slots=True)
class Tile:
    """A big number."""

    label: str
    value: str
    hint: str
    before: str = ""
    change: str = ""
    tone: str = ""
    interval: str = ""


def tiles(run: RunData) -> list[Tile]:
    """Return the big numbers."""
    found = (_bits_tile(run), _polite_tile(run), _time_tile(run), _tokens_tile(run))
    return [tile for tile in found if tile is not None]


def _bits_tile(run: RunData) -> Tile | None:
    before, after, change = bits_per_character(run)
    if before is None:
        return None
    interval = dig(run.evaluation, "change", "bits_per_character_relative_interval")
    return Tile(
        label="Bits per character",
        value=decimal(before if after is None else after),
        hint="on held-out rows; lower is better",
        before=decimal(before),
        change="" if change is None else signed(100 * change, 1, " %"),
        tone=_tone(change, good_below=True),
        interval=_interval(interval, 100, " %"),
    )


def _polite_tile(run: RunData) -> Tile | None:
    before, after, points = polite_share(run)
    if before is None:
        return None
    interval = dig(run.evaluation, "change", "polite_share_points_interval")
    return Tile(
        label="Polite endings",
        value=percent(before if after is None else after),
        hint="です・ます among the sentence endings of the answers",
        before=percent(before),
        change="" if points is None else signed(points, 0, " points"),
        interval=_interval(interval, 1, " points", 0),
    )


def _time_tile(run: RunData) -> Tile | None:
    seconds, total = stage_seconds(run)
    if total is None:
        return None
    if seconds is None:
        return Tile(label="Time", value=duration(total), hint="all stages")
    hint = f"of training; {duration(total)} with loading and measuring"
    return Tile(label="Time", value=duration(seconds), hint=hint)


def _tokens_tile(run: RunData) -> Tile | None:
    tokens = number(dig(run.data, "train", "trained_tokens"))
    if tokens is None:
        return None
    hint = "in the data" + (f"; {steps_text(run)}" if steps_done(run) else "")
    return Tile(label="Trained tokens", value=count(tokens), hint=hint)


def register_bars(run: RunData) -> list[dict[str, Any]]:
    """Return one stacked bar of sentence endings for each measurement."""
    bars = []
    for name in ("before", "after"):
        answers = dig(run.evaluation, name, "answers")
        counts = [number(dig(answers, kind)) or 0.0 for kind in ("polite", "plain", "other")]
        total = sum(counts)
        if total <= 0 or min(counts) < 0:
            continue
        parts, start = [], 0.0
        for kind, value in zip(("polite", "plain", "other"), counts, strict=True):
            parts.append(
                {
                    "kind": kind,
                    "x": round(100 * start / total, 2),
                    "width": round(100 * value / total, 2),
                    "share": percent(value / total),
                    "count": count(value),
                }
            )
            start += value
        bars.append({"name": name, "parts": parts, "total": count(total)})
    return bars


def answer_pairs(run: RunData) -> list[dict[str, Any]]:
    """Return prompts with the answers before and after, cut into marked pieces."""
    pairs = []
    for row in run.samples:
        sides = {}
        for name in ("before", "after"):
            if name in row:
                shown, rest = take(text(row[name]))
                cut = row.get(f"{name}_cut") is True
                sides[name] = {
                    "pieces": _pieces(shown, cut=cut or bool(rest)),
                    "cut": cut,
                    "rest": rest,
                }
        if sides:
            prompt, _ = take(text(row.get("prompt")))
            pairs.append({"prompt": prompt, "category": text(row.get("category")), **sides})
    return pairs


def answer_quality(run: RunData) -> list[tuple[str, str, str]]:
    """Return what is wrong with the answers, before and after."""
    sides = [dig(run.evaluation, name, "answers") for name in ("before", "after")]
    if not any(isinstance(side, Mapping) for side in sides):
        return []
    rows = (
        ("Answers", "count"),
        ("Different answers", "distinct"),
        ("Empty", "empty"),
        ("Broken (undecodable bytes)", "broken"),
        ("Repetitive (≥ 40 % repeated 6-grams)", "repetitive"),
        ("Cut at the length limit", "cut"),
    )
    found = [(label, *(count(dig(side, key)) for side in sides)) for label, key in rows]
    shares = [percent(dig(side, "repetition"), 1) for side in sides]
    return [(a, b, c) for a, b, c in [*found, ("Mean repetition", *shares)]]


def warnings(run: RunData) -> list[str]:
    """Return what the reader should look at closely."""
    said = [run.plan.get("warnings"), run.data.get("warnings")]
    found = [item for part in said if isinstance(part, list) for item in part]
    found = list(dict.fromkeys(item for item in found if isinstance(item, str) and item))
    return [*found, *_training_warnings(run), *_answer_warnings(run), *_chance_warnings(run)]


def _training_warnings(run: RunData) -> Iterator[str]:
    """What went wrong while training: every rollback, and the others by kind, the first of each."""
    events = [row for row in run.metrics if row.get("split") == "event"]
    for event in events:
        if text(event.get("event")) == "rolled back":
            yield (
                f"Training went back from step {count(event.get('from_step'))} to step "
                f"{count(event.get('step'))}, to a rate of {plain_value(event.get('learning_rate'))}: "
                f"{_shortened(event)}"
            )
    for kind in sorted({text(event.get("event")) for event in events} - {"rolled back", ""}):
        of_kind = [event for event in events if event.get("event") == kind]
        more = f" (and {count(len(of_kind) - 1)} more such steps)" if len(of_kind) > 1 else ""
        yield f"Step {count(of_kind[0].get('step'))}: {_shortened(of_kind[0])}{more}"


def _shortened(event: Mapping[str, Any]) -> str:
    return f"{take(text(event.get('problem')))[0][:400]}."


def _answer_warnings(run: RunData) -> Iterator[str]:
    before, after = (dig(run.evaluation, name, "answers") for name in ("before", "after"))
    total = number(dig(after, "count")) or 0
    for key, words in (
        ("repetitive", "repeat themselves"),
        ("empty", "are empty"),
        ("broken", "hold undecodable bytes"),
    ):
        wrong = number(dig(after, key)) or 0
        if wrong > 0.1 * total and wrong >= (number(dig(before, key)) or 0):
            yield f"{count(wrong)} of {count(total)} answers after training {words}."
    distinct = number(dig(after, "distinct"))
    if distinct is not None and total >= 4 and distinct <= total / 2:
        yield (
            f"{count(distinct)} distinct answer(s) to {count(total)} prompts after training: "
            "the model may have learnt a phrase instead of answering."
        )


def _chance_warnings(run: RunData) -> Iterator[str]:
    for key, words in (
        ("bits_per_character_relative_interval", "The change in bits per character"),
        ("polite_share_points_interval", "The change in polite endings"),
    ):
        interval = interval_of(dig(run.evaluation, "change", key))
        if interval is not None and interval[0] <= 0 <= interval[1]:
            yield f"{words} may be chance: its 95 % interval holds 0."
    _, _, change = bits_per_character(run)
    if change is not None and change > 0:
        yield "Bits per character rose: the model predicts the held-out rows worse than before."


def _bits_clause(run: RunData) -> str:
    before, after, change = bits_per_character(run)
    if before is None or after is None or change is None:
        return ""
    verb = "fell" if change < 0 else "rose" if change > 0 else "stayed"
    return (
        f"bits per character on held-out rows {verb} from {decimal(before)} to {decimal(after)} "
        f"({signed(100 * change, 1, ' %')})"
    )


def _polite_clause(run: RunData) -> str:
    before, after, points = polite_share(run)
    if before is None or after is None or points is None:
        return ""
    return (
        f"polite sentence endings in answers went from {percent(before)} to {percent(after)} "
        f"({signed(points, 0, ' points')})"
    )


def _effort_clause(run: RunData) -> str:
    seconds, _ = stage_seconds(run)
    tokens = number(dig(run.data, "train", "trained_tokens"))
    if text(run.status.get("state")) != "completed":
        going_on = text(run.status.get("state")) == "running"
        done = steps_text(run) if steps_done(run) else "no step"
        done = f"so far {done}" if going_on else f"stopped after {done}"
        return done if run.status else ""
    parts = []
    if seconds is not None:
        parts.append(f"training took {duration(seconds)}")
    if tokens is not None:
        parts.append(f"on data with {count(tokens)} trained tokens")
    return " ".join(parts)


def _pieces(shown: str, *, cut: bool) -> list[tuple[str, str]]:
    """Cut a text into (piece, register of the ending or nothing)."""
    pieces, place = [], 0
    for ending in find_endings(shown, cut=cut):
        if ending.mark_end > ending.mark_start:
            pieces.append((shown[place : ending.mark_start], ""))
            pieces.append((shown[ending.mark_start : ending.mark_end], ending.register.value))
            place = ending.mark_end
    return [(piece, kind) for piece, kind in [*pieces, (shown[place:], "")] if piece]


def _interval(value: Any, factor: float, unit: str, digits: int = 1) -> str:
    pair = interval_of(value)
    if pair is None:
        return ""
    low, high = (f"{factor * end:+.{digits}f}".replace("-", MINUS) for end in pair)
    return f"95\u00a0% interval {low} to {high}{unit.replace(' ', NBSP)}"


def _tone(change: float | None, *, good_below: bool) -> str:
    if not change:
        return ""
    return "good" if (change < 0) is good_below else "bad"
