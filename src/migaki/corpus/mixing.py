"""Mix sources by weight, deterministically and with bounded memory.

The next document always comes from the source that is furthest behind its share, so at every moment
each source is at most one document away from where it should be; no share depends on luck. What the
seed decides is the order within a source: a buffer of documents is shuffled, anew in each epoch.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass as plain_dataclass
from dataclasses import field, replace
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from migaki.corpus.documents import Document
from migaki.errors import ConfigError, DataError, UsageError

__all__ = ["MixConfig", "Mixture", "SourceShare", "characters", "mix"]

_STRICT = ConfigDict(extra="forbid")

Opener = Callable[[], Iterable[Document]]
"""Opens a source; called once for each epoch (and once more where its size must be known)."""
Measure = Callable[[Document], int]


def characters(document: Document) -> int:
    """Return how long a document is, in characters."""
    return len(document.text)


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class SourceShare:
    """How much of a source is wanted."""

    weight: Annotated[float, Field(gt=0)] | None = None
    """Relative weight; none: the size of the source."""
    max_epochs: Annotated[int, Field(ge=1)] = 1
    """How often a document may come. Up to four epochs are nearly as good as new text (Muennighoff
    et al. 2023, arXiv 2305.16264)."""
    path: str | None = None
    """File or folder, where the sources are opened from a configuration."""


@dataclass(config=_STRICT, frozen=True, kw_only=True)
class MixConfig:
    """Shares, budget and order of a mixture."""

    sources: dict[str, SourceShare]
    """Name → share."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Shares are proportional to weight^(1/temperature): 1 keeps the weights, 3 lifts small sources
    (XLM-R's α = 0.3), a large one makes all equal."""
    unit: Literal["characters", "tokens", "documents"] = "characters"
    """What shares and budget are counted in."""
    budget: Annotated[int, Field(ge=1)] | None = None
    """Where to stop; none: when the first source runs out (or, with `continue`, the last)."""
    on_exhausted: Literal["stop", "continue"] = "stop"
    """When a source has had its epochs: stop, so that the shares hold, or go on with the others."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Decides the order within each source."""
    shuffle_buffer: Annotated[int, Field(ge=1)] = 10_000
    """Documents of each source that are held in memory to be shuffled; 1 keeps the order."""

    def __post_init__(self) -> None:
        """Refuse a mixture of nothing."""
        if not self.sources:
            raise ValueError("sources is empty: name at least one source")


@plain_dataclass
class _State:
    """How far a source is."""

    name: str
    share: float
    max_epochs: int
    documents: Iterator[Document]
    size: int | None
    written: int = 0
    count: int = 0
    epoch: int = 0
    epoch_written: int = 0
    exhausted_at: int | None = None


@plain_dataclass
class Mixture:
    """The documents of a mixture, once, and what became of the shares."""

    config: MixConfig
    _states: list[_State]
    _measure: Measure
    _openers: Mapping[str, Opener]
    total: int = 0
    """Units written so far."""
    stopped_because: str = "it was not read to its end"
    _left: list[_State] = field(default_factory=list)

    def __iter__(self) -> Iterator[Document]:
        """Yield the documents.

        Raises:
            DataError: A source is empty.
        """
        self._left = list(self._states)
        while self._left:
            if self.config.budget is not None and self.total >= self.config.budget:
                self.stopped_because = "the budget is reached"
                return
            state = self._furthest_behind()
            document = self._next(state)
            if document is None:
                state.exhausted_at = self.total
                if self.config.on_exhausted == "stop":
                    self.stopped_because = f"'{state.name}' ran out"
                    return
                self._left.remove(state)
                continue
            length = self._measure(document)
            state.written += length
            state.epoch_written += length
            state.count += 1
            self.total += length
            yield document
        self.stopped_because = "all sources ran out"

    def _furthest_behind(self) -> _State:
        # Among those that are left, relative to what they were given so far: the shares of what ran
        # out go to the others in proportion.
        return min(self._left, key=lambda state: (state.written / state.share, -state.share))

    def _next(self, state: _State) -> Document | None:
        while True:
            document = next(state.documents, None)
            if document is not None:
                return _named(document, state.epoch)
            if not state.epoch_written:
                raise DataError(
                    f"The source '{state.name}' holds no {self.config.unit}.",
                    hint="Leave it out of the mixture, or look why it is empty.",
                )
            state.size = state.epoch_written
            if state.epoch + 1 >= state.max_epochs:
                return None
            state.epoch += 1
            state.epoch_written = 0
            state.documents = _shuffled(self._openers[state.name](), self.config, state)

    def to_json(self) -> dict[str, Any]:
        """Return what was asked of each source and what it gave.

        ``epochs`` is null while a source of unknown size is in its first pass.
        """
        return {
            "unit": self.config.unit,
            "total": self.total,
            "budget": self.config.budget,
            "seed": self.config.seed,
            "temperature": self.config.temperature,
            "stopped_because": self.stopped_because,
            "sources": {
                state.name: {
                    "share_asked": state.share,
                    "share_got": state.written / self.total if self.total else 0.0,
                    self.config.unit: state.written,
                    "documents": state.count,
                    "epochs": state.written / state.size if state.size else None,
                    "max_epochs": state.max_epochs,
                    "ran_out_at": state.exhausted_at,
                }
                for state in self._states
            },
        }


def mix(
    sources: Mapping[str, Opener], config: MixConfig, *, measure: Measure | None = None
) -> Mixture:
    """Mix documents of several sources.

    Args:
        sources: For each source of the configuration, what opens it. It must give the same
            documents in the same order each time.
        config: The shares.
        measure: Length of a document in the unit of the configuration; needed for tokens.

    Returns:
        The documents, to be iterated once; its `to_json` says afterwards what each source gave.

    Raises:
        ConfigError: The sources are not those of the configuration.
        UsageError: Tokens are asked for and nothing counts them.
        DataError: A source whose size is its weight is empty.

    Example:
        >>> def source(name):
        ...     return lambda: (Document("文" * 10, f"{name}:{n}", name, "CC0-1.0") for n in range(100))
        >>> shares = {"wiki": SourceShare(weight=3), "news": SourceShare(weight=1)}
        >>> mixture = mix({"wiki": source("wiki"), "news": source("news")}, MixConfig(sources=shares))
        >>> len(list(mixture)), mixture.stopped_because
        (134, "'wiki' ran out")
        >>> {name: found["documents"] for name, found in mixture.to_json()["sources"].items()}
        {'wiki': 100, 'news': 34}
    """
    if set(sources) != set(config.sources):
        missing = sorted(set(config.sources) ^ set(sources))
        raise ConfigError(
            f"The mixture names {', '.join(sorted(config.sources))}, but there are sources "
            f"{', '.join(sorted(sources)) or 'none'}.",
            hint=f"Only on one side: {', '.join(missing)}.",
        )
    counts = measure or _measure_of(config.unit)
    sizes = {
        name: sum(map(counts, sources[name]()))
        for name, asked in config.sources.items()
        if asked.weight is None
    }
    states = []
    for name, share in _shares(config, sizes).items():
        state = _State(name, share, config.sources[name].max_epochs, iter(()), sizes.get(name))
        state.documents = _shuffled(sources[name](), config, state)
        states.append(state)
    return Mixture(config, states, counts, sources)


def _measure_of(unit: str) -> Measure:
    if unit == "tokens":
        raise UsageError(
            "A mixture in tokens needs something that counts them.",
            hint="Give the function of your tokenizer as measure=…, or use unit: characters.",
        )
    return characters if unit == "characters" else lambda document: 1


def _shares(config: MixConfig, sizes: Mapping[str, int]) -> dict[str, float]:
    powers = {}
    for name, asked in config.sources.items():
        weight = sizes[name] if asked.weight is None else asked.weight
        if weight == 0:
            raise DataError(
                f"The source '{name}' holds no {config.unit}.",
                hint="Leave it out of the mixture, or look why it is empty.",
            )
        powers[name] = weight ** (1 / config.temperature)
    whole = sum(powers.values())
    return {name: power / whole for name, power in powers.items()}


def _shuffled(
    documents: Iterable[Document], config: MixConfig, state: _State
) -> Iterator[Document]:
    """Yield documents in an order that seed, source and epoch decide."""
    rng = random.Random(f"{config.seed}:{state.name}:{state.epoch}")
    buffer: list[Document] = []
    for document in documents:
        if len(buffer) < config.shuffle_buffer:
            buffer.append(document)
            continue
        at = rng.randrange(len(buffer))
        yield buffer[at]
        buffer[at] = document
    if config.shuffle_buffer > 1:
        rng.shuffle(buffer)
    yield from buffer


def _named(document: Document, epoch: int) -> Document:
    """Return the document with an id of its own in each epoch."""
    return replace(document, id=f"{document.id}#{epoch + 1}") if epoch else document
