"""torchlogix: tables with input 0 as the most significant bit, Walsh coefficients of 1 - 2 x with the sign reversed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from lutsmith.ground.arguments import one_of
from lutsmith.interop.gates import convert_gates, from_msb_first
from lutsmith.interop.imported import ImportedLayer, assemble, group_sum, width_of
from lutsmith.interop.kernels import Geometry, Kernels, Pooling
from lutsmith.interop.state_dicts import ForeignModelError, Source, rank_of, read_state, split_layers, tensor
from lutsmith.interop.told import Told, number
from lutsmith.nn.parametrizations import msb_first

Kind = Literal["raw", "light", "warp"]
_NAMES = (
    r"weight|_export_lut_ids|connections\.(?:indices|weights|_export_indices)"
    r"|tree_weights\.\d{1,3}|_export_lut_ids_L\d+|connections\._indices_L\d+"
)
_OF_KERNELS = ("tree_weights.", "connections._indices_L")


def from_torchlogix(
    source: Source,
    *,
    parametrization: Kind | None = None,
    num_classes: int | None = None,
    tau: float | None = None,
    beta: float | None = None,
    in_dim: int | Sequence[int] | None = None,
    channels: int | None = None,
    receptive_field_size: int | tuple[int, ...] | list[Any] | None = None,
    padding: int | list[int] | None = None,
    pooling: Pooling | list[Pooling | None] | None = None,
    grad_factor: float | Sequence[float] | None = None,
    forward_sampling: str | Sequence[str] | None = None,
    temperature: float | Sequence[float] | None = None,
    skip: Collection[str] = (),
) -> nn.Sequential:
    """A model of torchlogix's layers, `Sequential(LogicDense..., GroupSum)`, with the weights to train on; kernels
    (`LogicConv2d`, `LogicConv3d`, in one pass with the `OrPooling` behind them) come first and a `Flatten` after them.

    Slot j of a LUT stays slot j; tables and coefficients are reordered. Learned connections become fixed ones at their
    argmax, without the noise that torchlogix may add to it.

    Whatever a state dict lacks must be given. From a model it is read, and arguments take precedence over the model.

    Args:
        source: a state dict with `weight`, `connections.indices` and, of learned connections, `connections.weights` for
            each dense layer, and `tree_weights` and `connections._indices_L0`, ... for each of kernels; a file with
            one, or the model. Transposed kernels are recognised only in a model.
        parametrization: `"raw"`, `"light"` or `"warp"`. The state dict does not say whether weights of `2**rank`
            numbers are light or warp; None: raw if the shape shows it, else the model's own.
        num_classes: of the group sum, which the state dict does not hold; None: the model's own, or no head.
        tau: of the group sum in training; None: the model's own.
        beta: of the group sum in training; None: the model's own.
        in_dim: inputs of the first layer, or pixels along each axis of its images, one number for all; None: the
            model's own, or as follows from candidates that are all inputs.
        channels: of the images; None: the model's own.
        receptive_field_size: of the layers of kernels, for all of them or, a list, for each; None: the model's own.
        padding: likewise.
        pooling: arguments of the `OrPooling` behind each layer of kernels (None: there is none), or those that all of
            them have; None: the model's own. A model may not have modules of other kinds between its layers.
        grad_factor: what each layer multiplies the gradient toward its inputs by, for all layers or for each; None: the
            model's own, or 1 for kernels, where torchlogix 0.2 takes a `grad_factor` and does nothing with it. A factor
            other than 1 is kept as a `GradientFactor` before the layer.
        forward_sampling: of the LUTs in training, for all layers or for each; None: the model's own.
        temperature: of the LUTs in training, for all layers or for each; None: the model's own.
        skip: beginnings of the names of tensors to leave out, such as those of a binarization.

    Raises:
        ForeignModelError: the source cannot be read, is not such a model, or leaves open something that must then be
            given.
    """
    if parametrization is not None:
        one_of("parametrization", parametrization, get_args(Kind), ForeignModelError)
    parts = split_layers(read_state(source), _NAMES, skip, library="torchlogix")
    told = Told("torchlogix", source, [prefix for prefix, _ in parts])
    convs = [i for i, (_, tensors) in enumerate(parts) if any(name.startswith(_OF_KERNELS) for name in tensors)]
    if convs != list(range(len(convs))):
        raise ForeignModelError(f"layer {parts[convs[-1]][0]!r} is of kernels, and a dense one is before it")
    kernels = [Kernels.of(*part) for part in parts[: len(convs)]]
    given = {"receptive_field_size": receptive_field_size, "padding": padding, "pooling": pooling}
    geometry = Geometry(told, source, [prefix for prefix, _ in parts], len(convs), given, skip)
    dense = parts[len(convs) :]
    wirings = []
    for i, (prefix, tensors) in enumerate(dense, len(convs)):
        if "connections.indices" not in tensors and isinstance(own := told.attribute(i, "connections.indices"), Tensor):
            tensors["connections.indices"] = own  # an attribute, not a buffer, in early versions
        wirings.append(_wiring(prefix, tensors, told.attribute(i, "in_dim")))
    inputs = [*(layer.channel for layer in kernels), *(read for read, _ in wirings)]
    weights = [
        *(layer.weight for layer in kernels),
        *(tensor(own, "weight", name, (None, None)) for name, own in dense),
    ]
    options = []
    for i, (weight, read) in enumerate(zip(weights, inputs, strict=True)):
        factor = 1.0 if grad_factor is None and i < len(convs) else grad_factor
        options.append(
            (
                _kind(told, i, parametrization, weight.shape[1], read.shape[1]),
                told.option("grad_factor", i, factor, "grad_factor", "1"),
                told.option("forward_sampling", i, forward_sampling, "parametrization.forward_sampling", "'soft'"),
                told.option("temperature", i, temperature, "parametrization.temperature", "1"),
            )
        )
    size: Any = in_dim
    shape = geometry.image(kernels[0], size, channels) if kernels else (width_of(told, wirings[0][1], size),)
    head = group_sum(told, source, num_classes, tau, beta)
    told.check()
    layers: list[ImportedLayer] = []
    before = shape
    for i, ((prefix, _), (kind, factor, sampling, divisor)) in enumerate(zip(parts, options, strict=True)):
        settings = {"forward_sampling": sampling, "temperature": number("temperature", divisor)}
        layer = _layer(prefix, weights[i], kind, inputs[i], settings)
        layer = replace(layer, gradient_in=number("grad_factor", factor))
        if i < len(kernels):
            layer = geometry.layer(layer, i, kernels[i], before)
        else:
            layer = replace(layer, in_dim=wirings[i - len(kernels)][1])
        layers.append(layer)
        before = layer.out_shape()
    return assemble(layers, shape, head)


def _kind(told: Told, number: int, given: Kind | None, width: int, rank: int) -> Kind | None:
    """The kind of a layer: as given, by the name of its parametrization's class, or raw by the shape of its weights."""
    owner = type(told.attribute(number, "parametrization")).__name__.lower()
    names: dict[str, Kind] = {"raw": "raw", "light": "light", "warp": "warp", "walsh": "warp"}
    known = given or next((kind for name, kind in names.items() if owner.startswith(name)), None)
    if known is None and (width, rank) == (16, 2):
        known = "raw"
    if known is None:
        told.miss("parametrization", example="'light' or 'warp'")
    return known


