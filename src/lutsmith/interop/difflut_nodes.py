"""difflut's nodes: the truth table to which each discretizes, and its weights in a parametrization of lutsmith.

A function here takes the parameters of all nodes of a layer, stacked: a tensor of shape `(2**n, m)` in a node arrives
as `(nodes, 2**n, m)`. It returns a LUT for each output of each node, node by node. Addresses have input 0 first, as in
lutsmith.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lutsmith.dwn.lut_layer import contraction
from lutsmith.interop.gates import convert_gates, from_reversed
from lutsmith.interop.state_dicts import ForeignModelError
from lutsmith.interop.told import flag
from lutsmith.interop.told import number as finite
from lutsmith.nn.parametrizations.poly import MAX_DEGREE

BARELY = 1e-20
"""Added to the constant of a logit that difflut takes for 1 from 0 on, so that it is above 0."""

Stacked = Mapping[str, Tensor]


@dataclass(frozen=True)
class NodeLuts:
    """The LUTs of a layer's nodes.

    Attributes:
        tables: bool `(LUTs, 2**rank)`.
        parametrization: the one of lutsmith with the same function, or None.
        weight: its weights, `(LUTs, num_weights)`.
        settings: its arguments.
        gradient_in: what the gradient toward the inputs is multiplied by.
        gradient_out: what the gradient of the outputs is multiplied by.
        slots: which of the node's inputs each LUT reads, int64 `(LUTs, rank)`; None: all in their order.
    """

    tables: Tensor
    parametrization: str | None = None
    weight: Tensor | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    slots: Tensor | None = None
    gradient_in: float = 1.0
    gradient_out: float = 1.0


CONSTANTS = ("binary_combinations", "truth_tables")
"""Buffers that are the same in every node, and say in which order it has addresses and gates."""


def check_constants(nodes: Stacked, rank: int) -> None:
    """Raise ForeignModelError if the order of addresses or of gates differs from the one known here."""
    gates = ((torch.arange(16).unsqueeze(1) >> torch.arange(4)) & 1).float()
    for name, expected in (("binary_combinations", _corners(rank)), ("truth_tables", gates)):
        found = nodes.get(name)
        if found is not None and not (found.shape[1:] == expected.shape and bool((found == expected).all())):
            raise ForeignModelError(
                f"the nodes have other {name} than those of the versions known here: their addresses or gates are in "
                "another order"
            )


def dwn(nodes: Stacked, rank: int, **options: Any) -> NodeLuts:
    """Entries in [0, 1], 1 from 1/2 on."""
    luts = _entries(nodes["luts"], rank)
    alpha, beta = (_one(nodes, name) if name in nodes else finite(name, options[name]) for name in ("alpha", "beta"))
    try:
        rho, factor = contraction(alpha, beta, rank)
    except ValueError as error:
        raise ForeignModelError(f"dwn nodes have no counterpart: {error}") from error
    return NodeLuts(luts >= 0.5, "dwn", 2 * luts - 1, {"rho": rho}, gradient_in=factor)


def dwn_stable(nodes: Stacked, rank: int) -> NodeLuts:
    """Entries s(raw), 1 from 1/2 on; a look-up with the linear decay, whose gradients are scaled."""
    luts = _entries(nodes["raw_luts"], rank).sigmoid()
    factor = _one(nodes, "gradient_scale")
    return NodeLuts(luts >= 0.5, "dwn", 2 * luts - 1, {"decay": "linear"}, gradient_out=factor)


def hybrid(nodes: Stacked, rank: int) -> NodeLuts:
    """Entries s(raw), 1 from 1/2 on."""
    raw = _entries(nodes["raw_luts"], rank)
    return NodeLuts(raw.sigmoid() >= 0.5, "hybrid", raw)


def probabilistic(nodes: Stacked, rank: int) -> NodeLuts:
    """Entries s(raw / temperature), 1 from 1/2 on."""
    raw = _by_output(nodes["raw_weights"])
    tau = _temperature(nodes)
    return NodeLuts((_entries(raw, rank) / tau).sigmoid() >= 0.5, "light", _entries(raw, rank), {"temperature": tau})


def linear(nodes: Stacked, rank: int) -> NodeLuts:
    """`w x + b`, 1 from 0 on; older nodes have no b."""
    weights = _by_output(nodes["weights"])
    bias = nodes["bias"].flatten() if "bias" in nodes else torch.zeros(len(weights))
    logits = weights @ _corners(rank).t() + bias.unsqueeze(1)
    return NodeLuts(logits >= 0, "linear", torch.cat([bias.unsqueeze(1) + BARELY, weights], 1))


def polynomial(nodes: Stacked, rank: int) -> NodeLuts:
    """All monomials up to a degree, powers included, in the order of `exponent_matrix`; 1 from 0 on."""
    exponents = nodes["exponent_matrix"][0].long()
    weights = _by_output(nodes["weights"])
    if exponents.shape != (weights.shape[1], rank) or int(exponents.min()) < 0:
        raise ForeignModelError(f"exponent_matrix has shape {tuple(exponents.shape)}; expected (monomials, {rank})")
    monomials = (_corners(rank).unsqueeze(1) ** exponents).prod(2)
    degree = int(exponents.sum(1).max())
    tables = weights @ monomials.t() >= 0
    if not 1 <= degree <= MAX_DEGREE:
        return NodeLuts(tables)
    factors = [tuple(itertools.chain(*([j] * int(power) for j, power in enumerate(row)))) for row in exponents]
    order = itertools.chain(*(itertools.combinations_with_replacement(range(rank), d) for d in range(degree + 1)))
    places = {inputs: place for place, inputs in enumerate(order)}
    weight = torch.zeros(len(weights), len(places))
    weight[:, [places[inputs] for inputs in factors]] = weights
    weight[:, 0] += BARELY
    return NodeLuts(tables, "poly", weight, {"degree": degree, "form": "direct"})


def neural(nodes: Stacked, rank: int, *, activation: Any, temperature: Any, ste: Any, grad_factor: Any) -> NodeLuts:
    """A perceptron with skip connections from the inputs, 1 from 0 on; in training with logistic noise."""
    depth = 1 + max(int(name.split(".")[1]) for name in nodes if name.startswith("layers."))
    skips = {int(name.split(".")[1]) for name in nodes if name.startswith("skip_layers.")}
    activations: dict[str, Callable[[Tensor], Tensor]] = {
        "relu": torch.relu,
        "sigmoid": torch.sigmoid,
        "leakyrelu": torch.nn.functional.leaky_relu,
    }
    if not isinstance(activation, str) or activation not in activations:
        raise ForeignModelError(f"activation is {activation!r}; expected one of {', '.join(activations)}")
    inputs = _corners(rank)
    hidden = inputs
    for number in range(depth):
        hidden = _affine(nodes, f"layers.{number}", hidden)
        if number in skips:
            hidden = hidden + _affine(nodes, f"skip_layers.{number}", inputs)
        if number < depth - 1:
            hidden = activations[activation](hidden)
    tables = hidden.sigmoid().transpose(1, 2).flatten(0, 1) >= 0.5
    outputs, factor = hidden.shape[2], finite("grad_factor", grad_factor)
    sampling = "gumbel_hard" if flag("ste", ste) else "gumbel_soft"
    training = {"forward_sampling": sampling, "temperature": finite("temperature", temperature)}
    if activation != "relu" or depth < 2 or outputs != 1 or not skips <= {depth - 1}:
        return NodeLuts(tables, gradient_out=factor)
    weight, settings = _as_neural(nodes, depth, bool(skips))
    return NodeLuts(tables, "neural", weight, {**settings, **training}, gradient_out=factor)


def _as_neural(nodes: Stacked, depth: int, has_skip: bool) -> tuple[Tensor, dict[str, Any]]:
    """The weights of lutsmith's `neural`, whose inputs are 2 x - 1, and its settings."""
    parts = []
    for number in range(depth):
        matrix, bias = nodes[f"layers.{number}.weight"], nodes[f"layers.{number}.bias"]
        if number == 0:
            matrix, bias = matrix / 2, bias + matrix.sum(2) / 2
        skip = nodes[f"skip_layers.{number}.weight"] if number == depth - 1 and has_skip else None
        if skip is not None:
            bias = bias + nodes[f"skip_layers.{number}.bias"] + skip.sum(2) / 2
        parts += [matrix.transpose(1, 2).flatten(1), bias]
    rank = nodes["layers.0.weight"].shape[2]
    parts.append(torch.zeros(len(parts[0]), rank) if skip is None else skip.flatten(1) / 2)
    return torch.cat(parts, 1), {"width": nodes["layers.0.weight"].shape[1], "depth": depth - 1, "form": "direct"}


