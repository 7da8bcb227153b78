"""How many LUTs each layer of a network of neurons takes: its LUTs, adders and comparators, and the head's sums."""

from __future__ import annotations

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


@torch.no_grad()
def luts_of_layers(model: nn.Sequential, input_shape: Sequence[int], *, simplified: bool = False) -> dict[str, int]:
    """Count the nodes of rank at most 6 that each binary or LUT layer is, together with what follows up to the next.

    Each layer is lowered by itself, as a circuit of signs, so that what layers share with their neighbours is counted
    in each. The last one has the head: popcounts of all classes and the largest of them.

    Args:
        model: a sequence, whose layers are modules of it; weights are binary.
        input_shape: of one sample.
        simplified: whether the circuits are simplified first, which takes longer.

    Raises:
        ValueError: it has no such layers, or cannot be lowered.
    """
    names = list(model._modules)
    stages = [names.index(name) for name in prunable(model) if name in names]
    if not stages:
        raise ValueError("a network without binary or LUT layers as its modules; expected those of build_neurons")
    found = {}
    with in_eval(model):
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OutOfRangeWarning)  # only shapes are asked for
            x: Any = model[: stages[0]](torch.zeros((1, *input_shape), device=device))
        for start, end in zip(stages, [*stages[1:], len(names)], strict=True):
            stage: Any = model[start:end]
            part = nn.Sequential(BinarizeSign(), *stage).eval()
            circuit = to_circuit(part, tuple(x.shape[1:]))
            if simplified:
                circuit = simplify(circuit).circuit
            design = elaborate(circuit, encoder=False, head=end == len(names), scores=False)
            found[names[start]] = sum(each.netlist.num_nodes for each in design.parts)
            x = stage(x)
    return found