def _layer(prefix: str, weight: Tensor, kind: Kind | None, inputs: Tensor, settings: dict[str, Any]) -> ImportedLayer:
    width = weight.shape[1]
    rank = inputs.shape[1]
    name = f"torchlogix layer {prefix!r}"
    if kind == "raw" and rank == 2 and width == 16:
        converted, tables = convert_gates(weight, from_msb_first())
        return ImportedLayer(name, inputs, tables, "raw", converted, settings)
    if kind == "raw" or rank_of(width, f"{prefix}weight") != rank:
        raise ForeignModelError(f"{name} has {width} weights a LUT of rank {rank}, which is not {kind}")
    if kind == "light":
        logits = msb_first(weight)
        return ImportedLayer(name, inputs, logits > 0, "light", logits, settings)
    coefficients = msb_first(weight) * _signs(rank)
    tables = _walsh_sums(coefficients.double(), rank) > 0
    return ImportedLayer(name, inputs, tables, "warp", coefficients, settings)


def _wiring(prefix: str, tensors: Mapping[str, Tensor], known: int | None) -> tuple[Tensor, int | None]:
    """The inputs of each LUT `(out, rank)`; and the number of inputs: known, or where each slot has them all to choose.

    (The highest input that is read does not tell it: the wiring "random-unique" may leave some out.)
    """
    out_dim = len(tensor(tensors, "weight", prefix, (None, None)))
    if "connections.weights" not in tensors:
        return tensor(tensors, "connections.indices", prefix, (None, out_dim), "indices").t(), known
    scores = tensor(tensors, "connections.weights", prefix, (None, None, out_dim))
    candidates = tensor(tensors, "connections.indices", prefix, tuple(scores.shape), "indices")
    inputs = candidates.gather(0, scores.argmax(0, keepdim=True)).squeeze(0).t()
    everything = torch.arange(len(candidates))[:, None, None].expand_as(candidates)
    return inputs, len(candidates) if known is None and torch.equal(candidates, everything) else known


def _signs(rank: int) -> Tensor:
    """-(-1)^|S| for each set S of inputs: from sums over 1 - 2 x, below 0 for a 1, to sums over 2 x - 1, above 0."""
    signs = -torch.ones(1)
    for _ in range(rank):
        signs = torch.cat([signs, -signs])
    return signs


def _walsh_sums(coefficients: Tensor, rank: int) -> Tensor:
    """`sum_S c_S prod_{j in S} (2 k_j - 1)` at each address k, `(out, 2**rank)`, by butterflies."""
    sums = coefficients
    for slot in range(rank):
        low, high = sums.reshape(len(sums), -1, 2, 1 << slot).unbind(2)
        sums = torch.stack([low - high, low + high], 2).reshape(len(sums), -1)
    return sums
