"""Filters of others inside a pipeline: HojiChar's, and the user's own Python function.

Neither is run unless the user's own configuration names it: a name in a file is code that is run.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic.dataclasses import dataclass

from migaki.corpus.cleaning.rejecting import STRICT, reject
from migaki.corpus.documents import Document, Outcome, Rejection
from migaki.errors import ConfigError, MissingExtraError

__all__ = ["HojiCharPipeline", "PythonFilter"]


@dataclass(config=STRICT, frozen=True, kw_only=True)
class HojiCharPipeline:
    """Runs filters of HojiChar, or a whole profile, as one stage.

    Example:
        >>> stage = HojiCharPipeline(filters=({"DocumentLengthFilter": {"min_doc_len": 5}},))
        >>> stage(Document("はい。", id="a:1", source="a", licence="CC0-1.0")).detail
        'DocumentLengthFilter'
    """

    name: ClassVar[str] = "hojichar"
    reasons: ClassVar[tuple[str, ...]] = ("hojichar",)

    filters: tuple[str | dict[str, dict[str, Any]], ...] = ()
    """Classes of ``hojichar.document_filters``: a name, or ``{name: {option: value}}``."""
    profile: str | None = None
    """A Python file that defines ``FILTER`` (or ``FACTORY``), as for ``hojichar --profile``."""
    options: dict[str, str] = field(default_factory=dict)
    """Arguments of the profile's ``FACTORY``, in order."""

    def __post_init__(self) -> None:
        """Load the filters, so that a wrong name is told before a run begins."""
        if bool(self.filters) == bool(self.profile):
            raise ValueError("give either filters or a profile")
        self._compose()

    def __call__(self, document: Document) -> Outcome:
        """Keep, change or reject one document."""
        from hojichar import Document as HojiCharDocument

        try:
            done = self._compose().apply(HojiCharDocument(document.text))
        except Exception as err:  # a filter of others must not end the run
            return _failed(document, self, err)
        if done.is_rejected:
            detail = str(done.reject_reason.get("name", "")).partition("-")[2] or "rejected"
            return reject(document, self, "hojichar", detail)
        return _with(document, done.text, self.name)

    def _compose(self) -> Any:
        key = repr((self.filters, self.profile, self.options))
        return _loaded_compose(key, self)


@lru_cache(maxsize=8)
def _compose_of(key: str) -> dict[str, Any]:
    """Return a place for what is loaded once in each process."""
    return {}


def _loaded_compose(key: str, stage: HojiCharPipeline) -> Any:
    place = _compose_of(key)
    if "compose" not in place:
        place["compose"] = _load_compose(stage)
    return place["compose"]


def _load_compose(stage: HojiCharPipeline) -> Any:
    try:
        import hojichar
    except ImportError as err:
        raise MissingExtraError("A HojiChar pipeline", package="hojichar", extra=None) from err
    if stage.profile:
        path = Path(stage.profile).expanduser()
        if not path.is_file():
            raise ConfigError(f"The HojiChar profile {stage.profile} does not exist.")
        return _load_profile(path, *stage.options.values())
    return hojichar.Compose([_hojichar_filter(item) for item in stage.filters])


def _load_profile(path: Path, *arguments: str) -> Any:
    """Load a profile as HojiChar does, which imports it under the file's own name.

    A profile called ``profile.py`` or ``json.py`` would stand in the way of the module of that name.
    """
    from hojichar.utils.load_compose import load_compose

    name, before = path.stem, sys.modules.get(path.stem)
    try:
        return load_compose(path, *arguments)
    finally:
        if before is not None:
            sys.modules[name] = before
        elif name in sys.stdlib_module_names:
            sys.modules.pop(name, None)


def _hojichar_filter(item: str | dict[str, dict[str, Any]]) -> Any:
    from hojichar import document_filters

    name, options = (item, {}) if isinstance(item, str) else next(iter(item.items()))
    found = getattr(document_filters, name, None)
    if not isinstance(found, type):
        raise ConfigError(
            f"HojiChar has no document filter '{name}'.",
            hint="Its filters: https://hojichar.github.io/HojiChar/hojichar/filters/document_filters.html",
        )
    try:
        return found(**options)
    except (TypeError, AssertionError, OSError, ImportError) as err:
        raise ConfigError(f"HojiChar's {name} cannot be made with {options}: {err}.") from err


@dataclass(config=STRICT, frozen=True, kw_only=True)
class PythonFilter:
    """Runs a function of the user's: text in, and a verdict out.

    The function takes the text and returns True (keep), False (reject), a string (the text changed) or
    ``(False, reason)``. It must be importable where the pipeline runs.

    Example:
        >>> stage = PythonFilter(function="builtins:bool")
        >>> stage(Document("", id="a:1", source="a", licence="CC0-1.0")).detail
        'builtins:bool'
    """

    name: ClassVar[str] = "python"
    reasons: ClassVar[tuple[str, ...]] = ("python_filter",)

    function: str
    """``module:function``."""

    def __post_init__(self) -> None:
        """Import the function, so that a wrong name is told before a run begins."""
        _function(self.function)

    def __call__(self, document: Document) -> Outcome:
        """Keep, change or reject one document."""
        try:
            verdict = _function(self.function)(document.text)
        except Exception as err:  # a filter of others must not end the run
            return _failed(document, self, err)
        if isinstance(verdict, str):
            return _with(document, verdict, self.name)
        if isinstance(verdict, tuple):
            kept, why = bool(verdict[0]), f"{self.function}: {verdict[1]}"
        else:
            kept, why = bool(verdict), self.function
        return document if kept else reject(document, self, "python_filter", why)


@lru_cache(maxsize=32)
def _function(name: str) -> Callable[[str], Any]:
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ConfigError(f"'{name}' is not module:function.")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as err:
        raise ConfigError(
            f"The filter {name} cannot be imported ({err}).",
            hint="Is its module installed, or in a folder of PYTHONPATH?",
        ) from err
    if not callable(found):
        raise ConfigError(f"The filter {name} is no function.")
    return found  # type: ignore[no-any-return]


def _with(document: Document, text: str, name: str) -> Document:
    if text == document.text:
        return document
    return document.counting({f"{name}.changed": 1}, text=text)


def _failed(
    document: Document, stage: HojiCharPipeline | PythonFilter, err: Exception
) -> Rejection:
    return reject(document, stage, "filter_failed", f"{type(err).__name__}: {err}")
