"""Every measure of Japanese quality in one run: conjugation, register, variants, and what was read.

    python benchmarks/language.py --data ../shared/data

Some five minutes on one core. Each part is a script of its own with more options (`--help`), and a
page under `docs/results/` that says what is measured, how the data are cut in two, and what is wrong:

    language_conjugation.py   language-conjugation.md   J-UniMorph, UD GSD, UniDic's own paradigms
    language_register.py      language-conversion.md    CoCoA-MT, there and back, 5,000 mixed sentences
    language_detection.py     language-detection.md     KeiCO, CoCoA-MT
    language_variants.py      language-variants.md      rejections per operator
    language_reading.py       language-reading.md       verdicts of readers, and which are stale

Speed is measured apart: `language_analysis.py`, `language_augmentation.py`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def parts(data: Path) -> list[list[str]]:
    """The scripts with their arguments, in the order of the pages."""
    rounds = sorted({path.name.split("-")[1] for path in _reading().glob("round-*")})
    where = ["--data", str(data)]
    return [
        ["language_conjugation.py", *where],
        ["language_register.py", *where],
        ["language_detection.py", *where],
        ["language_variants.py", "rates", *where],
        *(["language_reading.py", "count", "--round", number] for number in rounds),
    ]


def _reading() -> Path:
    return HERE.parent / "docs" / "results" / "reading"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    failed = []
    for script, *arguments in parts(parser.parse_args().data):
        print(f"\n== {script} {' '.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, HERE / script, *arguments], check=False).returncode:
            failed.append(script)
    if failed:
        print(f"Stopped with an error: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
