"""Context managers that keep training from leaving marks on the process, and the process on training."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import nn


def generator_states() -> dict[str, Any]:
    """Return the states of Python's, NumPy's and torch's global generators, as tensors and plain values only."""
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002 - the global generator is what is saved
    version, words, gauss = random.getstate()
    return {
        "python": [version, list(words), gauss],
        "numpy": [
            torch.from_numpy(numpy_state["state"]["key"].astype(np.int64)),
            int(numpy_state["state"]["pos"]),
            int(numpy_state["has_gauss"]),
            float(numpy_state["gauss"]),
        ],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_generator_states(states: dict[str, Any]) -> None:
    """Put the generators back to what `generator_states` returned."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    key, position, has_gauss, cached = states["numpy"]
    np.random.set_state(("MT19937", key.numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])


@contextmanager
def own_generators(seed: int) -> Iterator[None]:
    """Seed the global generators inside the block; outside, they go on as if the block had never been."""
    before = generator_states()
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 - layers of others may draw from it
        torch.manual_seed(seed)
        yield
    finally:
        set_generator_states(before)


@contextmanager
def no_trace(model: nn.Module) -> Iterator[None]:
    """Put back the generators, the buffers and the train/eval mode of `model`, and drop its gradients, on leaving."""
    states, training = generator_states(), model.training
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)
        for parameter in model.parameters():
            parameter.grad = None
        model.train(training)
        set_generator_states(states)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Interrupts:
    """Turns the first Ctrl-C or SIGTERM inside the `with` block into `requested`, so that a batch can be finished.

    The second one interrupts at once. Nothing is changed outside of the main thread, where a signal is ignored (a
    background job), or where SIGTERM has a handler already.

    Attributes:
        requested: the signal that came, or None.
    """

    def __init__(self) -> None:
        self.requested: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            if callable(before := signal.getsignal(signal.SIGINT)):
                self._before[signal.SIGINT] = before
            if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                self._before[signal.SIGTERM] = signal.SIG_DFL
            for number in self._before:
                signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.requested is not None:
            raise KeyboardInterrupt
        self.requested = signal.Signals(number)
