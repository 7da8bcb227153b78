"""Networks over images as machines that read a pixel in each clock cycle, and how images go in and results come out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.heads import Head
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.results import Heads, IntegerHead, OutputWord
from lutsmith.circuit.rows import as_numbers
from lutsmith.ground.arguments import whole_number
from lutsmith.nn.streaming.unrolled import unrolled
from lutsmith.nn.streaming.walk import StreamWalk

RESULT, VALID = "result", "valid"
"""The heads of a machine that reads images: what the network says, and whether it does so in this cycle."""


@dataclass(frozen=True, eq=False)
class ImageStream:
    """A machine that reads images pixel by pixel, and the cycles in which its results come.

    Images follow each other without a gap. In cycle `m * period + cycles[r]`, counted from 0, the machine says result r
    of image m; its head "valid" is 1 in these cycles and in no others.

    Attributes:
        circuit: the machine. A sample is a pixel, (channels,); its heads are "result" and "valid".
        input_shape: of an image, (channels, *image).
        period: cycles from an image to the next: its pixels.
        cycles: int64 (*places,), the cycle in which each result of the first image is there; () where there is one.
    """

    circuit: Circuit
    input_shape: tuple[int, ...]
    period: int
    cycles: NDArray[np.int64]

    @property
    def latency(self) -> int:
        """Cycles from an image's first pixel to its last result, both included."""
        return int(self.cycles.max()) + 1

    def pixels(self, images: ArrayLike) -> NDArray[Any]:
        """Images (N, M, *input_shape) as streams of pixels (N, cycles, channels): M images one after the other on each
        of N streams, followed by as many zeros as it takes until the last result.

        Raises:
            TypeError, ValueError: not real numbers, a wrong shape, or no images.
        """
        given = as_numbers(images, "images")
        if given.shape[2:] != self.input_shape or given.ndim < 3 or given.shape[1] < 1:
            sizes = ", ".join(map(str, self.input_shape))
            raise ValueError(
                f"images has shape {given.shape}; expected (streams, images, {sizes}): for single images give "
                "images[:, None]"
            )
        streams, count, channels = given.shape[0], given.shape[1], self.input_shape[0]
        planes = given.reshape(streams, count, channels, self.period)
        pixels = np.moveaxis(planes, 2, 3).reshape(streams, count * self.period, channels)
        behind = self.latency - self.period
        return np.pad(pixels, ((0, 0), (0, max(0, behind)), (0, 0)))

    def run(
        self,
        images: ArrayLike,
        method: Literal["predict", "predict_labels", "decision_function", "outputs"] = "predict",
    ) -> NDArray[Any]:
        """Run the machine, and return what the circuit of `to_circuit` gives for each image by this method, (N, M,
        ...).

        For a network without a head, `predict` also gives its last bits: 0 and 1, (N, M, channels, *places). If a
        network ends in sums of neurons, decisions are the same, but scores and output bits may be different ones that
        lead to them.

        Args:
            images: (N, M, *input_shape), as for `pixels`.
            method: as for `Circuit.run`.

        Raises:
            TypeError, ValueError: as for `pixels` and `Circuit.run`.
        """
        streams = self.pixels(images)
        said = self.circuit.run(streams, method=method)
        said = said[..., :-1] if method == "outputs" else said[RESULT]
        count = (streams.shape[1] - max(0, self.latency - self.period)) // self.period
        when = np.arange(count)[:, None] * self.period + self.cycles.reshape(-1)
        found: NDArray[Any] = said[:, when]  # (N, M, results, ...)
        if not self.cycles.ndim:
            return found[:, :, 0]
        return self._placed(found, method)

    def unrolled(self, images: int = 1, number: int = 0) -> Circuit:
        """The machine over time as a circuit without registers, from the initial state to the results of one image.

        `lutsmith.hardware.prove(stream.unrolled(), to_circuit(model, input_shape))` proves that they are equal for
        every image. With more images, the result must not depend on those before and after, whatever they are.

        Args:
            images: this many come one after the other, and then zeros.
            number: of the image whose results are wanted, from 0.

        Returns:
            A circuit of samples `input_shape`, or (images, *input_shape) of several.

        Raises:
            TypeError, ValueError: impossible numbers, or too many LUTs times cycles: this is for small networks.
        """
        count = whole_number("images", images, 1)
        chosen = whole_number("number", number, 0, count - 1, "one of the images")
        assert isinstance(self.circuit.head, Heads)
        return unrolled(self.circuit, self.circuit.head[RESULT], self.input_shape, self.cycles, count, chosen)

    def _placed(self, found: NDArray[Any], method: str) -> NDArray[Any]:
        """Results (N, M, results, ...) of places as one array, as a circuit of all places has it."""
        assert isinstance(self.circuit.head, Heads)
        decided = isinstance(self.circuit.head[RESULT].head, Head)
        if method == "outputs":  # a head reads place by place; bits come channel by channel
            found = found if decided else np.moveaxis(found, 2, -1)
            return found.reshape(*found.shape[:2], -1)
        if decided:  # each has a shape of one place
            return found.reshape(*found.shape[:2], *self.cycles.shape, *found.shape[3 + self.cycles.ndim :])
        return np.moveaxis(found, 2, -1).reshape(*found.shape[:2], *found.shape[3:], *self.cycles.shape)


