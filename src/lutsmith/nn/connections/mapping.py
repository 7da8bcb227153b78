"""Dense connections: every slot of a LUT scores all inputs and reads the best (DWN's LearnableMapping)."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.connections.at_places import Places
from lutsmith.nn.connections.base import LearnedConnections


class DenseConnections(LearnedConnections):
    """Every slot has a score for every input and reads the one with the highest.

    The forward pass is hard, in training as in eval mode. Backward, with x in [0, 1] and G the gradient of what the
    slots read (Bacellar et al., 2024): scores get `(2 X - 1)^T G` and inputs `softmax(scores / temperature)^T G`; or,
    with `rule="softmax"`, scores get the straight-through gradient of the mix. The softmax is never in memory as a
    whole: training needs the scores, their gradient and the optimizer's moments. (Learning over all inputs collapses in
    deeper layers; 8 to 16 candidates learn better and cost a fraction.)

    Parameters: `scores`, float32 `(out_dim, lut_rank, usable inputs)`. Buffers: `chosen`, int32 `(out_dim, lut_rank)`,
    what is read once frozen; `frozen`, bool scalar; `usable`; and, not in the state dict, `places`, int64, the numbers
    of the usable inputs. `temperature` may be set at any time.

    Args:
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.
        temperature: of the softmax in the backward pass; DWN's tau.
        rule: `"dwn"` or `"softmax"`.
        unique: whether LUTs never read an input twice: a later slot then takes its best input that no earlier one has
            taken. False is DWN's plain argmax.
        usable: as for `FixedConnections`.
        generator: draws the first scores, uniform in [0, 1).
    """

    indexing: ClassVar[tuple[str, ...]] = ("chosen",)

    places: Tensor

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        lut_rank: int,
        *,
        temperature: float = 0.001,
        rule: str = "dwn",
        unique: bool = True,
        usable: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(in_dim, out_dim, lut_rank, temperature=temperature, rule=rule, usable=usable)
        places = self.usable_inputs(distinct=unique)
        self.unique = unique
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("chosen", torch.zeros(out_dim, lut_rank, dtype=torch.int32))
        scores = torch.rand(out_dim, lut_rank, len(places), generator=generator, dtype=torch.float32)
        self.scores = nn.Parameter(scores)

    def reads(self) -> Reads:
        return Reads(self.chosen if self._stands else self.choice())

    def choice(self) -> Tensor:
        return self.places[ops.best(self.scores, unique=self.unique).long()].int()

    def route(self, x: Tensor, places: Places | None = None) -> tuple[Tensor, Reads]:
        if self._stands:
            return super().route(x, places)
        inputs = self.reads().inputs

        def read(rows: Tensor) -> Tensor:
            return ops.read_best(rows, self.scores, self.places, inputs, self.temperature, self.rule)

        return self._made(x, places, read)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(prefix + "usable")
        places = None
        if isinstance(saved, Tensor) and not saved.is_meta and saved.shape == self.usable.shape:
            places = saved.bool().nonzero().flatten()
            if len(places) != self.scores.shape[2]:
                args[-1].append(
                    f"{prefix}usable has {len(places)} usable inputs; the layer has scores for {self.scores.shape[2]}"
                )
                return
        super()._load_from_state_dict(state_dict, prefix, *args)
        if places is not None:
            self.places = places.to(self.usable.device)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "places" not in self._buffers:  # pickled before there was such a buffer
            self.register_buffer("places", self.usable.nonzero().flatten(), persistent=False)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, rule={self.rule!r}, unique={self.unique}"
