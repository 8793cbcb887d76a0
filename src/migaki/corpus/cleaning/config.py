"""Which stages clean a corpus, with which thresholds: presets by kind of document, YAML, overrides.

A preset is a YAML file of this package; what the user writes is laid over it, setting by setting. A stage
that is not named is not run; ``null`` or ``off`` takes a stage of the preset out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic.dataclasses import dataclass

from migaki.config import build, merge, parse_overrides, read_yaml
from migaki.corpus.cleaning.letter_filters import (
    JapaneseRatio,
    KanaShares,
    Length,
    SimplifiedChinese,
    Symbols,
)
from migaki.corpus.cleaning.page_frame import AdvertLines, Boilerplate, FrameLines
from migaki.corpus.cleaning.plugins import HojiCharPipeline, PythonFilter
from migaki.corpus.cleaning.rejecting import STRICT
from migaki.corpus.cleaning.repetition_filters import (
    CharacterRuns,
    FrequentNgrams,
    RepeatedLines,
    RepeatedNgrams,
)
from migaki.corpus.cleaning.sentence_filters import (
    Ellipses,
    FinishedLines,
    SentenceLength,
    ShortLines,
)
from migaki.corpus.cleaning.text_stages import EncodingRepair, Normalization
from migaki.corpus.cleaning.translation import MachineTranslation
from migaki.corpus.cleaning.word_filters import AdultWords, Adverts, DiscriminatoryWords
from migaki.corpus.documents import Stage
from migaki.corpus.personal_information import PersonalInformation
from migaki.errors import UsageError

__all__ = [
    "PRESETS",
    "STAGES",
    "CleaningConfig",
    "Preset",
    "build_stages",
    "cleaning_config",
    "named_code",
    "read_cleaning_config",
    "read_preset",
]

Preset = Literal["web", "swallow", "encyclopaedia", "literature", "technical", "dialogue", "none"]

PRESETS: tuple[str, ...] = get_args(Preset)
"""Kinds of documents that there are thresholds for; ``none`` runs nothing that is not named."""


@dataclass(config=STRICT, frozen=True, kw_only=True)
class CleaningConfig:
    """The stages in the order in which they run; a stage that is None does not run.

    What mends the text stands first, so that filters measure what will be kept; what costs little
    stands before what costs much. What is Chinese is told so before its lack of kana is.

    Example:
        >>> config = cleaning_config("dialogue", {"length": {"min_japanese": 2}})
        >>> config.length.min_japanese, config.ellipses
        (2, None)
    """

    preset: Preset = "none"
    """What the settings were laid over."""
    encoding_repair: EncodingRepair | None = None
    normalization: Normalization | None = None
    frame_lines: FrameLines | None = None
    length: Length | None = None
    simplified_chinese: SimplifiedChinese | None = None
    japanese_ratio: JapaneseRatio | None = None
    kana_shares: KanaShares | None = None
    symbols: Symbols | None = None
    character_runs: CharacterRuns | None = None
    sentence_length: SentenceLength | None = None
    ellipses: Ellipses | None = None
    short_lines: ShortLines | None = None
    finished_lines: FinishedLines | None = None
    repeated_lines: RepeatedLines | None = None
    repeated_ngrams: RepeatedNgrams | None = None
    frequent_ngrams: FrequentNgrams | None = None
    boilerplate: Boilerplate | None = None
    adverts: Adverts | None = None
    advert_lines: AdvertLines | None = None
    adult_words: AdultWords | None = None
    discriminatory_words: DiscriminatoryWords | None = None
    machine_translation: MachineTranslation | None = None
    hojichar: HojiCharPipeline | None = None
    python: tuple[PythonFilter, ...] = ()
    """Functions of the user's, in order."""
    personal_information: PersonalInformation | None = None


def build_stages(config: CleaningConfig) -> tuple[Stage, ...]:
    """Return the stages that a configuration asks for, in order.

    Example:
        >>> [stage.name for stage in build_stages(CleaningConfig(length=Length(min_japanese=10)))]
        ['length']
    """
    stages: list[Stage] = []
    for name in STAGES:
        value = getattr(config, name)
        stages += value if isinstance(value, tuple) else [value] if value is not None else []
    return tuple(stages)


def named_code(config: CleaningConfig) -> tuple[str, ...]:
    """Return what a configuration names that is code of others and is run: said aloud before a run.

    Example:
        >>> named_code(cleaning_config("none", {"python": ["builtins:bool"]}))
        ('builtins:bool',)
    """
    functions = tuple(one.function for one in config.python)
    profile = config.hojichar.profile if config.hojichar else None
    return (*functions, profile) if profile else functions


STAGES = tuple(field.name for field in fields(CleaningConfig) if field.name != "preset")
"""Names of the stages, in the order in which they run."""


def cleaning_config(
    preset: str = "web",
    settings: Mapping[str, Any] | None = None,
    *,
    where: str = "the cleaning configuration",
) -> CleaningConfig:
    """Return a preset with settings laid over it.

    Args:
        preset: One of `PRESETS`; a ``preset`` among the settings wins over it.
        settings: Stage → its settings, or None, or ``False`` to leave it out, or ``True`` for its defaults.
        where: What the settings are called in messages.

    Raises:
        ConfigError: A stage, a setting or a value is not known; the nearest one is named.
        UsageError: There is no such preset.
        MissingExtraError: A stage needs a package that is not installed.
    """
    given = dict(settings or {})
    preset = str(given.pop("preset", preset))
    plain = {name: _switched(value) for name, value in given.items()}
    merged = merge(read_preset(preset), plain)
    if isinstance(functions := merged.get("python"), list):
        merged["python"] = [{"function": f} if isinstance(f, str) else f for f in functions]
    return build(CleaningConfig, {**merged, "preset": preset}, where=where)


def read_cleaning_config(
    path: Path | None, *, preset: str = "web", overrides: Sequence[str] = ()
) -> CleaningConfig:
    """Return the configuration of a YAML file and dotted overrides, laid over a preset.

    Args:
        path: The file, or None.
        preset: The preset, if the file names none.
        overrides: Such as ``length.min_japanese=100`` or ``ellipses=null``.

    Raises:
        ConfigError: The file or a setting is wrong.
    """
    settings = read_yaml(path, called="configuration file") if path else {}
    where = str(path) if path else "the command line"
    return cleaning_config(preset, merge(settings, parse_overrides(overrides)), where=where)


def read_preset(name: str) -> dict[str, Any]:
    """Return the settings of a preset.

    Raises:
        UsageError: There is no such preset.

    Example:
        >>> read_preset("web")["length"]
        {'min_japanese': 400}
    """
    if name not in PRESETS:
        raise UsageError(f"There is no preset '{name}'.", hint=f"Valid: {', '.join(PRESETS)}.")
    if name == "none":
        return {}
    file = resources.files(__package__).joinpath("presets", f"{name}.yaml")
    with resources.as_file(file) as path:
        return {stage: value or {} for stage, value in read_yaml(path).items()}


def _switched(value: Any) -> Any:
    """Write on and off, which YAML reads as booleans, as a stage with its defaults and as none."""
    return {} if value is True else None if value is False else value
