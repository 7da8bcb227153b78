"""The encoders of numbers that need no training, by the names that `nn.encoders` has for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.encodings import codes, thresholds
from lutsmith.encodings.balanced import balanced
from lutsmith.encodings.codes import MAX_BINARY_BITS, MAX_BITS, MAX_ONE_HOT_BITS
from lutsmith.ground.arguments import one_of, whole_number


@dataclass(frozen=True)
class EncoderKind:
    """An encoder of numbers.

    Attributes:
        thresholds: (columns, z) to its thresholds, float32 (columns, L), ascending.
        code: z to its code table, bool (L + 1, z).
        least: the smallest z.
        most: the largest.
        of_images: the z of a pixel where nobody says.
        of_tables: the z of a column.
        is_word: whether the code is the level in binary, of thresholds that may be those of a word (`encodings.words`).
    """

    thresholds: Callable[[NDArray[Any], int], NDArray[np.float32]]
    code: Callable[[int], NDArray[np.bool_]]
    least: int = 1
    most: int = MAX_BITS
    of_images: int = 3
    of_tables: int = 63
    is_word: bool = False

    def bits(self, given: int | None, input_shape: tuple[int, ...]) -> int:
        """Return z, the bits of a feature; None: what is usual for samples of such a shape.

        Raises:
            TypeError, ValueError: no such number.
        """
        if given is None:
            return self.of_images if len(input_shape) > 1 else self.of_tables
        return whole_number("bits", given, self.least, self.most, "the bits of a feature")


def _parts(columns: NDArray[Any], bits: int) -> NDArray[np.float32]:
    return thresholds.uniform(columns, bits - 1)


KINDS: dict[str, EncoderKind] = {
    "uniform": EncoderKind(thresholds.uniform, codes.thermometer),
    "gaussian": EncoderKind(thresholds.gaussian, codes.thermometer),
    "distributive": EncoderKind(thresholds.distributive, codes.thermometer),
    "balanced": EncoderKind(balanced, codes.thermometer),
    "logarithmic": EncoderKind(thresholds.logarithmic, codes.thermometer),
    "fixed-point": EncoderKind(thresholds.fixed_point, codes.binary, most=MAX_BINARY_BITS, of_tables=6, is_word=True),
    "binary": EncoderKind(
        thresholds.bit_planes, codes.binary, most=MAX_BINARY_BITS, of_images=8, of_tables=8, is_word=True
    ),
    "gray": EncoderKind(thresholds.fixed_point, codes.gray, most=MAX_BINARY_BITS, of_tables=6),
    "one-hot": EncoderKind(_parts, codes.one_hot, 2, MAX_ONE_HOT_BITS, of_images=4, of_tables=64),
    "sign-magnitude": EncoderKind(thresholds.sign_magnitude, codes.sign_magnitude, most=MAX_BINARY_BITS, of_tables=7),
}


def encoder_kind(name: Any) -> EncoderKind:
    """Return the encoder of a name.

    Raises:
        ValueError: there is none, or it is trained.
    """
    if name == "learnable":
        raise ValueError(
            "encoder is 'learnable', whose thresholds are trained by gradients; here nothing is: expected one of "
            f"{', '.join(KINDS)}"
        )
    return KINDS[one_of("encoder", name, KINDS)]
