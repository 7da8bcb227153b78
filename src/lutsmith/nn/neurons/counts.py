"""How many LUTs each layer of a network of neurons needs: its LUTs, adders and comparators, and the head's sums."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from lutsmith.circuit.rows import OutOfRangeWarning
from lutsmith.circuit.simplify import simplify
from lutsmith.logic.elaborate import elaborate
from lutsmith.nn.lowering import to_circuit
from lutsmith.nn.modes import in_eval
from lutsmith.nn.neurons.pruning import prunable
from lutsmith.nn.neurons.signs import BinarizeSign
from lutsmith.nn.streaming.stream import to_stream


def luts_of_layers(
    model: nn.Sequential, input_shape: Sequence[int], *, simplified: bool = False, once: bool = False
) -> dict[str, int]:
    """Count the nodes of rank at most 6 that each binary or LUT layer needs, including what follows it up to the next.

    Each layer is lowered on its own, as a circuit of signs, so that whatever it shares with its neighbours is counted
    in each. The last layer includes the head: popcounts of all classes and the largest of them.

    Args:
        model: a sequence, whose layers are modules of it; weights are binary.
        input_shape: of one sample.
        simplified: whether the circuits are simplified first, which takes longer.
        once: whether kernels are counted once, with the LUTs that hand pixels on, as in the machine that `to_stream`
            makes; by default they are counted at every place.

    Raises:
        ValueError: the model has no such layers, or cannot be lowered.
    """
    return {name: luts for name, luts, _ in _counted(model, input_shape, simplified=simplified, once=once)}


def luts_at_all_places(model: nn.Sequential, input_shape: Sequence[int]) -> int:
    """About how many LUTs the circuit of `to_circuit` would have behind the encoder, without making it: those of each
    layer, times its places. Arguments and errors as for `luts_of_layers`.
    """
    return sum(luts * places for _, luts, places in _counted(model, input_shape, simplified=False, once=True))


@torch.no_grad()
def _counted(
    model: nn.Sequential, input_shape: Sequence[int], *, simplified: bool, once: bool
) -> list[tuple[str, int, int]]:
    """The name of each layer, its LUTs, and at how many places its kernels stand."""
    names = list(model._modules)
    stages = [names.index(name) for name in prunable(model) if name in names]
    if not stages:
        raise ValueError("a network without binary or LUT layers as its modules; expected those of build_neurons")
    found = []
    with in_eval(model):
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OutOfRangeWarning)  # only shapes are asked for
            x: Any = model[: stages[0]](torch.zeros((1, *input_shape), device=device))
        for start, end in zip(stages, [*stages[1:], len(names)], strict=True):
            stage: Any = model[start:end]
            part = nn.Sequential(BinarizeSign(), *stage).eval()
            shape = tuple(x.shape[1:])
            circuit = to_stream(part, shape).circuit if once and len(shape) > 1 else to_circuit(part, shape)
            if simplified:
                circuit = simplify(circuit).circuit
            design = elaborate(circuit, encoder=False, head=end == len(names), scores=False)
            places = math.prod(stage[0].sliding.out_shape(shape[1:])) if len(shape) > 1 else 1
            found.append((names[start], sum(each.netlist.num_nodes for each in design.parts), places))
            x = stage(x)
    return found
