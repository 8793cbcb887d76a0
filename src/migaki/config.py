"""YAML files and dotted overrides to typed configuration, strictly, and back.

The types live beside their owners (pydantic dataclasses); this module only reads, merges and
validates. An unknown key is an error that names the nearest valid one, because a typo that is
accepted in silence costs a training run.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from migaki.errors import ConfigError

T = TypeVar("T")

_MOST_VALUES = 100_000
_SHOWN_CHARACTERS = 200


class _StrictLoader(yaml.SafeLoader):
    """YAML 1.1 reads 1e-4 as a string and lets a repeated key win; neither is what a user means."""


def _unique_mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise _problem_at(key_node, f"a key is a {type(key).__name__}; it must be a name")
        if key in mapping:
            raise _problem_at(key_node, f"the key '{key}' stands twice; keep one of the two")
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


def _problem_at(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


def parse_value(text: str) -> Any:
    """Read one value as YAML would.

    Args:
        text: The text behind ``=`` in an override.

    Raises:
        YAMLError: It is not YAML, or nothing that a setting could be.

    Example:
        >>> parse_value("1e-4"), parse_value("true"), parse_value("[a, b]"), parse_value("磨き")
        (0.0001, True, ['a', 'b'], '磨き')
    """
    try:
        value = yaml.load(text, Loader=_StrictLoader)
    except ValueError as err:  # a date that does not exist, a number of thousands of digits
        raise yaml.YAMLError(str(err)) from err
    except RecursionError as err:
        raise yaml.YAMLError("it is nested too deeply") from err
    if _holds_too_much(value):
        raise yaml.YAMLError("its anchors and aliases unfold to too many values")
    return value


def _holds_too_much(value: Any) -> bool:
    """Tell aliases of aliases, which unfold to billions of values, from a recipe."""
    waiting, seen = [value], 0
    while waiting:
        item = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            return True
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False


def _yaml_problem(err: yaml.YAMLError) -> str:
    """Return one line for what PyYAML says in several."""
    if isinstance(err, yaml.MarkedYAMLError) and err.problem_mark is not None:
        return f"line {err.problem_mark.line + 1}: {err.problem}"
    return " ".join(str(err).split())


def read_yaml(path: Path, *, called: str = "recipe") -> dict[str, Any]:
    """Read a YAML mapping.

    Args:
        path: The file, UTF-8.
        called: What messages call it.

    Raises:
        ConfigError: The file is missing, not UTF-8, not YAML or not a mapping.
    """
    try:
        data = parse_value(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise ConfigError(
            f"The {called} {path} does not exist.",
            hint=f"Check the path, or start without a {called}.",
        ) from err
    except (UnicodeDecodeError, OSError) as err:
        raise ConfigError(f"The {called} {path} cannot be read: {err}.") from err
    except yaml.YAMLError as err:
        raise ConfigError(f"The {called} {path} is not valid YAML: {_yaml_problem(err)}.") from err
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(
            f"The {called} {path} must be a mapping of keys to values, not {type(data).__name__}."
        )
    return data


def merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``top`` laid over it, mapping by mapping.

    Example:
        >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
        {'a': {'x': 1, 'y': 3}}
    """
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = (
            merge(below, value)
            if isinstance(below, Mapping) and isinstance(value, Mapping)
            else value
        )
    return merged


def parse_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    """Turn ``training.learning_rate=1e-4`` into nested mappings.

    Args:
        overrides: ``dotted.key=value`` texts; later ones win.

    Raises:
        ConfigError: There is no ``=``, or a key is empty.

    Example:
        >>> parse_overrides(["training.learning_rate=1e-4", "name=run1"])
        {'training': {'learning_rate': 0.0001}, 'name': 'run1'}
    """
    merged: dict[str, Any] = {}
    for override in overrides:
        dotted, equals, text = override.partition("=")
        keys = dotted.split(".")
        if not equals or not all(keys):
            raise ConfigError(
                f"'{override}' is not an override.",
                hint="Write it as key=value with dots between levels: training.learning_rate=1e-4",
            )
        try:
            value = parse_value(text)
        except yaml.YAMLError as err:
            raise ConfigError(
                f"The value of '{override}' is not valid YAML: {_yaml_problem(err)}."
            ) from err
        for key in reversed(keys):
            value = {key: value}
        merged = merge(merged, value)
    return merged


def build(cls: type[T], data: Mapping[str, Any], *, where: str) -> T:
    """Validate ``data`` into the configuration type ``cls``.

    Args:
        cls: A pydantic dataclass.
        data: Nested mappings.
        where: What the data is called in messages, for example ``the recipe demo.yaml``.

    Raises:
        ConfigError: A key is unknown (the nearest valid one is named) or a value is wrong.
    """
    _refuse_unknown_keys(cls, data, prefix="", where=where)
    try:
        return TypeAdapter(cls).validate_python(dict(data))
    except ValidationError as err:
        problems = "; ".join(map(_problem, err.errors()))
        raise ConfigError(f"{where} is not valid: {problems}.") from err


def _problem(item: Any) -> str:
    """Return one finding of pydantic in words; what contradicts itself is not shown whole."""
    message = str(item["msg"]).removeprefix("Value error, ")
    where = "".join(f"{part}." for part in item["loc"])[:-1]
    if item["type"] == "value_error" and isinstance(item["input"], Mapping):
        return f"{where}: {message}" if where else message
    return f"{where}: {message} (received {_short(item['input'])})"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def to_mapping(value: object) -> dict[str, Any]:
    """Return a configuration object as plain nested mappings, ready for YAML or JSON."""
    mapping: dict[str, Any] = TypeAdapter(type(value)).dump_python(value, mode="json")
    return mapping


def to_yaml(value: object) -> str:
    """Return a configuration object as YAML with its keys in declared order."""
    return yaml.safe_dump(to_mapping(value), allow_unicode=True, sort_keys=False, width=100)


def _refuse_unknown_keys(cls: Any, data: Mapping[str, Any], *, prefix: str, where: str) -> None:
    hints = get_type_hints(cls)
    valid = [field.name for field in fields(cls)]
    for key, value in data.items():
        if key not in valid:
            near = difflib.get_close_matches(str(key), valid, n=1)
            hint = (
                f"Did you mean '{prefix}{near[0]}'?" if near else f"Valid keys: {', '.join(valid)}."
            )
            raise ConfigError(f"{where}: unknown key '{prefix}{key}'.", hint=hint)
        if isinstance(value, bool) and bool not in (hints[key], *get_args(hints[key])):
            raise ConfigError(
                f"{where}: {prefix}{key} is {str(value).lower()}, and it is no yes-or-no setting."
            )
        nested = next((t for t in (hints[key], *get_args(hints[key])) if is_dataclass(t)), None)
        if nested is None or not isinstance(value, Mapping):
            continue
        named = value if get_origin(hints[key]) is dict else {"": value}  # dict[str, SourceShare]
        for name, settings in named.items():
            inner = f"{prefix}{key}.{name}." if name else f"{prefix}{key}."
            if isinstance(settings, Mapping):
                _refuse_unknown_keys(nested, settings, prefix=inner, where=where)
