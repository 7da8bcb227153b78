"""What the layers with torch_dwn's names state, so that circuits made of them can be read back."""

from __future__ import annotations

import numpy as np

from lutsmith.dwn.group_sum import GroupSum
from lutsmith.dwn.lut_layer import STE, LUTLayer
from lutsmith.dwn.mapping import LearnableMapping
from lutsmith.nn.read_back.statements import ChosenBits, Luts, Scores, states

Shape = tuple[int, ...]


@states(LUTLayer)
def _lut_layer(layer: LUTLayer, shape: Shape) -> Luts:  # noqa: ARG001
    if not layer.ste:
        raise ValueError("with ste=False its outputs are real numbers, which a circuit does not have")
    tables = (layer.luts.detach() > 0).cpu().numpy()
    return Luts(layer.input_size, layer.inputs().detach().cpu().numpy(), tables)


@states(LearnableMapping)
def _mapping(module: LearnableMapping, shape: Shape) -> ChosenBits:
    if shape[-1:] != (module.weights.shape[0],):
        raise ValueError(f"it reads {module.weights.shape[0]} bits, and there are {shape}")
    return ChosenBits(module.mapping().cpu().numpy())


@states(STE)
def _ste(module: STE, shape: Shape) -> ChosenBits:  # noqa: ARG001
    return ChosenBits()


@states(GroupSum)
def _group_sum(head: GroupSum, shape: Shape) -> Scores:
    width = shape[-1]
    order = np.arange(width) if head.randperm is None else head.randperm.cpu().numpy()
    if len(order) != width:
        raise ValueError(f"it permutes {len(order)} inputs and there are {width}")
    padded = np.concatenate([order, np.full(-width % head.k, -1)])  # with zeros
    note = "" if head.tau == 1 else f"the circuit's scores are {head.tau:g} times the module's"
    return Scores(padded, head.k, note=note)
