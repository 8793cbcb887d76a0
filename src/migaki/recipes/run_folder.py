"""The folder of one run: what it holds, who wrote it, and whether it can go on.

    runs/NAME/
    ├── run.yaml          the resolved recipe: enough to repeat the run
    ├── environment.json  versions, commit, hardware, precision, seed, command
    ├── plan.json         what was foreseen: rows, steps, memory, time
    ├── lineage.json      the base model and every stage before this one, with hashes
    ├── data.json         files with hashes and licences, counts in and out
    ├── rejected.jsonl    rows that were left out, each with its reason
    ├── metrics.jsonl     losses and throughput, a line each
    ├── checkpoints/      to resume from
    ├── adapter/ or model/  the result, with its page for the hub (README.md)
    ├── evaluation.json   before, after and the change
    ├── samples.jsonl     prompts with the answers before and after
    ├── status.json       running | completed | interrupted | failed
    ├── .lock             held by the process that works in the folder
    └── report.html       the page to look at

Files are written whole or not at all. Nothing here trains or measures.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from platform import platform, python_version
from typing import Any, Literal

from migaki import __version__, config
from migaki.atomic import write_json, write_text
from migaki.errors import ConfigError, MigakiError, UsageError
from migaki.locks import take_lock
from migaki.recipes.recipe import Recipe

State = Literal["running", "completed", "interrupted", "failed"]

_PACKAGES = (
    "torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors", "numpy",
    "pydantic", "bitsandbytes", "flash-attn",
)  # fmt: skip

# Hub, OpenAI and W&B style secrets: nobody should put them on a command line, but people do.
_SECRET = re.compile(
    r"\b(hf_|sk-|xox[bp]-)[A-Za-z0-9_-]{6,}|(?<=token=)\S+|(?<=key=)\S+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths and small files of one run.

    Args:
        path: The folder.
    """

    path: Path

    @property
    def checkpoints(self) -> Path:
        """Where training keeps its checkpoints."""
        return self.path / "checkpoints"

    @property
    def adapter(self) -> Path:
        """Where a trained adapter lies."""
        return self.path / "adapter"

    @property
    def model(self) -> Path:
        """Where a fully trained model lies."""
        return self.path / "model"

    def read_json(self, name: str) -> dict[str, Any]:
        """Return a JSON file of the folder, or an empty mapping when it is not there.

        Raises:
            MigakiError: It is damaged.
        """
        try:
            data = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as err:
            raise MigakiError(
                f"{self.path / name} is damaged: {err}.",
                hint="Put back what the run wrote there, or start a new run.",
            ) from err
        return data if isinstance(data, dict) else {}

    def _status(self) -> dict[str, Any]:
        """Return ``status.json``; a damaged one says nothing, and is written anew."""
        try:
            return self.read_json("status.json")
        except MigakiError:
            return {}

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON file of the folder, whole or not at all."""
        write_json(self.path / name, value)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other process out of the folder; the lock goes with the process that holds it.

        Raises:
            UsageError: Another process works in the folder.
        """
        lock = take_lock(
            self.path / ".lock",
            f"Another process is working on the run '{self.path.name}'.",
            hint="Wait until it ends, or stop it, and then resume.",
        )
        try:
            yield
        finally:
            lock.release()

    def recipe(self) -> Recipe:
        """Return the recipe that the run was started with."""
        path = self.path / "run.yaml"
        return config.build(Recipe, config.read_yaml(path), where=str(path))

    def write_recipe(self, recipe: Recipe) -> None:
        """Write the resolved recipe, headed by the command that repeats it."""
        header = f"# migaki train {self.path.name}/run.yaml\n"
        write_text(self.path / "run.yaml", header + config.to_yaml(recipe))

    def set_state(
        self, state: State, message: str = "", *, seconds: Mapping[str, float] | None = None
    ) -> None:
        """Record where the run stands.

        Args:
            state: running, completed, interrupted or failed.
            message: Why, for interrupted and failed.
            seconds: Wall-clock seconds by stage; kept from before where not given.
        """
        status = self._status()
        status |= {"state": state, "message": message}
        if seconds is not None:
            before = status.get("seconds")
            status["seconds"] = {**(before if isinstance(before, dict) else {}), **seconds}
        self.write_json("status.json", status)

    def state(self) -> str:
        """Return the recorded state, or ``empty`` for a folder without one."""
        return str(self._status().get("state", "empty"))


