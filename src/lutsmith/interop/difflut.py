"""difflut: one module a node, addresses with input 0 first, wiring as indices or as a matrix of scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor, nn

from lutsmith.interop import difflut_nodes
from lutsmith.interop.checkpoint import CheckpointError, Source, rank_of, read_state, split_layers, tensor
from lutsmith.interop.difflut_nodes import Luts
from lutsmith.interop.layers import ImportedLayer, assemble, group_sum

_NAMES = r"_mapping_indices|mapping\.(?:W|_cached_hard_indices|_cached_hard_mask)|nodes\.\d+\..+"
# Constants that every node carries, which say nothing that the rest does not.
_CONSTANTS = {"binary_combinations", "alpha", "beta", "gradient_scale", "truth_tables", "lut_table"}

# The kinds of nodes by their parameters, and what turns those into tables.
_KINDS: dict[frozenset[str], Callable[..., Luts]] = {
    frozenset({"luts"}): difflut_nodes.dwn,
    frozenset({"raw_luts"}): difflut_nodes.hybrid,
    frozenset({"raw_weights", "temperature"}): difflut_nodes.probabilistic,
    frozenset({"weights"}): difflut_nodes.linear,
    frozenset({"weights", "bias"}): difflut_nodes.linear,
    frozenset({"weights", "exponent_matrix"}): difflut_nodes.polynomial,
    frozenset({"frequencies", "amplitudes", "phases", "bias"}): difflut_nodes.fourier,
    frozenset({"coefficients", "temperature"}): difflut_nodes.warp,
    frozenset({"weights", "indices"}): difflut_nodes.difflogic,
}


def from_difflut(
    source: Source,
    *,
    num_classes: int | None = None,
    tau: float | None = None,
    in_dim: int | None = None,
    activation: str = "relu",
    max_amplitude: float = 0.5,
    skip: Collection[str] = (),
) -> nn.Sequential:
    """A model of difflut's random or learnable layers, `Sequential(LogicDense..., GroupSum)`.

    The nodes are told by the names of their parameters: dwn, dwn_stable, probabilistic, hybrid, linear_lut, polylut,
    neurallut, fourier, difflogic and warp. Tables are those of the hardware, `>= 1/2` where a node says so, also of
    the kinds (fourier, difflogic) whose own eval mode is not discrete. Weights have a counterpart to train on, but for
    neurallut with other activations than relu, skip connections into hidden layers or several outputs, and for fourier
    at other frequencies than 0 and 1/2: there the tables become logits, with a warning. A learnable layer gets the
    wiring that has its highest scores, fixed.

    Args:
        source: a state dict with `_mapping_indices` `(out, n)` or `mapping.W` `(out * n, in)` and `nodes.0.<name>`, ...
            for each layer, a file with one, or the model.
        num_classes: of the group sum, which has nothing in the state dict; None: the model's own, or no head.
        tau: of the group sum in training; None: the model's own, or 1.
        in_dim: inputs of the first layer; None: what a learnable layer tells, or the highest input that is read.
        activation: of neurallut nodes: `"relu"`, `"sigmoid"` or `"leakyrelu"`; the state dict does not say.
        max_amplitude: of fourier nodes; the state dict does not say.
        skip: beginnings of the names of tensors to leave out, such as `("encoder.",)`.

    Raises:
        CheckpointError: the source cannot be read or is no such model.
    """
    layers = [
        _layer(prefix, tensors, activation, max_amplitude)
        for prefix, tensors in split_layers(read_state(source), _NAMES, skip, library="difflut")
    ]
    return assemble(layers, in_dim, group_sum(source, num_classes, tau))


def _layer(prefix: str, tensors: Mapping[str, Tensor], activation: str, max_amplitude: float) -> ImportedLayer:
    nodes = _stacked(prefix, tensors)
    count = len(next(iter(nodes.values())))
    in_dim = None
    if "mapping.W" in tensors:
        scores = tensor(tensors, "mapping.W", prefix, (None, None))
        if len(scores) % count:
            raise CheckpointError(f"{prefix}mapping.W has {len(scores)} slots for {count} nodes; expected a multiple")
        in_dim = scores.shape[1]
        inputs = scores.argmax(1).reshape(count, -1)
    else:
        inputs = tensor(tensors, "_mapping_indices", prefix, (count, None), "indices")
    rank = rank_of(1 << min(inputs.shape[1], 16), f"layer {prefix!r}")
    present = {name for name in nodes if name not in _CONSTANTS}
    name = f"difflut layer {prefix!r}"
    try:
        if any(parameter.startswith("layers.") for parameter in present):
            luts = difflut_nodes.neural(nodes, rank, activation)
        elif "gradient_scale" in nodes:
            luts = difflut_nodes.dwn_stable(nodes, rank)
        elif frozenset(present) in _KINDS:
            luts = _KINDS[frozenset(present)](nodes, rank, max_amplitude=max_amplitude)
        else:
            raise CheckpointError(f"{name} has nodes with {', '.join(sorted(present))}, which is no node known here")
    except (IndexError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"the parameters of {name} do not fit together: {error}") from error
    rows = inputs.repeat_interleave(len(luts.tables) // count, 0)
    if luts.slots is not None:
        rows = rows.gather(1, luts.slots)
    return ImportedLayer(name, rows, luts.tables, luts.parametrization, luts.weight, luts.settings, in_dim)


def _stacked(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each parameter of the nodes, stacked: `(nodes, ...)`."""
    by_name: dict[str, dict[int, Tensor]] = {}
    for key in tensors:
        if match := re.fullmatch(r"nodes\.(\d+)\.(.+)", key):
            sizes = tuple(tensors[key].shape)
            by_name.setdefault(match[2], {})[int(match[1])] = tensor(tensors, key, prefix, sizes)
    if not by_name:
        raise CheckpointError(f"difflut layer {prefix!r} has no nodes.0, nodes.1, ...")
    count = 1 + max(number for nodes in by_name.values() for number in nodes)
    for name, nodes in by_name.items():
        shapes = {tuple(value.shape) for value in nodes.values()}
        if len(nodes) != count or len(shapes) > 1:
            raise CheckpointError(
                f"difflut layer {prefix!r} has {count} nodes, of which {len(nodes)} have {name}, with shapes {shapes}; "
                "expected the same of all"
            )
    return {name: torch.stack([nodes[number] for number in range(count)]) for name, nodes in by_name.items()}
