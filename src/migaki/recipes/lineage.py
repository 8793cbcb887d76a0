"""Where a model comes from: its base model and every stage that it was trained in, oldest first.

`lineage.json` lies in the run folder and beside the weights, so that an adapter that is given away
takes it along. A run that continues from another copies its stages and adds its own. It names files
without their folders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from migaki.atomic import write_json
from migaki.errors import ModelError
from migaki.models.fingerprint import Fingerprint
from migaki.models.location import read_json_object

__all__ = ["LINEAGE_FILE", "BaseModelIdentity", "Lineage", "Stage", "files_of", "read_lineage"]

LINEAGE_FILE = "lineage.json"
_FORMAT = 1
_FILE_KEYS = ("sha256", "role", "rows", "kept", "licences", "sources")


@dataclass(frozen=True, slots=True)
class BaseModelIdentity:
    """A model that weights were trained from or put on, and how to know it again."""

    name: str
    """Hub id, ``migaki-tiny``, or folder."""
    revision: str | None = None
    """Branch, tag or commit of the Hub, where one was asked for."""
    fingerprint: Fingerprint = field(default_factory=Fingerprint)

    def to_json(self) -> dict[str, Any]:
        """Return it as stored."""
        return {
            "name": self.name,
            "revision": self.revision,
            "fingerprint": self.fingerprint.to_json(),
        }

    @classmethod
    def from_json(cls, value: Any) -> BaseModelIdentity:
        """Read it back; what is not there counts as unknown."""
        value = value if isinstance(value, Mapping) else {}
        revision = value.get("revision")
        return cls(
            str(value.get("name") or ""),
            revision if isinstance(revision, str) else None,
            Fingerprint.from_json(value.get("fingerprint")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One run that a model was trained in."""

    run: str
    """Name of the run."""
    method: str
    """``lora``, ``qlora`` or ``full``."""
    adapter: str = ""
    """``new``, ``trained on`` or ``stacked``; empty for method ``full``."""
    continued_from: str = ""
    """What it went on from; empty for a first stage."""
    continued_from_sha256: str | None = None
    """Hash of those weights."""
    model: BaseModelIdentity
    """What the adapter stands on, or whose weights were trained."""
    data: Sequence[Mapping[str, Any]] = ()
    """Files: name, sha256, rows, licences, sources."""
    started_at: str = ""
    """When, with time zone."""
    steps: int | None = None
    """Optimizer steps behind the weights; none while it runs."""
    tokens: int | None = None
    """Tokens seen, without padding."""
    trained_tokens: int | None = None
    """Those of them with a loss."""
    result_sha256: str | None = None
    """Hash of the weights that came out."""

    def to_json(self) -> dict[str, Any]:
        """Return it as stored."""
        return {**asdict(self), "model": self.model.to_json(), "data": list(self.data)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Stage:
        """Read it back.

        Raises:
            TypeError: A value is missing.
        """
        known = {field.name for field in fields(cls)}
        values = {name: item for name, item in value.items() if name in known}
        values["model"] = BaseModelIdentity.from_json(value.get("model"))
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The base model and the stages, oldest first."""

    base: BaseModelIdentity
    stages: tuple[Stage, ...] = ()

    def then(self, stage: Stage) -> Lineage:
        """Return it with one more stage."""
        return Lineage(self.base, (*self.stages, stage))

    def ended(self, **results: Any) -> Lineage:
        """Return it with results of its last stage: steps, tokens, hashes."""
        return Lineage(self.base, (*self.stages[:-1], replace(self.stages[-1], **results)))

    def write(self, folder: Path) -> None:
        """Write ``lineage.json`` into a folder, whole or not at all."""
        stages = [stage.to_json() for stage in self.stages]
        value = {"format": _FORMAT, "base": self.base.to_json(), "stages": stages}
        write_json(folder / LINEAGE_FILE, value)


def read_lineage(folder: Path) -> Lineage | None:
    """Read the lineage beside weights or in a run folder.

    Returns:
        Nothing where there is none: weights made by others, or a base model.

    Raises:
        ModelError: It is damaged.
    """
    path = folder / LINEAGE_FILE
    if not path.is_file():
        return None
    value = read_json_object(path)
    try:
        if value["format"] != _FORMAT:
            raise ValueError(f"format {value['format']!r} is not known, {_FORMAT} is")
        stages = tuple(Stage.from_json(stage) for stage in value["stages"])
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise ModelError(
            f"{path} is not a lineage: {err}.",
            hint="Put back what the run wrote there, or delete it: the model is then continued as "
            "one of unknown origin.",
        ) from err
    return Lineage(BaseModelIdentity.from_json(value.get("base")), stages)


def files_of(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the files of a run's ``data.json`` as a stage keeps them: names instead of paths."""
    found = report.get("files")
    return [
        {"name": Path(str(file.get("path", ""))).name}
        | {key: file[key] for key in _FILE_KEYS if key in file}
        for file in (found if isinstance(found, Sequence) else ())
        if isinstance(file, Mapping)
    ]
