"""LUTs whose tables are shared and that take weights as inputs: (K, P)-LUTNet (E. Wang and others, IEEE TC 2020).

A layer's weights are cut into tiles, which go through one piece of hardware one after the other. All tiles therefore
have the same tables, one for each place of a tile, and differ in their weights: of the K inputs of a LUT, P are weight
bits, read from memory, and K - P are activations. Here everything is unrolled: with its weights fixed, a LUT has K - P
inputs, and that LUT becomes part of a circuit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.circuit.sliding import sizes
from lutsmith.ground.arguments import whole_number
from lutsmith.kernels.training.reads import MAX_RANK
from lutsmith.nn.neurons.binary import BinaryLinear
from lutsmith.nn.neurons.expansion import corners, expand, signed
from lutsmith.nn.neurons.latent import latent_sign
from lutsmith.nn.neurons.lut_linear import LUTLinear


class TiledLUTLinear(LUTLinear):
    """A `LUTLinear` of (K, P)-LUTs: `rank` K - P activations, and P weight bits, with tables shared by tiles.

    LUT t of output o is at place (o mod rows, t mod columns) of its tile. Its entry at address a of activations is the
    entry of the shared table at a + 2**(K - P) u, where u is the number that its weight bits make, the first being the
    least significant.

    Args:
        in_features: of the input.
        out_features: of the output.
        rank: K, all inputs of a LUT, activations and weights, 2 to 8.
        weight_bits: P, 1 to K - 1.
        tile: rows (outputs) and columns (LUTs of an output) of a tile.
        mask, bias, generator, **more: as for `LUTLinear`; the mask is of K - P inputs.

    Attributes:
        weight: latent entries of the shared tables, `(rows * columns, 2**K)`.
        bits: latent weights, `(outputs * LUTs, P)`; tables read their signs.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int = 5,
        mask: Any = "expanded",
        bias: bool = True,
        *,
        weight_bits: int = 1,
        tile: Sequence[int] = (8, 8),
        generator: torch.Generator | None = None,
        **more: Any,
    ) -> None:
        whole_number("rank", rank, 2, MAX_RANK, what="all inputs of a LUT, activations and weights")
        whole_number("weight_bits", weight_bits, 1, rank - 1, what="the inputs of a LUT that are weights")
        rows, columns = sizes("tile", tile, 2, 1)
        super().__init__(in_features, out_features, rank - weight_bits, mask, bias, generator=generator, **more)
        self.weight_bits, self.tile = weight_bits, (min(rows, self.outputs), min(columns, self.luts))
        rows, columns = self.tile
        made = {"device": self.weight.device, "dtype": self.weight.dtype}
        start = torch.rand((rows * columns, 1 << rank), generator=generator)
        self.weight = nn.Parameter(((2 * start - 1) * 2.0 ** (-rank / 2)).to(**made))
        start = torch.randn((self.outputs * self.luts, weight_bits), generator=generator)
        self.bits = nn.Parameter((start / self.luts**0.5).to(**made))

    def places(self) -> Tensor:
        """Which table each LUT has, int64 (outputs * LUTs,)."""
        rows, columns = self.tile
        outputs, luts = (torch.arange(size, device=self.weight.device) for size in (self.outputs, self.luts))
        return (outputs[:, None] % rows * columns + luts % columns).flatten()

    def latent(self) -> tuple[Tensor, Tensor]:
        """The entries that are left for activations, between those of each weight bit; and the mask."""
        tables = self.weight[self.places()].view(-1, *[2] * self.weight_bits, 1 << self.rank)
        share = (1 + latent_sign(self.bits)) / 2
        for slot in reversed(range(self.weight_bits)):  # the last bit is the first axis
            high = share[:, slot].view(-1, *[1] * (tables.ndim - 2))
            tables = tables[:, 0] * (1 - high) + tables[:, 1] * high
        return tables, self.mask

    def magnitudes(self) -> Tensor:
        """The latent weight of each LUT, its first weight bit, `(outputs * LUTs,)`, >= 0."""
        return self.bits.detach()[:, 0].abs()

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, weight_bits={self.weight_bits}, tile={self.tile}"


@torch.no_grad()
def expand_tiled(
    layer: BinaryLinear,
    rank: int = 5,
    *,
    weight_bits: int = 1,
    tile: Sequence[int] = (8, 8),
    generator: torch.Generator | None = None,
) -> TiledLUTLinear:
    """Return the layer of (K, P)-LUTs of a binary layer: each shared table begins as the XNOR of the first activation
    and the first weight bit, which is the layer's weight; further weight bits are those of the further inputs.

    For inputs of -1 and 1 its outputs are those of the binary layer. All weights get LUTs, and pruned weights get
    pruned LUTs, so that a LUT's place in its tile is that of its weight.

    Args:
        layer: binary.
        rank: K, 2 to 8.
        weight_bits: P, 1 to K - 1.
        tile: outputs and inputs of a tile.
        generator: of the further inputs.

    Raises:
        TypeError: another layer.
        ValueError: its weights are not binary; impossible sizes, weights that are NaN.
    """
    if not isinstance(layer, BinaryLinear):
        raise TypeError(f"layer is a {type(layer).__name__}; expected a BinaryLinear")
    if not layer.binary:
        raise ValueError("its weights are real numbers, and weights that are inputs are signs; expected binary=True")
    whole_number("weight_bits", weight_bits, 1, whole_number("rank", rank, 2, MAX_RANK) - 1)
    whole = BinaryLinear(layer.in_features, layer.out_features, layer.bias is not None, scale="none")
    plain = expand(whole, rank - weight_bits, generator=generator)
    made = TiledLUTLinear(
        layer.in_features,
        layer.out_features,
        rank,
        plain.mask,
        layer.bias is not None,
        weight_bits=weight_bits,
        tile=tile,
        scale=layer.kind_of_scale,
        generator=generator,
    )
    tau = corners(rank)
    made.weight.copy_((tau[0] * tau[made.rank]).expand_as(made.weight))
    weights = signed(layer.weight.detach().cpu())
    read = made.mask.long().flatten(1)
    found = weights.gather(1, read).view(-1, made.rank)
    own = torch.arange(weight_bits) % made.rank  # more weight bits than activations: over again
    made.bits.copy_(found[:, own])
    made.kept.copy_(layer.kept)
    for ours, theirs in ((made.scale, layer.scale), (made.bias, layer.bias)):
        if ours is not None and theirs is not None:
            ours.copy_(theirs)
    made.train(layer.training)
    return made.to(layer.weight.device)
