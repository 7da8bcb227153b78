"""What layers of neurons that add up LUTs have in common: learned tables, what they read, a scale and a bias."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.ground.arguments import one_of
from lutsmith.kernels.training import ops
from lutsmith.kernels.training.dtypes import FLOATS
from lutsmith.kernels.training.ops import Neurons
from lutsmith.nn.sums.lut_layers import MAY_BE_ZERO
from lutsmith.nn.sums.numbers import Levels

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

ZEROS = ("bit", "exact")
"""What a zero is where a sign is taken: -1, as any number that is not > 0; or 0, as DeepLUT's third symbol."""

SCALES = ("layer", "channel", "none")
"""What sums are multiplied by: one learned number, one for each output, or nothing."""


class SumOfLuts(NamedTuple):
    """What a layer computes in hardware: output o is `scale * (2 ones - LUTs) + bias`, where `ones` counts the LUTs of
    o whose entry at the address sum_j [x_j > 0] 2^j is True. Both numbers count only LUTs that are kept.
    """

    mask: Tensor  # int64 (outputs, LUTs, rank)
    tables: Tensor  # bool (outputs, LUTs, 2**rank)
    scale: Tensor  # float (outputs,), not negative
    bias: Tensor  # float (outputs,)
    binary_outputs: bool  # whether an output is -1 or 1, 1 where it is > 0
    kept: Tensor  # bool (outputs, LUTs), those that are not pruned