class _Builder(CircuitBuilder):
    """The builder of a machine, whose head is one of two."""

    def end(self, walk: StreamWalk, valid: int, classes: Sequence[int | float | str] | None) -> None:
        """Make a head of what the walk came to, and one that says when it is there."""
        told: dict[str, Any]
        if self._head is None:
            outputs = walk.bits().reshape(-1)
            told = {"head": IntegerHead((OutputWord("bit", 1),), outputs.shape)}
        else:
            outputs, head = self._head
            told = {"head": head, "objective": walk.objective, "classes": classes}
        self._head = None
        self.heads(
            {RESULT: (outputs, told), VALID: (np.array([valid]), {"head": IntegerHead((OutputWord(VALID, 1),))})}
        )


def to_stream(
    model: nn.Module,
    input_shape: Sequence[int],
    *,
    classes: Sequence[int | float | str] | None = None,
    metadata: Metadata | None = None,
) -> ImageStream:
    """Lower a network over images to a machine that reads a pixel in each clock cycle, all its channels at once.

        stream = to_stream(model.eval(), (3, 32, 32))
        stream.run(images[:, None])  # (N, 1), what to_circuit(model, (3, 32, 32)).predict(images) says
        to_verilog(stream.circuit)

    The machine has each kernel once, working on a window of pixels in every cycle; a circuit of `to_circuit` has it at
    every place. Registers keep the last pixels, a few rows for each layer, and counters of rows and columns say what
    lies beyond the border. `nn.Flatten` collects all pixels of the last image in registers; the layers behind it exist
    once anyway, and work in one cycle. The machine gives exactly the results of the network in eval mode.

    Args:
        model: an `nn.Sequential`, or sequences of them: an encoder of single pixels (or none: features are bits, or
            `BinarizeSign` first), `LogicConv*`, pools and `PooledConv`, `BinaryConv*`, `LUTConv*`, batch norms, signs
            and max pools; then `nn.Flatten` and any layers and head that `to_circuit` knows, or the head `GroupSum2d`
            (1d, 3d), or nothing.
        input_shape: (channels, length), (channels, height, width), or (channels, depth, height, width).
        classes: as for `to_circuit`.
        metadata: as for `to_circuit`.

    Raises:
        ValueError: as for `to_circuit`, and a module that is not known for single pixels: thresholds of each pixel,
            edges, skip connections and branches before `nn.Flatten`, transposed kernels, padding of as many pixels as
            the window has taps or more, majorities that are cut at the border.
    """
    shape = tuple(int(size) for size in input_shape) if isinstance(input_shape, Sequence) else ()
    if len(shape) not in (2, 3, 4) or any(size < 1 for size in shape):
        raise ValueError(
            f"input_shape is {input_shape!r}; expected channels and one to three sizes of an image, such as (3, 32, 32)"
        )
    channels, image = shape[0], shape[1:]
    builder = _Builder((channels,))
    walk = StreamWalk(builder, image)
    walk.visit(model, "model")
    walk.end("model")
    if walk.image is not None and walk.numbers is not None:
        walk.bits()
    builder.end(walk, walk.clock.tick, None if classes is None else list(classes))
    bounds = None
    if walk.fitted_range is not None:
        low, high = (np.reshape(each, (channels, -1)) for each in walk.fitted_range)
        bounds = low.min(axis=1), high.max(axis=1)
    circuit = builder.build(fitted_range=bounds, metadata=metadata or Metadata())
    cycles = walk.clock.cycles.reshape(() if walk.image is None else walk.image)
    return ImageStream(circuit, shape, math.prod(image), cycles)
