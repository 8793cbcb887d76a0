"""Several processes on one terminal: one of them speaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from migaki.cli.console import err, out


def is_launched() -> bool:
    """Tell whether a launcher started this process beside others."""
    return os.environ.get("WORLD_SIZE", "1") not in {"", "1"}


@contextmanager
def one_voice() -> Iterator[None]:
    """Let the first process alone speak, and of errors the process that they began in.

    Raises:
        MigakiError: What ended this process, or another one, and so all.
    """
    if not is_launched():
        yield
        return
    from migaki.training.processes import join_processes

    processes = join_processes()
    err.quiet = out.quiet = processes.is_silent
    try:
        yield
    except BaseException as error:
        told = processes.end(error)
        err.quiet = out.quiet = processes.is_silent
        if told is error:
            raise
        raise told from error
