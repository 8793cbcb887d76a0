"""Several processes that train one model: who they are, what they add up, how they end together.

A launcher (torchrun, or anything that sets the same variables) starts the processes; each of them holds
the model and takes its share of the batches (data parallel, DDP). What is decided during training is
decided from sums over all of them, so that all decide the same. The first process (rank 0) alone writes
files; where it works alone, the others wait for it.

Numbers are summed over nccl on CUDA and ROCm cards and over gloo elsewhere; waiting goes over a gloo
group of its own, whose limit is so long that measuring a large model does not break it.

https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables lists the variables.
"""

from __future__ import annotations

import atexit
import functools
import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from migaki.errors import MigakiError, RunInterruptedError, TrainingError, UsageError
from migaki.training.config import TrainingConfig

__all__ = ["Processes", "ending_together", "join_processes", "read_places", "require_agreement"]

logger = logging.getLogger(__name__)

_Value = TypeVar("_Value")
_Given = ParamSpec("_Given")

_WAIT_LIMIT = timedelta(days=7)
"""How long processes wait for what the first does alone; a process that ends is noticed at once."""
_TORCHRUN = "torchrun --nproc-per-node=2 -m migaki train …"
_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_FAILURES = "migaki/failures"
_REASON = "migaki/reason"
_HERE = "migaki/here"
_ROLL_CALL_S = 2.0
"""How long the others may take to answer when the connection to one of them is lost."""
# gloo's and torch's words for a peer that is gone; none of them is an exception of its own.
_LOST = re.compile(
    r"connection (was )?(closed|reset|refused)|broken pipe|\bgloo/transport\b|socket|NCCL|TCPStore"
    r"|remote process|timed out",
    re.IGNORECASE,
)


