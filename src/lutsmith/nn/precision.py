"""Where numbers are exact: integers of float32, and operations that autocast leaves alone."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

EXACT = 1 << 24
"""Integers up to this are exact in float32."""


def without_autocast(x: Tensor) -> AbstractContextManager[Any]:
    """No autocast on the device of `x`; the meta device, which computes nothing, has none."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)
