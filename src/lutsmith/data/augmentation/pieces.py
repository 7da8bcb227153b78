"""Batches of images that are changed piece by piece, on several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lutsmith.circuit.engine.workers import num_threads, share

PIECE = 1 << 18
"""Values that a thread changes at a time: they, and what they become, fit in its second-level cache."""


def in_pieces(
    images: npt.NDArray[Any], change: Callable[[slice, Any], None], draw: Callable[[int], Any] | None = None
) -> None:
    """Call `change(part, draw(count))` for parts of a batch that cover it, each of `count` images, on several threads.

    Without `draw`, change gets None. It is called for one part at a time, from the first to the last: a generator that
    it draws from gives what it would give in one go. The cut depends on the sizes of the batch alone.
    """
    step = max(1, PIECE // max(1, images[:1].size))
    pieces, drawing = -(-len(images) // step), threading.Lock()

    def work(take: Callable[[], int | None]) -> None:
        while True:
            with drawing:
                if (piece := take()) is None:
                    return
                part = slice(piece * step, min((piece + 1) * step, len(images)))
                drawn = None if draw is None else draw(part.stop - part.start)
            change(part, drawn)

    share(pieces, num_threads(), work)


def own(values: npt.NDArray[Any], dtype: npt.DTypeLike | None = None) -> npt.NDArray[Any]:
    """Return values as kernels are compiled for them: contiguous and writable, copied where they are not."""
    return np.require(values, dtype, ["C", "W"])
