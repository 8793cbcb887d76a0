"""Where words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import logging
import os
import sys
import warnings

from rich.console import Console
from rich.logging import RichHandler

from migaki.errors import MigakiError

out = Console()
"""Results: what another program may read."""

err = Console(stderr=True)
"""Progress, notes, questions and errors."""


def is_interactive() -> bool:
    """Tell whether a person sits at both ends: questions may be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def quiet_libraries() -> None:
    """Keep the libraries below from writing into our output; their warnings go to our log."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", category=UserWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)


def share_cores() -> None:
    """Let threads that wait for each other give up their core soon; call it before torch is loaded.

    torch's threads (GNU OpenMP) spin while they wait. Where another program wants the core, each
    short product of a small model then waits a whole time slice: on two busy cores a training step
    was 13 times slower than with one thread. Measured on the embedded model, two cores, seconds a
    step: quiet 0.32 as it comes and 0.38 so, beside one busy process 1.05 and 0.60.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def quiet_transformers() -> None:
    """Drop its own bars for reading and writing weights; bars for downloads stay."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def setup_logging(*, debug: bool = False) -> None:
    """Show migaki's own log on stderr: warnings always, the rest with ``--debug``."""
    logger = logging.getLogger("migaki")
    handler = RichHandler(console=err, show_time=False, show_path=debug, show_level=True)
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)


def show_error(error: MigakiError) -> None:
    """Print an error as one paragraph: what was wrong, then what to do next."""
    from rich.text import Text

    label = "Stopped: " if error.exit_code == 130 else "Error: "
    text = Text(label, style="bold yellow" if error.exit_code == 130 else "bold red")
    text.append(error.message, style="not bold default")
    if error.hint:
        text.append(f" {error.hint}", style="not bold cyan")
    # Wrapping would break paths and commands that people copy.
    err.print(text, soft_wrap=True)
