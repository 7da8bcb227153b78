"""Which device is available for training, and a line about it."""

from __future__ import annotations

import os

import torch

from lutsmith.ground.arguments import one_of

DEVICES = ("auto", "cpu", "cuda", "mps")
"""What may be asked for; "auto": a GPU by CUDA, else Apple's, else the CPU."""


def found_device(name: str = "auto") -> str:
    """Return "cpu", "cuda" or "mps".

    Raises:
        ValueError: an unknown name, or a device that torch does not find here.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if one_of("device", name, DEVICES) == "auto":
        return next(device for device, found in there.items() if found)
    if not there[name]:
        raise ValueError(f"device is {name!r}, and torch finds none here; take 'auto' or 'cpu'")
    return name


def describe_device(name: str = "auto") -> str:
    """Return one line that says what a device is; errors as `found_device`."""
    device = found_device(name)
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        return f"cuda: {properties.name}, {properties.total_memory / 2**30:.0f} GiB, torch {torch.__version__}"
    if device == "mps":
        return f"mps: Apple's GPU, torch {torch.__version__}"
    return f"cpu: {os.cpu_count()} cores, torch {torch.__version__}"