def fourier(nodes: Stacked, rank: int, *, max_amplitude: Any) -> NodeLuts:
    """`b + sum_w A_w / sum(A) max_amplitude cos(2 pi <w, x> + phi_w)`, clipped; 1 from 1/2 on."""
    amplitudes, phases = _by_output(nodes["amplitudes"]), _by_output(nodes["phases"])
    bias = nodes["bias"].flatten()
    outputs = len(amplitudes) // len(nodes["frequencies"])
    frequencies = nodes["frequencies"].repeat_interleave(outputs, 0)
    if frequencies.shape[1:] != (amplitudes.shape[1], rank):
        raise ForeignModelError(f"frequencies have shape {tuple(frequencies.shape[1:])}; expected (waves, {rank})")
    shares = amplitudes / (amplitudes.sum(1, keepdim=True) + 1e-8) * finite("max_amplitude", max_amplitude)
    angles = 2 * math.pi * frequencies @ _corners(rank).t() + phases.unsqueeze(2)
    tables = (shares.unsqueeze(2) * angles.cos()).sum(1) + bias.unsqueeze(1) >= 0.5
    halves = (frequencies * 2).round().long()
    if not torch.equal(halves / 2, frequencies) or int(halves.min()) < 0 or int(halves.max()) > 1:
        return NodeLuts(tables)
    masks = (halves << torch.arange(rank)).sum(2)
    even = torch.zeros(len(shares), 1 << rank).scatter_add(1, masks, shares * phases.cos())
    odd = torch.zeros(len(shares), 1 << rank).scatter_add(1, masks, shares * phases.sin())
    even[:, 0] += bias - 0.5
    by_degree = itertools.chain(*(itertools.combinations(range(rank), d) for d in range(rank + 1)))
    order = [sum(1 << j for j in inputs) for inputs in by_degree]
    return NodeLuts(tables, "fourier", torch.cat([even[:, order], odd[:, order[1:]]], 1), {"form": "direct"})


