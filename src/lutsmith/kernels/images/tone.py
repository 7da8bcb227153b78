"""Brighter and darker images, of more and of less contrast, in all channels or in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel
from lutsmith.kernels.images.window import COMPILING


@kernel()
def _change(pixels: Any, middle: Any, contrast: Any, gain: Any, out: Any) -> None:
    zero, most, whole = np.float32(0), np.float32(255), np.float32(1 << 23)  # whole + value has no bits for fractions
    for k in range(pixels.size):
        value = ((np.float32(pixels[k]) - middle) * contrast + middle) * gain
        value = value if value > zero else zero
        value = value if value < most else most
        out[k] = np.uint8(np.int32(value + whole) & np.int32(255))


@kernel(COMPILING)
def tone(images: Any, contrast: Any, gains: Any, out: Any) -> None:
    """Write what `naive.tone` returns of uint8 (B, C, H, W) to `out`, rounded to the nearest and within 0 to 255."""
    count, channels = images.shape[:2]
    for sample in range(count):
        pixels, total = images[sample].reshape(-1), np.int64(0)
        for k in range(pixels.size):
            total += np.int64(pixels[k])
        middle = np.float32(total / max(1, pixels.size))
        for channel in range(channels):
            source, target = images[sample, channel].reshape(-1), out[sample, channel].reshape(-1)
            _change(source, middle, contrast[sample], gains[sample, channel], target)
