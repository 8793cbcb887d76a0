"""The README's commands are what CI runs, and its examples work as written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def _command(readme: str, name: str) -> str:
    match = re.search(rf"<!-- command: {name} -->\n```bash\n(.+?)\n```", readme, re.DOTALL)
    assert match is not None, f"the README has no command '{name}'"
    return match.group(1)


@pytest.mark.parametrize("language", ["README.md", "README.ja.md"])
def test_both_readmes_hold_the_same_two_commands(project_root: Path, language: str) -> None:
    english = (project_root / "README.md").read_text(encoding="utf-8")
    readme = (project_root / language).read_text(encoding="utf-8")
    for name in ("train", "test"):
        assert _command(readme, name) == _command(english, name)


def test_ci_takes_its_test_command_from_the_readme(project_root: Path) -> None:
    assert "<!-- command: test -->" in (project_root / ".ci" / "run").read_text(encoding="utf-8")


def test_the_python_example_runs_as_written(
    project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (project_root / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(from migaki import .+?)\n```", readme, re.DOTALL)
    assert example is not None
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(example.group(1), "README.md", "exec"), names)
    trained = names["trained_model"]
    trainable = [p for p in trained.parameters() if p.requires_grad]  # type: ignore[attr-defined]
    assert trainable
    assert (tmp_path / "outputs" / "adapter" / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize("language", ["README.md", "README.ja.md"])
def test_the_examples_of_linguistics_give_what_they_say(project_root: Path, language: str) -> None:
    readme = (project_root / language).read_text(encoding="utf-8")
    example = re.search(r"```python\n(from migaki\.linguistics.+?)\n```", readme, re.DOTALL)
    assert example is not None
    names: dict[str, object] = {}
    promises = 0
    for line in example.group(1).splitlines():
        code, _, promised = line.partition("  # ")
        if promised:
            assert str(eval(code, names)) == promised
            promises += 1
        else:
            exec(code, names)
    assert promises == 4
