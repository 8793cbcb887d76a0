"""``migaki doctor``: what this machine can do, and what is in the way."""

from __future__ import annotations

import json
import os
import shutil
from importlib import metadata
from pathlib import Path
from platform import platform, python_version
from typing import Any

import typer

_CORE = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "peft",
    "accelerate",
    "huggingface-hub",
)
_EXTRAS = {
    "quantization": ("bitsandbytes",),
    "tracking": ("tensorboard", "wandb"),
    "preference": ("trl",),
    "hub-data": ("datasets",),
}
_LEAST_MEMORY_GIB = 1.0
_LEAST_DISK_GIB = 0.5


def doctor(
    as_json: bool = typer.Option(False, "--json", help="Print JSON for a program."),
) -> None:
    """Look at this machine: device, memory, disk, packages, network.

    Exit status 1 if something makes `migaki train` impossible.
    """
    findings = examine()
    if as_json:
        typer.echo(json.dumps(findings, ensure_ascii=False, indent=2))
    else:
        _show(findings)
    if findings["problems"]:
        raise typer.Exit(1)


def examine() -> dict[str, Any]:
    """Return what this machine is, what is installed, and what is in the way."""
    from migaki import __version__

    missing = [name for name in _CORE if not _version(name)]
    findings: dict[str, Any] = {
        "migaki": __version__,
        "python": python_version(),
        "platform": platform(),
        "packages": {name: _version(name) for name in _CORE},
        "extras": {extra: _extra(extra, names) for extra, names in _EXTRAS.items()},
        "disk": _disk(Path.cwd()),
        "hub": _hub(),
        "embedded_model": _embedded_model(),
        "hardware": {},
    }
    if not missing:
        from migaki.hardware import gpu

        findings["hardware"] = gpu.describe_hardware()
    findings["problems"] = _problems(findings, missing)
    return findings


def _problems(findings: dict[str, Any], missing: list[str]) -> list[str]:
    found = [
        f"The package {name} is missing. Install migaki again: pip install --force-reinstall migaki"
        for name in missing
    ]
    if findings["embedded_model"]["problem"]:
        found.append(findings["embedded_model"]["problem"])
    disk = findings["disk"]
    if not disk["writable"]:
        found.append(f"The current folder {disk['folder']} is not writable. Go to another one.")
    elif disk["free_gib"] < _LEAST_DISK_GIB:
        found.append(
            f"Only {disk['free_gib']:.2f} GiB are free in {disk['folder']}; a run needs "
            f"{_LEAST_DISK_GIB} GiB at least. Make room, or go to another folder."
        )
    memory = findings["hardware"].get("available_memory_gib")
    if memory is not None and memory < _LEAST_MEMORY_GIB:
        found.append(
            f"Only {memory:.2f} GiB of memory are available; the first run needs about "
            f"{_LEAST_MEMORY_GIB} GiB. Close other programs."
        )
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _extra(extra: str, packages: tuple[str, ...]) -> dict[str, Any]:
    versions = {name: _version(name) for name in packages}
    install = None if all(versions.values()) else f"pip install 'migaki[{extra}]'"
    return {"packages": versions, "install": install}


def _disk(folder: Path) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "free_gib": round(shutil.disk_usage(folder).free / 1024**3, 2),
        "writable": os.access(folder, os.W_OK),
    }


def _hub() -> dict[str, Any]:
    offline = any(
        os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"}
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )
    if offline:
        return {"offline": True, "reachable": False, "reason": "switched off by HF_HUB_OFFLINE"}
    reason = _why_unreachable(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    return {"offline": False, "reachable": reason is None, "reason": reason or "answers"}


def _why_unreachable(endpoint: str) -> str | None:
    """Try to open a connection for two seconds; nothing is sent."""
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(endpoint)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=2).close()
    except OSError as err:
        return f"no connection to {parts.hostname}: {err}"
    return None


def _embedded_model() -> dict[str, Any]:
    from migaki.errors import ModelError
    from migaki.models.location import EMBEDDED_NAME, locate

    try:
        return {"folder": str(locate(EMBEDDED_NAME).folder), "problem": None}
    except ModelError as err:
        return {"folder": None, "problem": str(err)}


def _show(findings: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from migaki.cli.console import out

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for label, value in _lines(findings):
        table.add_row(label, Text(value))
    out.print(table)
    for problem in findings["problems"]:
        out.print(Text(f"✗ {problem}", style="bold red"), soft_wrap=True)
    if not findings["problems"]:
        out.print(Text("✓ migaki train can run here.", style="bold green"))


def _lines(findings: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [
        ("migaki", f"{findings['migaki']}, Python {findings['python']}, {findings['platform']}")
    ]
    hardware = findings["hardware"]
    if hardware:
        lines += [
            ("device", f"{hardware['device']} ({hardware['backend']})"),
            ("precision", f"{hardware['precision']}: {hardware['precision_reason']}"),
            (
                "memory",
                f"{hardware['available_memory_gib']:.1f} GiB {hardware['memory_reason']}",
            ),
            ("processor", f"{hardware['cores']} cores, {hardware['cpu']}"),
        ]
        lines += [
            (
                "GPU",
                f"{g['name']}, {g['free_memory_gb']:.1f} of {g['total_memory_gb']:.1f} GiB free",
            )
            for g in hardware["gpus"]
        ]
    disk, hub = findings["disk"], findings["hub"]
    lines += [
        ("disk", f"{disk['free_gib']:.1f} GiB free in {disk['folder']}"),
        ("Hub", f"{'reachable' if hub['reachable'] else 'not reachable'}: {hub['reason']}"),
        ("embedded model", findings["embedded_model"]["folder"] or "missing"),
        ("packages", ", ".join(f"{n} {v or 'missing'}" for n, v in findings["packages"].items())),
    ]
    for extra, state in findings["extras"].items():
        present = ", ".join(f"{n} {v}" for n, v in state["packages"].items() if v)
        wanted = f"not complete; {state['install']}" if state["install"] else ""
        lines.append((f"extra {extra}", "; ".join(part for part in (present, wanted) if part)))
    return lines