def create_run_folder(recipe: Recipe) -> RunFolder:
    """Make a new run folder; never reuse one that holds a run.

    Args:
        recipe: Its name is used; without one a name is made and numbered.

    Raises:
        UsageError: A run of that name exists.
    """
    base = Path(recipe.output_dir)
    if recipe.name is not None:
        path = base / recipe.name
        base.mkdir(parents=True, exist_ok=True)
        if not _claim(path):
            raise UsageError(
                f"The run '{recipe.name}' already exists in {base}.",
                hint=f"Go on with it: migaki train --resume --name {recipe.name}   "
                "or choose another --name.",
            )
        return RunFolder(path)
    stem = automatic_name(recipe)
    for number in range(1, 100_000):
        path = base / f"{stem}-{number:02d}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return RunFolder(path)
    raise UsageError(f"No free run name '{stem}-N' in {base}.", hint="Choose one with --name.")


def _claim(path: Path) -> bool:
    """Take an empty folder, made if it is not there; of two runs that start at once one gets it."""
    try:
        path.mkdir(exist_ok=True)
        if any(path.iterdir()):
            return False
        (path / "status.json").open("x").close()
    except FileExistsError:
        return False
    return True


def automatic_name(recipe: Recipe) -> str:
    """Make a run name from model, method and data.

    Example:
        >>> automatic_name(Recipe())
        'migaki-tiny-lora-samples'
    """
    parts = [Path(recipe.model.name).name, recipe.method, Path(recipe.data.train[0]).stem]
    return re.sub(r"[^\w.-]+", "_", "-".join(parts)).strip("._-") or "run"


def find_resumable(output_dir: Path, name: str | None) -> RunFolder:
    """Find the run to go on with.

    Args:
        output_dir: Folder of run folders.
        name: Its name; without one the latest run that did not complete.

    Raises:
        UsageError: There is none, or it is complete.
    """
    if name is not None:
        run = RunFolder(output_dir / name)
        if not (run.path / "run.yaml").is_file():
            raise UsageError(
                f"There is no run '{name}' in {output_dir}.",
                hint=f"Runs there: {_names(output_dir)}.",
            )
    else:
        runs = sorted(output_dir.glob("*/run.yaml"), key=lambda path: path.stat().st_mtime)
        open_runs = [
            r for r in map(RunFolder, (p.parent for p in runs)) if r.state() != "completed"
        ]
        if not open_runs:
            raise UsageError(
                f"No run in {output_dir} waits to be resumed.",
                hint="Start one with: migaki train",
            )
        run = open_runs[-1]
    if run.state() == "completed":
        raise UsageError(
            f"The run '{run.path.name}' is complete: there is nothing to resume.",
            hint=f"Look at it: migaki report {run.path}",
        )
    return run


def describe_environment(
    *, hardware: Mapping[str, Any], seed: int, precision: Mapping[str, str], command: str | None
) -> dict[str, Any]:
    """Return what is needed to judge and repeat a run: versions, commit, hardware, command.

    Args:
        hardware: As ``hardware.gpu.describe_hardware`` returns it.
        seed: The seed of the run.
        precision: ``{"dtype", "reason"}``.
        command: The command line; without one that of this process. Secrets are masked.
    """
    return {
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": mask_secrets(command or _own_command()),
        "migaki": {"version": __version__, "commit": _commit()},
        "python": python_version(),
        "platform": platform(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "hardware": dict(hardware),
        "seed": seed,
        "precision": dict(precision),
    }


def mask_secrets(text: str) -> str:
    """Hide what looks like an access token.

    Example:
        >>> mask_secrets("migaki train --data a.jsonl token=abc123 hf_abcdefghijk")
        'migaki train --data a.jsonl token=*** ***'
    """
    return _SECRET.sub("***", text)


def _own_command() -> str:
    return shlex.join([os.path.basename(sys.argv[0]) or "python", *sys.argv[1:]])


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the git commit of this checkout, or nothing for an installed package."""
    git = shutil.which("git")
    root = Path(__file__).resolve().parents[3]
    if git is None or not (root / ".git").exists():
        return None
    answer = subprocess.run(
        [git, "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def _names(folder: Path) -> str:
    names = sorted(path.parent.name for path in folder.glob("*/run.yaml"))
    return ", ".join(names) if names else "none yet"


def ensure_writable(path: Path) -> None:
    """Check that files can be made in ``path`` before work begins.

    Raises:
        ConfigError: The folder cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise ConfigError(
            f"The output folder {path} cannot be made: {err.strerror}.",
            hint="Choose another with output_dir=PATH.",
        ) from err
    if not os.access(path, os.W_OK):
        raise ConfigError(
            f"The output folder {path} is not writable.",
            hint="Choose another with output_dir=PATH.",
        )
