"""From runs to medians, ratios and a table."""

from __future__ import annotations

import os
import platform
import statistics
from pathlib import Path
from typing import Any

from tools import WAYS

OURS = ("migaki", "migaki-auto")
REFERENCE = "trl"
LOSS_TOLERANCE = 0.01
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")
MEASURES = ("seconds", "tokens_per_s", "wall_s", "peak_mib", "final_loss")

Run = dict[str, Any]


def machine() -> dict[str, Any]:
    """Describe what was measured on."""
    from migaki.hardware.cpu import cpu_name, usable_cores

    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average": os.getloadavg(),
    }


def line(run: Run) -> str:
    """Say one run in a line."""
    return (
        f"turn {run['repeat'] + 1}, {run['workload']:7} {run['way']:16} {run['seconds']:7.1f} s "
        f"{run['tokens_per_s']:7,.0f} tokens/s {run['wall_s']:7.1f} s whole "
        f"{run['peak_mib']:6,.0f} MiB, loss {run['final_loss']:.4f}"
    )


def summarize(result: dict[str, Any]) -> dict[str, Any]:
    """Return medians and ratios by workload, and the versions of each tool."""
    runs: list[Run] = result["runs"]
    workloads = list(dict.fromkeys(run["workload"] for run in runs))
    return {
        "summary": {name: _medians(_of(runs, name)) for name in workloads},
        "ratios": {name: _ratios(_of(runs, name)) for name in workloads},
        "versions": {run["way"]: run["versions"] for run in runs},
        "notes": {run["way"]: run["notes"] for run in runs if run["notes"]},
    }


def comparable(result: dict[str, Any]) -> bool:
    """Say whether every tool ended within 1 % of TRL's loss; those that did not are named."""
    fine = True
    for workload, ways in result["summary"].items():
        if REFERENCE not in ways:
            continue
        theirs = ways[REFERENCE]["final_loss"]
        for way, values in ways.items():
            away = values["final_loss"] / theirs - 1
            if abs(away) > LOSS_TOLERANCE:
                fine = False
                print(f"{workload}: the loss of {way} is {away:+.1%} from TRL's: not comparable")
    return fine


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    for workload, ways in result["summary"].items():
        trained = result["workload"]["trained_tokens"][workload]
        print(f"\n{workload}: {trained:,} trained tokens; medians")
        print(f"{'':58}{'s':>8}{'tokens/s':>10}{'whole s':>9}{'MiB':>7}{'loss':>9}")
        for way, values in sorted(ways.items(), key=lambda item: item[1]["seconds"]):
            print(
                f"{f'{way} ({WAYS[way].meaning})':58}{values['seconds']:8.1f}"
                f"{values['tokens_per_s']:10,.0f}{values['wall_s']:9.1f}"
                f"{values['peak_mib']:7,.0f}{values['final_loss']:9.4f}"
            )
        for name, ratio in result["ratios"][workload].items():
            print(f"  {name}: {ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f})")
        _show_floor(result, workload)
    told = result["machine"]
    print(f"\n{told['cpu']}, {told['cores']} cores, {' '.join(told['flags'])}")
    for way, versions in result["versions"].items():
        print(f"{way}: {', '.join(f'{name} {version}' for name, version in versions.items())}")


def _show_floor(result: dict[str, Any], workload: str) -> None:
    floor = result["floor"]
    share = result["workload"]["trained_tokens"][workload] / result["workload"]["tokens"]
    flops = floor["body_flops_per_token"] + share * floor["head_flops_per_token"]
    for dtype in ("float32", "bfloat16"):
        rate = floor[dtype]["gflop_per_s"]
        reachable = rate * 1e9 / flops
        reached = ", ".join(
            f"{way} at {values['tokens_per_s'] / reachable:.0%}"
            for way, values in result["summary"][workload].items()
            if way in OURS
        )
        print(f"  floor in {dtype}: {rate:,.0f} GFLOP/s, {reachable:,.0f} tokens/s; {reached}")


def _of(runs: list[Run], workload: str) -> list[Run]:
    return [run for run in runs if run["workload"] == workload]


def _medians(runs: list[Run]) -> dict[str, dict[str, float]]:
    ways = sorted({run["way"] for run in runs}, key=list(WAYS).index)
    return {
        way: {
            measure: statistics.median(run[measure] for run in runs if run["way"] == way)
            for measure in MEASURES
        }
        for way in ways
    }


def _ratios(runs: list[Run]) -> dict[str, dict[str, float]]:
    """Compare each of ours with TRL and with the best peer, by each measure."""
    medians = _medians(runs)
    peers = [way for way in medians if way not in OURS]
    if not peers:
        return {}
    found = {}
    for measure, what, best, upside_down in (
        ("tokens_per_s", "tokens/s", max, False),
        ("wall_s", "whole process, speed", min, True),
        ("peak_mib", "peak memory", min, False),
    ):
        first = best(peers, key=lambda way: medians[way][measure])
        for theirs in dict.fromkeys((first, REFERENCE)):
            for ours in OURS:
                pairs = _pairs(runs, ours, theirs, measure)
                if upside_down:
                    pairs = [1 / pair for pair in pairs]
                if pairs:
                    mark = " (best peer)" if theirs == first else ""
                    found[f"{what}: {ours} / {theirs}{mark}"] = {
                        "median": statistics.median(pairs), "min": min(pairs), "max": max(pairs),
                    }  # fmt: skip
    return found


def _pairs(runs: list[Run], ours: str, theirs: str, measure: str) -> list[float]:
    values = {(run["way"], run["repeat"]): run[measure] for run in runs}
    repeats = sorted({run["repeat"] for run in runs})
    return [
        values[ours, repeat] / values[theirs, repeat]
        for repeat in repeats
        if (ours, repeat) in values and (theirs, repeat) in values
    ]
