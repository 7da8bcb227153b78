"""Context managers that keep training from changing the process, and the process from changing training."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
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
    """Seed the global generators inside the block; outside, they go on as if the block had never run."""
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
