"""The network that most tasks want, from a few numbers: encoder, dense LUT layers, group sum."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import nn

from lutsmith.nn.dense import LogicDense
from lutsmith.nn.encoders import ENCODERS, Per
from lutsmith.nn.heads import GroupSum


@dataclass(frozen=True)
class Architecture:
    """The sizes and kinds of a feed-forward LUT network.

    Attributes:
        luts: LUTs of each layer; the last is a multiple of the number of classes.
        rank: inputs of a LUT.
        bits: thresholds of each feature.
        encoder: `"distributive"`, `"uniform"` or `"gaussian"`.
        per: what has thresholds of its own: `"feature"`, `"channel"` or `"global"`.
        parametrization: a name of `list_parametrizations()`.
        connections: `"learnable"` or `"fixed"`, in every layer.
        num_candidates: candidates of a learned slot, one number for each layer or one for all; never more than a layer
            has inputs.
        connection_temperature: of learned connections.
        connection_rule: of learned connections.
        tau: divisor of the group sums in training, or `"auto"`.
        weight_init: `"residual"` or `"random"`.
        residual_probability: see `Parametrization`.
    """

    luts: tuple[int, ...] = (2000, 1000)
    rank: int = 6
    bits: int = 3
    encoder: Literal["distributive", "uniform", "gaussian"] = "distributive"
    per: Per = "feature"
    parametrization: str = "light"
    connections: Literal["learnable", "fixed"] = "learnable"
    num_candidates: tuple[int, ...] | int = 16
    connection_temperature: float = 1.0
    connection_rule: Literal["softmax", "dwn"] = "softmax"
    tau: float | Literal["auto"] = "auto"
    weight_init: Literal["residual", "random"] = "residual"
    residual_probability: float = 0.951

    def __post_init__(self) -> None:
        if not self.luts or any(width < 1 for width in self.luts):
            raise ValueError(f"luts is {self.luts}; expected the width of each layer, such as (2000, 1000)")
        if self.encoder not in ENCODERS:
            raise ValueError(f"encoder is {self.encoder!r}; expected one of {', '.join(ENCODERS)}")
        if not isinstance(self.num_candidates, int) and len(self.num_candidates) != len(self.luts):
            raise ValueError(f"num_candidates has {len(self.num_candidates)} numbers for {len(self.luts)} layers")

    def candidates_of(self, layer: int, in_dim: int) -> int:
        """Candidates of a slot in a layer with `in_dim` inputs."""
        wanted = self.num_candidates if isinstance(self.num_candidates, int) else self.num_candidates[layer]
        return in_dim if wanted == -1 else min(wanted, in_dim)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Architecture:
        """The inverse of `to_json`."""
        values: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        return cls(**values)


def build(architecture: Architecture, fit_samples: Any, num_classes: int, seed: int = 0) -> nn.Sequential:
    """Fit the encoder on `fit_samples` `(N, *input_shape)` and build the network on it.

    Returns `Sequential(encoder, Flatten, LogicDense..., GroupSum)`. The same arguments give the same network, bit for
    bit.

    Raises:
        ValueError: sizes that do not fit: a last layer that is no multiple of `num_classes`, fewer usable bits than
        `rank`.
    """
    generator = torch.Generator().manual_seed(seed)
    encoder = ENCODERS[architecture.encoder](architecture.bits, per=architecture.per, unique=True)
    encoder.fit(fit_samples, seed=seed)
    head = GroupSum(num_classes, architecture.tau)
    head.group_size(architecture.luts[-1])
    layers: list[nn.Module] = []
    usable: torch.Tensor | None = encoder.usable.flatten()
    in_dim = encoder.usable.numel()
    for number, width in enumerate(architecture.luts):
        settings: dict[str, Any] = {}
        if architecture.connections == "learnable":
            available = in_dim if usable is None else int(usable.sum())
            settings = {
                "num_candidates": architecture.candidates_of(number, available),
                "connection_temperature": architecture.connection_temperature,
                "connection_rule": architecture.connection_rule,
            }
        layers.append(
            LogicDense(
                in_dim,
                width,
                architecture.rank,
                parametrization=architecture.parametrization,
                connections=architecture.connections,
                usable=usable,
                generator=generator,
                weight_init=architecture.weight_init,
                residual_probability=architecture.residual_probability,
                **settings,
            )
        )
        usable, in_dim = None, width
    return nn.Sequential(encoder, nn.Flatten(), *layers, head)