class LUTSum(nn.Module):
    """Neurons that add up LUTs, as `LUTLinear` and `LUTConv1d`, `2d` and `3d` have them.

    The LUTs of a neuron read numbers as bits, and give -1 or 1 each: the signs of `weight`, whose entry a is read at
    the address a = sum_j [x_j > 0] 2^j. Where weights or inputs are not binary, a LUT is the multilinear form

        sum_a w_a prod_j (1 + tau_ja x_j) / 2,    tau_ja = 1 where bit j of a is 1, else -1

    which is the entry itself where all x_j are -1 or 1. Gradients are those of this form; they go straight through the
    sign of an input, and through that of an entry unless it would lead an entry beyond -1 or 1 further away.

    Attributes:
        weight: latent entries, float32 `(outputs * LUTs, 2**rank)`, output by output.
        scale: `()` or `(outputs,)`, counted by its absolute value; or None.
        bias: `(outputs,)`, or None.
        kept: bool `(outputs, LUTs)`, saved with the weights: LUTs that are not pruned; pruned ones do not count.
        tied: uint8 `(outputs, LUTs)`, saved with the weights: the bits of inputs that a LUT does not depend on, because
            they are pruned. Entries whose addresses differ in these bits alone are one entry: the one with 0 there.
        mask: what LUTs read, int32 `(outputs or 1, LUTs, rank)`, saved with the weights; 1: all outputs read the same.
        binary_weights, binary_inputs, binary_outputs: may be changed at any time, as training goes on.
        zeros: what a zero is, a name of `ZEROS`.
        normalised: whether the form is divided by 2**rank, as above; else values are those of DeepLUT, 2**rank times
            larger.
    """

    mask: Tensor
    kept: Tensor
    tied: Tensor
    scale: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self,
        mask: Tensor,
        outputs: int,
        bias: bool,
        *,
        scale: str = "layer",
        normalised: bool = True,
        binary_weights: bool = True,
        binary_inputs: bool = True,
        binary_outputs: bool = False,
        zeros: str = "bit",
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        one_of("scale", scale, SCALES)
        self.outputs = outputs
        self.binary_weights, self.binary_inputs = bool(binary_weights), bool(binary_inputs)
        self.binary_outputs, self.normalised = bool(binary_outputs), bool(normalised)
        self.zeros = one_of("zeros", zeros, ZEROS)
        self.register_buffer("mask", mask)
        luts, rank = mask.shape[1:]
        self._keep_all(outputs, luts)
        start = torch.rand((outputs * luts, 1 << rank), generator=generator)
        self.weight = nn.Parameter((2 * start - 1) * 2.0 ** (-rank / 2))
        first = 1 / math.sqrt(luts) / (1 if normalised else 1 << rank)
        size = {"layer": (), "channel": (outputs,)}.get(scale)
        self.scale = None if size is None else nn.Parameter(torch.full(size, first))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        if device is not None:
            self.to(device)

    def _keep_all(self, outputs: int, luts: int) -> None:
        """Begin with nothing pruned."""
        self.register_buffer("kept", torch.ones((outputs, luts), dtype=torch.bool))
        self.register_buffer("tied", torch.zeros((outputs, luts), dtype=torch.uint8))

    @property
    def luts(self) -> int:
        """LUTs of an output."""
        return self.mask.shape[1]

    @property
    def rank(self) -> int:
        """Inputs of a LUT."""
        return self.mask.shape[2]

    def latent(self) -> tuple[Tensor, Tensor]:
        """The entries that are learned `(outputs * LUTs, 2**rank)`, and what is read `(outputs or 1, LUTs, rank)`."""
        return self.weight, self.mask

    def magnitudes(self) -> Tensor:
        """How much the table of each LUT varies, `(outputs * LUTs,)`: 0 where it is constant."""
        return self.latent()[0].detach().clamp(-1, 1).std(1, correction=0)

    def unpruned(self, weight: Tensor, pruned: bool) -> Tensor:
        """Entries as they are used: shared where inputs are tied, and -1 for LUTs that are pruned, if there are any."""
        if _holds(self.tied.any()):
            address = torch.arange(weight.shape[1], device=weight.device)
            weight = weight.gather(1, address & ~self.tied.view(-1, 1).long())
        return torch.where(self.kept.view(-1, 1), weight, -1.0) if pruned else weight

    def _pruned(self) -> bool:
        """Whether there are LUTs that are pruned."""
        return _holds(~self.kept.all())

    def read(self, x: Tensor) -> tuple[Tensor, int]:
        """An input as the LUTs read it: rows `(inputs, places * samples)`, place by place, and how many places."""
        raise NotImplementedError

    def fill(self, entries: Tensor) -> None:
        """Start from these entries, -1 and 1 `(outputs * LUTs, 2**rank)`, as far from 0 as randomly drawn ones."""
        self.weight.copy_(entries * 2.0 ** (-self.rank / 2))

    def by_sample(self, sums: Tensor) -> Tensor:
        """Outputs `(samples, ...)`; in eval mode in torch's own memory order, because batch norm rounds other orders
        differently from the numbers that lowering gives it.
        """
        return sums.t() if self.training else sums.t().contiguous()

    def summed(self, rows: Tensor, **at: Any) -> Tensor:
        """The outputs `(outputs * places, samples)` of rows `(features, samples)`; `at` says of `Neurons` where."""
        if rows.dtype not in FLOATS:
            rows = rows.to(self.weight.dtype)
        weight, mask = self.latent()
        kinds = kinds_of(self.zeros, self.binary_inputs, self.binary_weights)
        neurons = Neurons(mask.reshape(-1, mask.shape[2]), self.outputs, *kinds, **at)
        pruned = self._pruned()
        sums = ops.lut_sums(rows, self.unpruned(weight, pruned), neurons)
        count = 1 if neurons.places is None else neurons.places.shape[1]
        if pruned:  # each of these says -1
            sums = sums + (~self.kept).sum(1).to(sums.dtype).repeat_interleave(count).unsqueeze(1)
        if self.scale is not None or not self.normalised:
            sums = sums * self.factor().repeat_interleave(count).unsqueeze(1)
        if self.bias is not None:
            sums = sums + self.bias.repeat_interleave(count).unsqueeze(1)
        return _binary(sums) if self.binary_outputs else sums

    def factor(self) -> Tensor:
        """What sums of entries are multiplied by, `(outputs,)`."""
        size = 1.0 if self.normalised else float(1 << self.rank)
        if self.scale is None:
            return self.weight.new_full((self.outputs,), size)
        return (self.scale.abs() * size).expand(self.outputs)

    def tables(self) -> Tensor:
        """The truth tables, bool `(outputs * LUTs, 2**rank)`: entries > 0; all False for LUTs that are pruned."""
        return self.unpruned(self.latent()[0].detach(), self._pruned()) > 0

    def sum_of_luts(self) -> SumOfLuts:
        """What the circuit of this layer is.

        With `zeros="exact"` it is the layer for inputs and entries that are not 0.

        Raises:
            ValueError: weights or inputs are real numbers, which have no LUTs.
        """
        if not (self.binary_weights and self.binary_inputs):
            raise ValueError(
                f"{type(self).__name__} has binary_weights={self.binary_weights} and binary_inputs="
                f"{self.binary_inputs}; LUTs read and give bits: set both to True, and train on"
            )
        bias = self.weight.new_zeros(self.outputs) if self.bias is None else self.bias.detach()
        mask = self.latent()[1].long()
        return SumOfLuts(
            mask.expand(self.outputs, -1, -1),
            self.tables().view(self.outputs, mask.shape[1], -1),
            self.factor().detach(),
            bias,
            self.binary_outputs,
            self.kept,
        )

    def lower_raw(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> Levels:
        """Whether raw features are above 0, as numbers; ValueError if a 0 is not a bit."""
        if self.zeros == "exact":
            raise ValueError(MAY_BE_ZERO)
        return Levels.of_bits(builder.compare(features, np.float32(0))).affine(2, -1)

    def extra_repr(self) -> str:
        kinds = ("weights", "inputs", "outputs")
        binary = "+".join(kind for kind in kinds if getattr(self, f"binary_{kind}")) or "nothing"
        return f"rank={self.rank}, luts={self.luts}, binary={binary}, zeros={self.zeros!r}"


def kinds_of(zeros: str, binary_inputs: bool, binary_weights: bool) -> tuple[str, str]:
    """How kernels read inputs, and entries."""
    sign = "signs" if zeros == "exact" else "bits"
    return sign if binary_inputs else "real", sign if binary_weights else "real"


def _holds(condition: Tensor) -> bool:
    """Whether it does; a graph that is compiled does not depend on it, and is one for both."""
    return torch.compiler.is_compiling() or bool(condition)


def _binary(sums: Tensor) -> Tensor:
    """-1 or 1, 1 where sums are > 0; the gradient is that of the sums clipped to -1 and 1."""
    clipped = sums.clamp(-1, 1)
    return clipped + (torch.where(sums > 0, 1.0, -1.0) - clipped).detach()
