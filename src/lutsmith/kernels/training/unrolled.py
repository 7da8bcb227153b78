"""Kernels at places as LUTs at rows of their own, in plain torch: what `Reads.places` means, on any device."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.reads import Reads


def windows(x: Tensor, places: Tensor, plane: int, outside: float = 0.0) -> Tensor:
    """What each tap of a window over planes of pixels reads at each place, `(channels, taps, P, B)`.

    Differentiable in `x` `(channels * plane, B)`; places are as `Reads` has them, -1 being `outside`.
    """
    planes = x.reshape(x.shape[0] // plane, plane, x.shape[1])
    around = x.new_tensor([outside, 1.0]).view(1, 2, 1).expand(planes.shape[0], 2, x.shape[1])
    pixels = torch.cat([planes, around], dim=1).index_select(1, pixel_of(places, plane).flatten())
    return pixels.view(planes.shape[0], *places.shape, x.shape[1])


def windows_backward(grad: Tensor, places: Tensor, plane: int) -> Tensor:
    """The gradient of `windows` for its x, `(channels * plane, B)`."""
    channels, samples = grad.shape[0], grad.shape[3]
    total = grad.new_zeros((channels, plane + 2, samples))
    total.index_add_(1, pixel_of(places, plane).flatten(), grad.flatten(1, 2))
    return total[:, :plane].reshape(channels * plane, samples)


def pixel_of(places: Tensor, plane: int) -> Tensor:
    """Places with two more pixels behind each plane, a 0 and a 1, in place of the constants; int64."""
    pixels = places.long()
    return torch.where(pixels < 0, plane - 1 - pixels, pixels)


def unrolled(reads: Reads) -> Reads:
    """The same LUTs without places, reading the rows of `windows` one after the other."""
    count, kernels, device = reads.num_places, reads.inputs.shape[0], reads.inputs.device
    places = torch.arange(count, dtype=torch.int32, device=device)
    tables = torch.arange(kernels + 1, dtype=torch.int32, device=device) if reads.table_ptr is None else reads.table_ptr

    def at_places(inputs: Tensor) -> Tensor:
        rows = inputs.unsqueeze(1) * count + places.view(-1, *[1] * (inputs.ndim - 1))
        return rows.flatten(0, 1)

    return reads._replace(
        inputs=at_places(reads.inputs),
        table_ptr=tables * count,
        candidates=None if reads.candidates is None else at_places(reads.candidates),
        scores=None if reads.scores is None else reads.scores.repeat_interleave(count, 0),
        places=None,
        plane=1,
    )