class Processes:
    """The processes of a run, seen from one of them.

    Args:
        rank: Its number, 0 is the first.
        local_rank: Its number on its machine; on a machine with cards, the number of its card.
        count: How many there are.
        launched: Whether a launcher started it (with ``count`` 1, too).
    """

    def __init__(
        self, rank: int = 0, local_rank: int = 0, count: int = 1, *, launched: bool = False
    ) -> None:
        self.rank = rank
        self.local_rank = local_rank
        self.count = count
        self.launched = launched
        self._waiting: Any = None
        self._ending = False
        self._silent = False

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes files and speaks."""
        return self.rank == 0

    @property
    def is_silent(self) -> bool:
        """Whether somebody else tells the user why the run ended."""
        return self._silent if self._ending else not self.is_first

    def choice(self) -> dict[str, str]:
        """Say how many there are and how they were started; nothing of one.

        Example:
            >>> Processes().choice()
            {}
        """
        if self.count == 1:
            return {}
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        return {
            "processes": f"{self.count}: started so (WORLD_SIZE), each with its share of the batches "
            f"(DDP, {backend})"
        }

    # ---- numbers ---------------------------------------------------------------------------------

    def sum(self, values: Tensor) -> Tensor:
        """Add values up over all processes.

        Args:
            values: Of this process, on its device, of one shape everywhere; left as they are.

        Returns:
            The same sums in every process.
        """
        if self.count == 1:
            return values
        total = values.clone()
        dist.all_reduce(total)
        return total

    # ---- order -----------------------------------------------------------------------------------

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            dist.barrier(group=self._waiting)

    def alone(self, work: Callable[[], _Value]) -> _Value:
        """Let the first process do something while the others wait for what comes out.

        Args:
            work: Done once, by the first process. What it returns is handed to all.
        """
        if self.count == 1:
            return work()
        # Pickled, but only between processes of one run, over the connection that also carries weights.
        box: list[Any] = [work() if self.is_first else None]
        dist.broadcast_object_list(box, src=0, group=self._waiting)
        value: _Value = box[0]
        return value

    def gather(self, value: _Value) -> list[_Value]:
        """Return the values of all processes, by rank, in every process."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value, group=self._waiting)
        return values

    # ---- the end ---------------------------------------------------------------------------------

    def end(self, error: BaseException) -> BaseException:
        """Tell the others why this process ends, or learn from them.

        The first to fail leaves its reason with the launcher's store and goes; the others notice that
        the connection is gone.

        Args:
            error: What happened here.

        Returns:
            What to raise: ``error``, or where it only says that the connection is lost, a
            `TrainingError` (a `RunInterruptedError`) that says which process ended, and why.
        """
        if self.count == 1 or self._ending:
            return error
        self._ending = True
        lost = _is_lost_connection(error)
        self._silent = not self._is_first_to_fail()
        if self._silent:
            own = isinstance(error, MigakiError | KeyboardInterrupt)
            return error if own else self._follow(self._reason())
        found = self._missing_ended() if lost else error
        self._leave_reason(found)
        return found

    def _is_first_to_fail(self) -> bool:
        with suppress(Exception):  # the store went with the process that held it
            return bool(_store().add(_FAILURES, 1) == 1)
        return True

    def _leave_reason(self, error: BaseException) -> None:
        interrupted = isinstance(error, RunInterruptedError | KeyboardInterrupt)
        words = error.message if isinstance(error, MigakiError) else str(error)
        reason = {
            "rank": self.rank,
            "interrupted": interrupted,
            "message": words or type(error).__name__,
        }
        with suppress(Exception):
            _store().set(_REASON, json.dumps(reason))

    def _reason(self) -> dict[str, Any]:
        """Return why the first to fail did; it says so right after it claimed to be the first."""
        deadline = time.monotonic() + _ROLL_CALL_S
        while time.monotonic() < deadline:
            with suppress(Exception):
                if _store().check([_REASON]):
                    found: dict[str, Any] = json.loads(_store().get(_REASON))
                    return found
            time.sleep(0.05)
        return {}

    def _follow(self, reason: Mapping[str, Any]) -> MigakiError:
        who = f"Process {reason['rank']} of {self.count}" if reason else "Another process"
        why = f": {reason['message']}" if reason else "."
        if reason.get("interrupted"):
            return RunInterruptedError(f"{who} was stopped{why}")
        return TrainingError(f"{who} failed, and all end with it{why}")

    def _missing_ended(self) -> TrainingError:
        """Find out by a roll call who is gone without a word."""
        missing = ""
        with suppress(Exception):
            store = _store()
            store.set(f"{_HERE}/{self.rank}", "1")
            deadline = time.monotonic() + _ROLL_CALL_S
            silent = [rank for rank in range(self.count) if rank != self.rank]
            while silent and time.monotonic() < deadline:
                silent = [rank for rank in silent if not store.check([f"{_HERE}/{rank}"])]
                time.sleep(0.05)
            missing = ", ".join(str(rank) for rank in silent)
        return TrainingError(
            f"The connection to process {missing or 'that holds the store'} of {self.count} was lost: it "
            "was killed, crashed, or its machine is gone.",
            hint="Its own log, or the system's (out of memory?), may say why. The last checkpoint is "
            "whole: go on from it with --resume.",
        )


def _is_lost_connection(error: BaseException) -> bool:
    """Tell the errors of torch.distributed from others; several are plain `RuntimeError`."""
    if isinstance(error, dist.DistError):
        return True
    return type(error) is RuntimeError and _LOST.search(str(error)) is not None


def _store() -> Any:
    return dist.distributed_c10d._get_default_store()


# ---- joining -------------------------------------------------------------------------------------

_joined: Processes | None = None


def join_processes() -> Processes:
    """Join the processes that the launcher started beside this one; once, then the same answer.

    Has to come before a model is loaded: it chooses the card.

    Raises:
        UsageError: The variables of the launcher contradict each other, or there are too few cards.
    """
    global _joined
    if _joined is not None:
        return _joined
    rank, local_rank, count = read_places(os.environ)
    if count == 1:
        return Processes(launched="RANK" in os.environ)
    # accelerate looks for it too, and makes no groups of its own where there is one.
    os.environ.setdefault("LOCAL_RANK", str(local_rank))
    _take_card(local_rank)
    if not dist.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend)
        atexit.register(_leave)
    _joined = Processes(rank, local_rank, count, launched=True)
    _joined._waiting = dist.new_group(backend="gloo", timeout=_WAIT_LIMIT)
    return _joined


