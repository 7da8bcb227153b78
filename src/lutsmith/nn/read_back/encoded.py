"""What an encoder gives for samples, as words of bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arrays import packed
from lutsmith.nn.read_back.neurons import NotEstablishedError
from lutsmith.nn.read_back.points import WORD
from lutsmith.nn.read_back.statements import Bits

_ENCODED = 1 << 24  # bits that an encoder gives at a time


def encoded_words(stated: Bits, samples: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return what the encoder gives for the samples (P, ...), as words (bits, P / 64)."""
    bits = stated.feature.size
    words = np.empty((bits, len(samples) // WORD), np.uint64)
    step = max(1, _ENCODED // max(1, bits * WORD)) * WORD
    for start in range(0, len(samples), step):
        part = samples[start : start + step]
        try:
            encoded = stated.encode(part)
        except (ValueError, RuntimeError) as error:
            raise NotEstablishedError(str(error)) from error
        if encoded.shape != (len(part), *stated.feature.shape):
            raise NotEstablishedError(f"it gives bits of shape {encoded.shape[1:]}, not {stated.feature.shape}")
        words[:, start // WORD : (start + len(part)) // WORD] = packed(encoded.reshape(len(part), bits).T)
    return words
