"""difflut: one module a node, addresses with input 0 first, wiring as indices or as a matrix of scores."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.interop import difflut_nodes
from lutsmith.interop.difflut_nodes import NodeLuts
from lutsmith.interop.imported import ImportedLayer, assemble, find_head, group_sum, width_of
from lutsmith.interop.state_dicts import ForeignModelError, Source, rank_of, read_state, split_layers, tensor
from lutsmith.interop.told import Told

_NAMES = r"_mapping_indices|mapping\.(?:W|_cached_hard_indices|_cached_hard_mask)|nodes\.\d+\..+"
# What says nothing that the rest does not: a table made from the weights for eval mode.
_DERIVED = {"lut_table"}


@dataclass(frozen=True)
class _Kind:
    """A kind of node.

    Attributes:
        luts: what turns its parameters and options into tables.
        options: by the name of the importer's argument, the attribute of a node and what difflut's constructor takes.
        buffers: options by the names of the buffers that hold them in the versions that save them.
    """

    luts: Callable[..., NodeLuts]
    options: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    buffers: Collection[str] = ()


_DECAY = {"alpha": ("alpha", "0.5 * 0.75**(n - 1)"), "beta": ("beta", "1 / 3")}
_NEURAL = _Kind(
    difflut_nodes.neural,
    {
        "activation": ("activation_type", "'relu'"),
        "temperature": ("tau", "1.0"),
        "ste": ("ste", "False"),
        "grad_factor": ("grad_factor", "1.0"),
    },
)
# The kinds by their parameters.
_KINDS = {
    frozenset({"luts"}): _Kind(difflut_nodes.dwn, _DECAY, ("alpha", "beta")),
    frozenset({"raw_luts", "gradient_scale"}): _Kind(difflut_nodes.dwn_stable),
    frozenset({"raw_luts"}): _Kind(difflut_nodes.hybrid),
    frozenset({"raw_weights", "temperature"}): _Kind(difflut_nodes.probabilistic),
    frozenset({"weights"}): _Kind(difflut_nodes.linear),
    frozenset({"weights", "bias"}): _Kind(difflut_nodes.linear),
    frozenset({"weights", "exponent_matrix"}): _Kind(difflut_nodes.polynomial),
    frozenset({"frequencies", "amplitudes", "phases", "bias"}): _Kind(
        difflut_nodes.fourier, {"max_amplitude": ("max_amplitude", "1.0, in early versions 0.5")}
    ),
    frozenset({"coefficients", "temperature"}): _Kind(difflut_nodes.warp),
    frozenset({"weights", "indices"}): _Kind(difflut_nodes.difflogic),
}


def from_difflut(
    source: Source,
    *,
    num_classes: int | None = None,
    tau: float | None = None,
    in_dim: int | None = None,
    activation: str | Sequence[str] | None = None,
    temperature: float | Sequence[float] | None = None,
    ste: bool | Sequence[bool] | None = None,
    grad_factor: float | Sequence[float] | None = None,
    max_amplitude: float | Sequence[float] | None = None,
    alpha: float | Sequence[float] | None = None,
    beta: float | Sequence[float] | None = None,
    skip: Collection[str] = (),
) -> nn.Sequential:
    """A model of difflut's random or learnable layers, `Sequential(LogicDense..., GroupSum)`.

    The kind of nodes is recognised by the names of their parameters: dwn, dwn_stable, probabilistic, hybrid,
    linear_lut, polylut, neurallut, fourier, difflogic and warp. Tables are those of the hardware, `>= 1/2` where a node
    says so, also of the kinds (fourier, difflogic) whose own eval mode is not discrete. Weights have a trainable
    counterpart, except for neurallut with activations other than relu, skip connections into hidden layers or several
    outputs, and for fourier at frequencies other than 0 and 1/2: there the tables become logits, with a warning. A
    learnable layer gets the wiring with its highest scores, fixed.

    Whatever a state dict lacks must be given. From a model it is read, and arguments take precedence over the model. An
    option is one value for all layers, or a list with one for each; layers of other nodes ignore theirs.

    Args:
        source: a state dict with `_mapping_indices` `(out, n)` or `mapping.W` `(out * n, in)` and `nodes.0.<name>`, ...
            for each layer, a file with one, or the model.
        num_classes: of the group sum; None: the model's own, or no head.
        tau: of the group sum; None: the model's or the state dict's own.
        in_dim: inputs of the first layer; None: as a learnable layer or the model says.
        activation: of neurallut nodes, `"relu"`, `"sigmoid"` or `"leakyrelu"`: their `activation_type`.
        temperature: of neurallut nodes in training: their present `tau`.
        ste: of neurallut nodes: whether they give bits in training.
        grad_factor: of neurallut nodes: what the gradient of their outputs is multiplied by.
        max_amplitude: of fourier nodes.
        alpha: of dwn nodes of versions that do not save it.
        beta: of dwn nodes of versions that do not save it.
        skip: beginnings of the names of tensors to leave out, such as `("encoder.",)`.

    Warns:
        UserWarning: layers that use bit flips or gradient stabilization in training, which LUTs do not have; weights
            without a counterpart.

    Raises:
        ForeignModelError: the source cannot be read, is not such a model, or leaves open something that must then be
            given.
    """
    given = {
        "activation": activation,
        "temperature": temperature,
        "ste": ste,
        "grad_factor": grad_factor,
        "max_amplitude": max_amplitude,
        "alpha": alpha,
        "beta": beta,
    }
    state = read_state(source)
    divisors = [state.pop(name) for name in list(state) if re.fullmatch(r"(?:.*\.)?tau", name)]
    parts = split_layers(state, _NAMES, skip, library="difflut")
    told = Told("difflut", source, [prefix for prefix, _ in parts])
    layers, options = [], []
    for i, (prefix, tensors) in enumerate(parts):
        nodes = _stacked(prefix, tensors)
        kind = _kind(prefix, nodes)
        wanted = {name: known for name, known in kind.options.items() if not (name in kind.buffers and name in nodes)}
        options.append(
            {
                name: told.option(name, i, given[name], f"nodes.*.{attribute}", usual)
                for name, (attribute, usual) in wanted.items()
            }
        )
        layers.append((prefix, tensors, nodes, kind, told.attribute(i, "input_size")))
        _warn_of_noise(told, i, prefix)
    width = width_of(told, _inputs_of(layers[0][1], layers[0][4]), in_dim)
    if tau is None and len(divisors) == 1 and divisors[0].numel() == 1:
        tau = float(divisors[0])
    head = group_sum(told, source, num_classes, tau, pads=True)
    if getattr(find_head(source), "use_randperm", False):
        raise ForeignModelError(
            "the group sum has use_randperm=True: it sums the LUTs in another order in every pass, so that the model "
            "has no classes; set use_randperm=False first"
        )
    told.check()
    return assemble([_layer(*layer, known) for layer, known in zip(layers, options, strict=True)], width, head)


def _inputs_of(tensors: Mapping[str, Tensor], told: int | None) -> int | None:
    """The number of inputs of a layer, where its scores or its module tell."""
    scores = tensors.get("mapping.W")
    return scores.shape[1] if scores is not None and scores.ndim == 2 else told


def _warn_of_noise(told: Told, number: int, prefix: str) -> None:
    """Say what a layer of a model does to training steps that LUTs do not."""
    off = {"flip_probability": (None, 0), "grad_stabilization": (None, "none")}
    values = {name: told.attribute(number, name) for name in off}
    kept = [f"{name}={value!r}" for name, value in values.items() if value not in off[name]]
    if kept:
        warnings.warn(
            f"layer {prefix!r} has {' and '.join(kept)}, which LogicDense has not: training goes on without it",
            stacklevel=3,
        )


def _kind(prefix: str, nodes: Mapping[str, Tensor]) -> _Kind:
    ignored = {*_DERIVED, *difflut_nodes.CONSTANTS}
    present = frozenset(name for name in nodes if name not in ignored)
    if any(name.startswith("layers.") for name in present):
        return _NEURAL
    for parameters, kind in _KINDS.items():
        if present - set(kind.buffers) == parameters:
            return kind
    raise ForeignModelError(
        f"difflut layer {prefix!r} has nodes with {', '.join(sorted(present))}, which is not a node known here"
    )


def _layer(
    prefix: str,
    tensors: Mapping[str, Tensor],
    nodes: dict[str, Tensor],
    kind: _Kind,
    in_dim: int | None,
    options: Mapping[str, Any],
) -> ImportedLayer:
    count = len(next(iter(nodes.values())))
    if "mapping.W" in tensors:
        scores = tensor(tensors, "mapping.W", prefix, (None, None))
        if len(scores) % count:
            raise ForeignModelError(f"{prefix}mapping.W has {len(scores)} slots for {count} nodes; expected a multiple")
        in_dim = scores.shape[1]
        inputs = scores.argmax(1).reshape(count, -1)
    else:
        inputs = tensor(tensors, "_mapping_indices", prefix, (count, None), "indices")
    rank = rank_of(1 << min(inputs.shape[1], 16), f"layer {prefix!r}")
    name = f"difflut layer {prefix!r}"
    try:
        difflut_nodes.check_constants(nodes, rank)
        luts = kind.luts(nodes, rank, **options)
    except (IndexError, KeyError, RuntimeError) as error:
        raise ForeignModelError(f"the parameters of {name} do not fit together: {error}") from error
    rows = inputs.repeat_interleave(len(luts.tables) // count, 0)
    if luts.slots is not None:
        rows = rows.gather(1, luts.slots)
    return ImportedLayer(
        name,
        rows,
        luts.tables,
        luts.parametrization,
        luts.weight,
        luts.settings,
        in_dim,
        gradient_in=luts.gradient_in,
        gradient_out=luts.gradient_out,
    )


def _stacked(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each parameter of the nodes, stacked: `(nodes, ...)`."""
    by_name: dict[str, dict[int, Tensor]] = {}
    for key in tensors:
        if match := re.fullmatch(r"nodes\.(\d+)\.(.+)", key):
            sizes = tuple(tensors[key].shape)
            by_name.setdefault(match[2], {})[int(match[1])] = tensor(tensors, key, prefix, sizes)
    if not by_name:
        raise ForeignModelError(f"difflut layer {prefix!r} has no nodes.0, nodes.1, ...")
    count = 1 + max(number for nodes in by_name.values() for number in nodes)
    for name, nodes in by_name.items():
        shapes = {tuple(value.shape) for value in nodes.values()}
        if len(nodes) != count or len(shapes) > 1:
            raise ForeignModelError(
                f"difflut layer {prefix!r} has {count} nodes, of which {len(nodes)} have {name}, with shapes {shapes}; "
                "expected the same of all"
            )
    return {name: torch.stack([nodes[number] for number in range(count)]) for name, nodes in by_name.items()}
