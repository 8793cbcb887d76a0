"""The tools, how each is run, and the environments that they are installed in.

    python tools.py --venvs ../peers            # make what is missing; four environments, 6 GB

One environment a tool, with the versions in `requirements/`; torch first, so that its build is the
one that is asked for. An environment that was made from the same requirements is used again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Way:
    """A tool with its settings.

    Args:
        worker: Script that trains once.
        environment: Whose packages it needs; none: those of the benchmark.
        meaning: Which settings.
    """

    worker: str
    environment: str | None
    meaning: str


WAYS = {
    "migaki": Way("with_migaki.py", None, "float32, as its peers"),
    "migaki-auto": Way("with_migaki.py", None, "the precision it picks by itself"),
    "trl": Way("with_trl.py", "trl", "as it comes: rows shuffled"),
    "trl-best": Way("with_trl.py", "trl", "rows grouped by length"),
    "trl-padding-free": Way("with_trl.py", "trl", "rows of a batch in one line, no padding"),
    "trainer": Way("with_trainer.py", "trainer", "transformers.Trainer as it comes"),
    "trainer-grouped": Way("with_trainer.py", "trainer", "rows grouped by length"),
    "litgpt": Way("with_litgpt.py", "litgpt", "as it comes: rows shuffled"),
    "axolotl": Way("with_axolotl.py", "axolotl", "rows grouped by length"),
}


def python_of(environment: str | None, venvs: Path) -> str:
    """Return the interpreter of an environment."""
    return str(venvs / environment / "bin" / "python") if environment else sys.executable


def make_environment(name: str, venvs: Path) -> None:
    """Install a tool, unless these very versions are there."""
    wanted = (HERE / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    mark = venvs / name / "installed.txt"
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return
    print(f"making the environment of {name} in {venvs / name}", flush=True)
    venv.create(venvs / name, with_pip=True, clear=True)
    torch = next(line for line in wanted.splitlines() if line.startswith("torch=="))
    pip = [python_of(name, venvs), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, torch], check=True)
    subprocess.run([*pip, "-r", str(HERE / "requirements" / f"{name}.txt")], check=True)
    mark.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--venvs", type=Path, required=True)
    parser.add_argument("names", nargs="*", help="which (default: all)")
    given = parser.parse_args()
    known = sorted({way.environment for way in WAYS.values() if way.environment})
    for one in given.names or known:
        make_environment(one, given.venvs.resolve())