def warp(nodes: Stacked, rank: int) -> NodeLuts:
    """Coefficients of the products of 2 x - 1, input 0 the lowest bit of a set; 1 above 0."""
    coefficients = _entries(_by_output(nodes["coefficients"]), rank)
    signs = 2 * _corners(rank) - 1
    products = torch.stack([signs[:, [j for j in range(rank) if s >> j & 1]].prod(1) for s in range(1 << rank)])
    sums = coefficients.double() @ products.double()
    return NodeLuts(sums > 0, "warp", coefficients, {"temperature": _temperature(nodes)})


def difflogic(nodes: Stacked, rank: int) -> NodeLuts:
    """Sixteen gates of two of the node's inputs, which each output chose at random."""
    logits, slots = nodes["weights"].flatten(0, 1), nodes["indices"].long().flatten(0, 1)
    if logits.shape[1] != 16 or slots.shape != (len(logits), 2) or int(slots.min()) < 0 or int(slots.max()) >= rank:
        raise ForeignModelError(f"a difflogic node has logits of shape {tuple(logits.shape)} and inputs {slots.shape}")
    weight, tables = convert_gates(logits, from_reversed())
    return NodeLuts(tables, "raw", weight, slots=slots)


def _entries(values: Tensor, rank: int) -> Tensor:
    """`(nodes, m, 2**rank)`, or already joined, as `(nodes * m, 2**rank)`."""
    joined = values.flatten(0, -2)
    if joined.shape[1] != 1 << rank:
        raise ForeignModelError(f"nodes of {rank} inputs have {joined.shape[1]} entries; expected {1 << rank}")
    return joined


def _by_output(values: Tensor) -> Tensor:
    """`(nodes, K, m)` to `(nodes * m, K)`."""
    return values.transpose(1, 2).flatten(0, 1)


def _temperature(nodes: Stacked) -> float:
    value = _one(nodes, "temperature")
    if not value > 0:
        raise ForeignModelError(f"the nodes of a layer have the temperature {value}; expected one above 0")
    return value


def _one(nodes: Stacked, name: str) -> float:
    """A number that all nodes of a layer share."""
    values = nodes[name].flatten()
    if bool((values != values[0]).any()):
        raise ForeignModelError(f"the nodes of a layer have {name} {values.tolist()}; expected one for all")
    return float(values[0])


def _corners(rank: int) -> Tensor:
    """The binary inputs `(2**rank, rank)` of each address."""
    return ((torch.arange(1 << rank).unsqueeze(1) >> torch.arange(rank)) & 1).float()


def _affine(nodes: Stacked, name: str, x: Tensor) -> Tensor:
    matrix, bias = nodes[f"{name}.weight"], nodes[f"{name}.bias"]
    return x @ matrix.transpose(1, 2) + bias.unsqueeze(1)