def ending_together(function: Callable[_Given, _Value]) -> Callable[_Given, _Value]:
    """Let an error in one process end all of them, told once and with its reason.

    The error has to end the process: as long as it lives, others may wait for it.

    Args:
        function: Called in every process; it joins them.
    """

    @functools.wraps(function)
    def together(*args: _Given.args, **kwargs: _Given.kwargs) -> _Value:
        processes = join_processes()
        try:
            return function(*args, **kwargs)
        except BaseException as err:
            shown = processes.end(err)
            if shown is err:
                raise
            raise shown from err

    return together


def read_places(variables: Mapping[str, str]) -> tuple[int, int, int]:
    """Read what the launcher says.

    Args:
        variables: The environment.

    Returns:
        Rank, rank on this machine, number of processes.

    Raises:
        UsageError: A variable is missing, is no number, or contradicts the others.

    Example:
        >>> read_places({})
        (0, 0, 1)
        >>> places = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}
        >>> read_places({**places, "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"})
        (1, 1, 2)
    """
    if _number(variables, "WORLD_SIZE", default=1) == 1:
        return 0, _number(variables, "LOCAL_RANK", default=0), 1
    missing = [name for name in _VARIABLES if not variables.get(name)]
    if missing:
        raise UsageError(
            f"WORLD_SIZE is {variables['WORLD_SIZE']}, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set: the processes cannot find each other.",
            hint=f"Let a launcher set them ({_TORCHRUN}), or unset WORLD_SIZE for one process.",
        )
    rank, local, count = (_number(variables, n) for n in ("RANK", "LOCAL_RANK", "WORLD_SIZE"))
    if not 0 <= local <= rank < count:
        raise UsageError(
            f"RANK={rank}, LOCAL_RANK={local} and WORLD_SIZE={count} contradict each other: "
            "0 ≤ LOCAL_RANK ≤ RANK < WORLD_SIZE must hold.",
            hint=f"Let a launcher set them: {_TORCHRUN}",
        )
    return rank, local, count


def _number(variables: Mapping[str, str], name: str, *, default: int | None = None) -> int:
    value = variables.get(name) or (None if default is None else str(default))
    if value is None or not value.strip().isdecimal():
        raise UsageError(
            f"The variable {name} is {value!r}; it must be a whole number from 0 up.",
            hint=f"Let a launcher set it ({_TORCHRUN}), or unset it for one process.",
        )
    return int(value)


def _take_card(local_rank: int) -> None:
    if torch.cuda.is_available():
        cards = torch.cuda.device_count()
        if local_rank >= cards:
            raise UsageError(
                f"Process {local_rank} of this machine has no card: there are {cards}.",
                hint=f"Start at most {cards} (--nproc-per-node={cards}), one for each card.",
            )
        torch.cuda.set_device(local_rank)
    elif torch.backends.mps.is_available():
        raise UsageError(
            "Several processes cannot share the one GPU of a Mac.",
            hint="Start one process; it takes the GPU.",
        )


def _leave() -> None:
    with suppress(Exception):
        dist.destroy_process_group()


def require_agreement(config: TrainingConfig, processes: Processes) -> None:
    """Refuse settings that contradict what was started.

    Args:
        config: ``ddp``, ``world_size`` and ``local_rank`` are looked at. Their defaults ask for nothing:
            a run takes the processes that there are.
        processes: What was started.

    Raises:
        UsageError: They contradict each other; the message says which.

    Example:
        >>> require_agreement(TrainingConfig(), Processes(1, 1, 2, launched=True))
    """
    if config.world_size not in (1, processes.count):
        raise UsageError(
            f"world_size={config.world_size}, but {processes.count} "
            f"{'process was' if processes.count == 1 else 'processes were'} started.",
            hint=f"Start {config.world_size} (torchrun --nproc-per-node={config.world_size} -m migaki "
            "train …), or leave world_size out.",
        )
    if config.ddp and not processes.launched:
        raise UsageError(
            "ddp=True, but this process was started alone, without a launcher.",
            hint=f"Start one for each device: {_TORCHRUN}",
        )
    if config.local_rank not in (-1, processes.local_rank):
        raise UsageError(
            f"local_rank={config.local_rank}, but this process is number {processes.local_rank} on its "
            "machine (LOCAL_RANK).",
            hint="Leave local_rank out: the launcher tells each process its own.",
        )
