"""What a corpus run costs: each stage, the whole, beside HojiChar, with two workers, and in memory.

    python benchmarks/corpus.py --data ../shared/data --mb 200 --memory-mb 10 100

Throughput is MB of UTF-8 text for each second of CPU time, so that other work on the machine counts
little; it is best of `--repeats`, and the contestants of a comparison take turns. Beside HojiChar both
run the filters that both have on the same documents, and each document goes through all of them: ours have
limits that reject nothing, HojiChar's go on with what was rejected (`skip_rejected=False`). `--memory-mb 10 100 1000` takes an hour; the file is made by sampling.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.corpus_inputs import KINDS, documents_of, megabytes, write_sampled

from migaki.corpus.cleaning.config import build_stages, cleaning_config
from migaki.corpus.documents import Document, Rejection, Stage, run_stages

# Ours → HojiChar's filter of the same purpose, each with a limit that rejects nothing.
COUNTERPARTS: dict[str, tuple[dict[str, Any], tuple[str, dict[str, Any]]]] = {
    "normalization": ({}, ("DocumentNormalizer", {})),
    "frame_lines": ({}, ("HeaderFooterTagsRemover", {})),
    "length": ({"min_japanese": 1}, ("DocumentLengthFilter", {"min_doc_len": 1})),
    "japanese_ratio": ({"min_ratio": 0.0}, ("AcceptJapanese", {})),
    "symbols": ({"max_share": 1.0}, ("DiscardTooManySpecialToken", {"threshold": 1.0})),
    "character_runs": (
        {"max_run": 10**6},
        ("SingleCharacterRepetitionFilter", {"threshold": 10**6}),
    ),
    "ellipses": ({"max_share": 1.0}, ("DiscardTooManyEndingEllipsis", {"threshold": 1.1})),
    "short_lines": ({"max_share": 1.0}, ("DiscardTooShortLines", {"threshold": 1.1})),
    "frequent_ngrams": ({"max_share": 1.0}, ("CharRepetitionRatioFilter", {"threshold": 1.1})),
    "adverts": (
        {"max_share": 1.0, "lists": ["hojichar:advertisement_keywords_ja"]},
        ("DiscardAds", {"max_allowed_num": 10**6}),
    ),
    "adult_words": ({"max_share": 1.0}, ("DiscardAdultContentJa", {})),
    "discriminatory_words": (
        {"max_share": 1.0},
        ("DiscardDiscriminationContentJa", {}),
    ),
    "personal_information": ({}, ("MaskPersonalInformation", {})),
}
PARTS = ("stages", "hojichar", "workers", "memory")


def main() -> int:
    given = _arguments()
    if given.run:
        _run_one(*given.run)
        return 0
    data = Path(given.data)
    documents = {kind: documents_of(data, kind) for kind in KINDS}
    results: dict[str, Any] = {"machine": _machine()}
    with tempfile.TemporaryDirectory(prefix="migaki-corpus-") as name:
        folder = Path(name)
        parts: dict[str, Callable[[], Any]] = {
            "stages": lambda: _stages(documents, given.repeats),
            "hojichar": lambda: _beside_hojichar(documents, given.repeats),
            "workers": lambda: _workers(documents, folder, given.mb, given.repeats),
            "memory": lambda: _memory(documents, folder, given.memory_mb),
        }
        for part in given.parts:
            print(f"\n── {part} (load {os.getloadavg()[0]:.1f})", flush=True)
            results[part] = parts[part]()
    results["load_after"] = os.getloadavg()
    if given.out:
        Path(given.out).write_text(
            json.dumps(results, ensure_ascii=False, indent=2) + "\n", "utf-8"
        )
    return 0


def _arguments() -> argparse.Namespace:
    here = Path(__file__).resolve()
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", default=str(here.parents[2] / "shared" / "data"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--mb", type=float, default=200.0, help="size of the input for two workers")
    parser.add_argument("--memory-mb", type=float, nargs="+", default=[10.0, 100.0])
    parser.add_argument("--out", default=str(here.parent / "results" / "corpus.json"))
    parser.add_argument(
        "--run", nargs=3, metavar=("SOURCE", "OUT", "WORKERS"), help=argparse.SUPPRESS
    )
    return parser.parse_args()


# ── stages ───────────────────────────────────────────────────────────────────────────────────────


def _stages(documents: dict[str, list[Document]], repeats: int) -> dict[str, Any]:
    """Measure each stage alone, and all stages of the preset of each kind together."""
    found: dict[str, Any] = {"whole": {}, "alone": {}}
    for kind, preset in [*KINDS.items(), ("wiki", "web")]:
        stages = build_stages(cleaning_config(preset))
        speed = _mb_per_s(documents[kind], stages, repeats)
        kept = sum(not isinstance(run_stages(d, stages), Rejection) for d in documents[kind])
        found["whole"][f"{kind} as {preset}"] = {
            "mb_per_s": speed,
            "documents": len(documents[kind]),
            "kept": kept,
        }
        print(
            f"{kind:10} {kept:6,} of {len(documents[kind]):6,} documents kept, "
            f"{megabytes(documents[kind]):6.1f} MB as {preset:14} {speed:7.2f} MB/s"
        )
    everything = [document for group in documents.values() for document in group]
    for stage in build_stages(cleaning_config("web")):
        found["alone"][stage.name] = _mb_per_s(everything, (stage,), repeats)
    for name, speed in sorted(found["alone"].items(), key=lambda item: item[1]):
        print(f"  {name:22} {speed:8.2f} MB/s alone")
    return found


def _mb_per_s(documents: list[Document], stages: Sequence[Stage], repeats: int) -> float:
    best = min(_cpu_s(documents, stages) for _ in range(repeats))
    return megabytes(documents) / best


def _cpu_s(documents: list[Document], stages: Sequence[Stage]) -> float:
    fresh = [_fresh(document) for document in documents]
    began = time.process_time()
    for document in fresh:
        run_stages(document, stages)
    return time.process_time() - began


def _fresh(document: Document) -> Document:
    """Return a document of which nothing is remembered: measures are kept by text."""
    return replace(document, text=f"{document.text}\n{os.urandom(3).hex()}")


# ── HojiChar ─────────────────────────────────────────────────────────────────────────────────────


def _beside_hojichar(documents: dict[str, list[Document]], repeats: int) -> dict[str, Any]:
    import hojichar
    from hojichar import document_filters

    ours = build_stages(
        cleaning_config("none", {name: settings for name, (settings, _) in COUNTERPARTS.items()})
    )
    theirs = hojichar.Compose(
        [
            getattr(document_filters, name)(**options, skip_rejected=False)
            for _, (name, options) in COUNTERPARTS.values()
        ]
    )
    found: dict[str, Any] = {"filters": list(COUNTERPARTS), "kinds": {}}
    totals = {"migaki": 0.0, "hojichar": 0.0}
    for kind, group in documents.items():
        kept = [item for item in group if not isinstance(run_stages(item, ours), Rejection)]
        seconds = _in_turns(kept, ours, theirs, repeats)
        size = megabytes(kept)
        for name, value in seconds.items():
            totals[name] += value
        found["kinds"][kind] = {
            "documents": len(kept), "mb": size,
            **{f"{name}_mb_per_s": size / value for name, value in seconds.items()},
            "ratio": seconds["hojichar"] / seconds["migaki"],
        }  # fmt: skip
        print(f"{kind:10} {len(kept):6,} documents {size:6.1f} MB  migaki "
              f"{size / seconds['migaki']:6.2f} MB/s  HojiChar {size / seconds['hojichar']:6.2f} MB/s  "
              f"{found['kinds'][kind]['ratio']:5.2f} times")  # fmt: skip
    found["ratio"] = totals["hojichar"] / totals["migaki"]
    print(f"all: {found['ratio']:.2f} times HojiChar, {len(ours)} filters each")
    return found


def _in_turns(
    documents: list[Document], ours: Sequence[Stage], theirs: Any, repeats: int
) -> dict[str, float]:
    """Return the best CPU seconds of both."""
    import hojichar

    best = {"migaki": float("inf"), "hojichar": float("inf")}
    for _ in range(repeats):
        best["migaki"] = min(best["migaki"], _cpu_s(documents, ours))
        fresh = [hojichar.Document(_fresh(document).text) for document in documents]
        began = time.process_time()
        for document in fresh:
            theirs.apply(document)
        best["hojichar"] = min(best["hojichar"], time.process_time() - began)
    return best


# ── workers and memory ───────────────────────────────────────────────────────────────────────────


def _workers(
    documents: dict[str, list[Document]], folder: Path, mb: float, repeats: int
) -> dict[str, Any]:
    """Run a whole corpus run with one worker and with two, in turns.

    Wall time says something on an idle machine only. On a busy one the CPU time does: what the run
    would take if each process had a core is the parent's time and half of its two workers'.
    """
    source = write_sampled(folder / "workers.jsonl", documents["wiki"] + documents["news"], mb=mb)
    runs: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for turn in range(repeats):
        for workers, found in runs.items():
            found.append(_child(source, folder / f"w{turn}-{workers}", workers))
    best = {
        workers: {key: min(run[key] for run in found) for key in ("wall_s", "path_s", "task_cpu_s")}
        for workers, found in runs.items()
    }
    gain = {key: best[1][key] / best[2][key] for key in ("wall_s", "path_s")}
    print(f"{source.stat().st_size / 1e6:.0f} MB, one worker and two: wall {best[1]['wall_s']:.1f} and "
          f"{best[2]['wall_s']:.1f} s ({gain['wall_s']:.2f} times); CPU on the longest path "
          f"{best[1]['path_s']:.1f} and {best[2]['path_s']:.1f} s ({gain['path_s']:.2f} times)")  # fmt: skip
    return {"mb": source.stat().st_size / 1e6, "best": best, "gain": gain, "load": os.getloadavg()}


def _memory(
    documents: dict[str, list[Document]], folder: Path, sizes: Sequence[float]
) -> list[dict[str, Any]]:
    found = []
    for mb in sizes:
        source = write_sampled(
            folder / "memory.jsonl", documents["wiki"] + documents["news"], mb=mb
        )
        facts = _child(source, folder / f"m{mb:g}", 1)
        facts["mb"] = source.stat().st_size / 1e6
        found.append(facts)
        print(
            f"{facts['mb']:7.0f} MB: peak {facts['peak_mib']:6.0f} MiB in {facts['wall_s']:.0f} s",
            flush=True,
        )
        source.unlink()
    return found


def _child(source: Path, out: Path, workers: int) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.corpus",
        "--run",
        str(source),
        str(out),
        str(workers),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def _run_one(source: str, out: str, workers: str) -> None:
    """Do one run in this process and print what it took."""
    from migaki.corpus.configured_inputs import configured_inputs, with_task_size
    from migaki.corpus.pipeline import prepare
    from migaki.corpus.pipeline_config import EngineConfig, PipelineConfig

    config = with_task_size(
        PipelineConfig(
            sources={source: None},
            cleaning={"preset": "encyclopaedia"},
            engine=EngineConfig(workers=int(workers)),
        )
    )
    began, before_s = time.perf_counter(), time.process_time()
    done = prepare([item.input for item in configured_inputs(config)], out=Path(out), config=config)
    wall_s = time.perf_counter() - began
    here, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    path_s = here.ru_utime + here.ru_stime - before_s
    path_s += (children.ru_utime + children.ru_stime) / int(workers)
    peak = max(here.ru_maxrss, children.ru_maxrss)
    assert done.manifest
    print(json.dumps({
        "wall_s": wall_s, "path_s": path_s,
                "task_cpu_s": done.manifest.made["cpu_s"], "peak_mib": peak / 1024,
        "counts": done.manifest.counts, "outputs": len(done.manifest.outputs),
    }))  # fmt: skip


def _machine() -> dict[str, Any]:
    from migaki.hardware.cpu import cpu_name, usable_cores

    packages = ("migaki", "hojichar", "datatrove", "pyarrow")
    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "system": platform.platform(),
        "load_before": os.getloadavg(),
        "versions": {
            "python": platform.python_version(),
            **{p: metadata.version(p) for p in packages},
        },
    }


if __name__ == "__main__":
    sys.exit(main())
