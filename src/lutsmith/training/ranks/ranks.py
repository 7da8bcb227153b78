"""The processes that train one network, as each of them sees it: who it is, and what it asks the others.

A process is known by its rank, from 0. Rank 0 alone writes files and shows progress. Every method that talks to the
others has to be called by all of them, in the same order; alone, it costs nothing.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from lutsmith.data.augmentation.portion import Portion
from lutsmith.kernels.threads import get_num_threads, set_num_threads
from lutsmith.training.ranks.shared_sums import SharedSums

Result = TypeVar("Result")

PATIENCE = timedelta(minutes=10)
"""How long a process waits for another one that is alive but does not answer. A dead one is noticed at once."""

OURS = "lutsmith-"
"""How the id of a run begins whose processes a `Trainer` started, and not torchrun."""


class ProcessLostError(ChildProcessError):
    """Another process of the training was killed, failed, or does not answer."""


class Ranks:
    """The processes of a run.

    Attributes:
        rank: of this process, from 0.
        size: how many there are.
        local_rank: the rank among those on this machine.
        local_size: how many there are on this machine.
        portion: in a step, the part of its batch that this process computes; None outside of one.
        waited: seconds spent in talking to the others.
    """

    def __init__(
        self,
        rank: int = 0,
        size: int = 1,
        local_rank: int = 0,
        local_size: int = 1,
        shared: SharedSums | None = None,
    ) -> None:
        self.rank, self.size, self.local_rank, self.local_size = rank, size, local_rank, local_size
        self.portion: Portion | None = None
        self.waited = 0.0
        self._shared = shared

    @classmethod
    def here(cls) -> Ranks:
        """Return the ranks that the environment tells of, as torchrun sets it.

        Raises:
            ValueError: it tells of some only: a shell has variables of torchrun that are not for this process.
        """
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        if missing := [name for name in names if not os.environ.get(name, "").isdecimal()]:
            raise ValueError(
                f"TORCHELASTIC_RUN_ID and WORLD_SIZE are set, as torchrun does for {os.environ['WORLD_SIZE']} "
                f"processes, without {', '.join(missing)}: unset them, or start this script with torchrun"
            )
        rank, size, local_rank, local_size = (int(os.environ[name]) for name in names)
        return cls(rank, size, local_rank, local_size, _shared)

    @property
    def alone(self) -> bool:
        """Whether there is one process only."""
        return self.size == 1

    @property
    def first(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    @contextmanager
    def stepping(self, rows: int) -> Iterator[Portion]:
        """Share a batch of so many rows inside the block: modules that look at a whole batch then ask the others."""
        self.portion = Portion.of(self.rank, self.size, rows)
        try:
            yield self.portion
        finally:
            self.portion = None

    def add(self, tensor: Tensor) -> Tensor:
        """Make a contiguous tensor the sum of all processes' tensors, the same to the bit everywhere; return it."""
        if not self.alone:
            with self._talking():
                if self._shared is not None and self._shared.takes(tensor):
                    self._shared.add(tensor)
                else:
                    distributed.all_reduce(tensor)
        return tensor

    def add_in_step(self, tensor: Tensor) -> Tensor:
        """`add` in a step; outside of one the tensor as it is."""
        return tensor if self.portion is None else self.add(tensor)

    def told(self, value: Result) -> Result:
        """Return rank 0's value: what pickle takes."""
        if self.alone:
            return value
        values = [value]
        with self._talking():
            distributed.broadcast_object_list(values, 0)
        return values[0]

    def gathered(self, value: Result) -> list[Result]:
        """Return the values of all processes, by rank."""
        if self.alone:
            return [value]
        values: list[Any] = [None] * self.size
        with self._talking():
            distributed.all_gather_object(values, value)
        return values

    def first_does(self, act: Callable[[], Result]) -> Result:
        """Let rank 0 alone do something; return everywhere what it returns, or raise what it raises."""
        if self.alone:
            return act()
        outcome: tuple[Any, BaseException | None] = (None, None)
        if self.first:
            try:
                outcome = (act(), None)
            except Exception as error:
                outcome = (None, error)
        result, raised = self.told(outcome)
        if raised is not None:
            raise raised
        found: Result = result
        return found

    def in_turn(self, act: Callable[[], Result]) -> Result:
        """Let the first process of each machine do something, and then the others: what it compiled is there then."""
        result = act() if self.local_rank == 0 else None
        self.gathered(None)
        return act() if self.local_rank else result  # type: ignore[return-value]

    def check_equal(self, what: str, values: Mapping[str, Any], advice: str) -> None:
        """Raise ValueError everywhere if values differ between the processes; `what` begins the message."""
        for rank, others in enumerate(told := self.gathered(dict(values))):
            for name, value in told[0].items():
                if others.get(name) != value:
                    raise ValueError(
                        f"{what}: {name} is {_short(others.get(name))} in process {rank} and {_short(value)} in "
                        f"process 0; {advice}"
                    )

    def put_in_step(self, model: nn.Module) -> None:
        """Give all processes rank 0's weights, thresholds and wiring.

        Raises:
            ValueError: the networks have other tensors.
        """
        if self.alone:
            return
        shapes = {name: f"{tuple(value.shape)} {value.dtype}" for name, value in _tensors(model).items()}
        self.check_equal("the processes train different networks", shapes, "build the same one in each")
        model.load_state_dict(self.told({name: value.cpu() for name, value in model.state_dict().items()}))
        self._copy(dict(model.named_buffers()))
        self.check_in_step(model, "at the start")

    def check_in_step(self, model: nn.Module, when: str) -> None:
        """Raise RuntimeError if the networks of the processes are no longer the same, to the bit.

        Statistics that a module of one's own gathers from its rows may differ: they become those of rank 0.
        """
        if self.alone or len(set(self.gathered(_digest(_tensors(model))))) == 1:
            return
        self._copy({name: value for name, value in model.named_buffers() if value.is_floating_point()})
        digests = {name: _digest({name: value}) for name, value in _tensors(model).items()}
        try:
            self.check_equal(f"the processes' networks differ {when}", digests, "")
        except ValueError as error:
            raise RuntimeError(
                f"{str(error).partition(' is ')[0]} is not the same in all processes: a callback or layer acts on "
                "one of them alone, or draws its own random numbers; or the machines are of different kinds"
            ) from None

    def _copy(self, tensors: Mapping[str, Tensor]) -> None:
        told = self.told({name: value.cpu() for name, value in tensors.items()})
        with torch.no_grad():
            for name, value in tensors.items():
                value.copy_(told[name])

    @contextmanager
    def _talking(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        except RuntimeError as error:  # what torch raises where a peer is gone or silent
            raise ProcessLostError(
                f"process {self.rank} of {self.size} lost another one: it was killed, failed or did not answer for "
                f"{PATIENCE.seconds} s ({_reason(error)})"
            ) from error
        finally:
            self.waited += time.perf_counter() - began


ALONE = Ranks()
"""One process."""

_shared: SharedSums | None = None  # what a `Trainer` started this process with


def join(rank: int, shared: SharedSums | None) -> None:
    """Say in a process that a `Trainer` started which one it is, and which memory it shares with the others."""
    global _shared
    _shared = shared
    if shared is not None:
        shared.join(rank)


def launched() -> bool:
    """Return whether this process is one of several that torchrun, or a `Trainer`, started."""
    return distributed.is_available() and distributed.is_torchelastic_launched() and int(os.environ["WORLD_SIZE"]) > 1


@contextmanager
def kernel_threads(ranks: Ranks) -> Iterator[None]:
    """Share the threads of the kernels among the processes of this machine inside the block.

    With torchrun, NUMBA_NUM_THREADS is what each process may use, if it is set.
    """
    own = "NUMBA_NUM_THREADS" in os.environ and not os.environ.get("TORCHELASTIC_RUN_ID", "").startswith(OURS)
    if ranks.alone or own:
        yield
        return
    before = get_num_threads()
    set_num_threads(max(1, before // ranks.local_size))
    try:
        yield
    finally:
        set_num_threads(before)


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _digest(tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for value in tensors.values():
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _reason(error: RuntimeError) -> str:
    """The first sentence of what torch says, without the place in its sources."""
    line = str(error).strip().partition("\n")[0]
    if line.startswith("["):
        line = line.partition("] ")[2] or line
    return line.partition(". ")[0][:120]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
