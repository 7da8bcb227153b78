"""BitLogic's feed-forward network under its name, with its arguments."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.encoders import ENCODERS, Encoder
from lutsmith.nn.heads import setup_head

# BitLogic's names of encoders and heads; lutsmith's own are known too.
_ENCODERS = {
    "distributive_thermometer": "distributive",
    "gaussian_thermometer": "gaussian",
    "thermometer": "uniform",
    "uniform_fixed_point": "fixed-point",
}
_HEADS = {"groupsum": "group-sum", "groupeddsp": "grouped-dsp"}
_WITH_CANDIDATES = ("learnable", "top-k")


class FeedForward(nn.Sequential):
    """Encoder, `num_layers` equal `LogicDense` layers, head: BitLogic's best network (arXiv:2602.07400), to train.

    The encoder has separate thresholds for each feature, and repeated ones are not wired; BitLogic's has one set per
    channel, which is `encoder=DistributiveThermometer(8, fit_axes=(1,))`.

    Args:
        fit_samples: data `(N, *input_shape)` that the encoder is fitted on.
        num_classes: of the head; it must divide `layer_width`.
        layer_width: LUTs of each layer.
        num_layers: layers.
        num_bits: bits of a feature.
        lut_rank: inputs of a LUT.
        num_candidates: candidates of each learned slot, with the connections `"learnable"` and `"top-k"`.
        parametrization: a name of `list_parametrizations()`.
        connections: a name of `list_connections()`.
        tau: of the head in training (a `"regression"` head has none).
        encoder: BitLogic's or lutsmith's name of an encoder, or an encoder, which is fitted here.
        head: BitLogic's or lutsmith's name of a head.
        head_wbits: word length of the weights of a `"groupeddsp"` head.
        device: of all parameters and buffers.
        **layer_kwargs: further arguments of every `LogicDense`.

    A slice of it is a plain `nn.Sequential`.

    Raises:
        ValueError: an unknown name or option, sizes that do not fit.
        TypeError: a value of a wrong type.
    """

    def __init__(
        self,
        *,
        fit_samples: Any,
        num_classes: int,
        layer_width: int = 64_000,
        num_layers: int = 2,
        num_bits: int = 8,
        lut_rank: int = 4,
        num_candidates: int = 8,
        parametrization: str = "light",
        connections: str = "learnable",
        tau: float = 150,
        encoder: str | Encoder = "distributive_thermometer",
        head: str = "groupsum",
        head_wbits: int = 8,
        device: torch.device | str | None = None,
        **layer_kwargs: Any,
    ) -> None:
        whole_number("num_layers", num_layers, 1)
        fitted = _encoder(encoder, num_bits).fit(fit_samples)
        options: dict[str, Any] = {"connections": connections, "parametrization": parametrization, **layer_kwargs}
        if connections in _WITH_CANDIDATES:
            options["num_candidates"] = num_candidates
        layers = [LogicDense(fitted.usable.numel(), layer_width, lut_rank, usable=fitted.usable, **options)]
        layers += [LogicDense(layer_width, layer_width, lut_rank, **options) for _ in range(num_layers - 1)]
        name = _HEADS.get(head, head)
        settings: dict[str, Any] = {} if name == "regression" else {"tau": tau}
        if name == "grouped-dsp":
            settings["wbits"] = head_wbits
        scores = setup_head(name, num_classes, in_dim=layer_width, **settings)
        super().__init__(fitted, nn.Flatten(), *layers, scores)
        if device is not None:
            self.to(device)

    def __getitem__(self, index: slice | int) -> Any:
        # Sequential makes a slice by its own class, which here is not made of modules.
        return nn.Sequential(*list(self)[index]) if isinstance(index, slice) else super().__getitem__(index)


def _encoder(encoder: str | Encoder, num_bits: int) -> Encoder:
    if isinstance(encoder, Encoder):
        return encoder
    one_of("encoder", encoder, [*_ENCODERS, *ENCODERS])
    return ENCODERS[_ENCODERS.get(encoder, encoder)](num_bits, unique=True)
