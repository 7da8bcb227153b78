"""A circuit as a network to train: its thresholds, wires, tables and head are where training begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.tables import widened
from lutsmith.ground.arguments import check_options, instance_of, one_of, whole_number
from lutsmith.nn.connections.around import candidates_around, drawn
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.encoders.of_circuit import encoder_of_circuit
from lutsmith.nn.heads import HEADS
from lutsmith.nn.heads.of_circuit import head_of_circuit
from lutsmith.nn.network import MEMORIZE, Architecture
from lutsmith.nn.skip import Skip, Wires

AROUND = Architecture(connections="learnable", num_candidates=8, init_method="local")
"""How a circuit is trained where no architecture is given: its tables, and its wires among their neighbours."""

IMAGE_WINDOW = 5
"""Pixels a side from which candidates come where no window is given; in a table it is the same column."""

HEAD_START = 1.0
"""By how much the score of a circuit's wire exceeds those of the other candidates at the beginning."""

_SEED = 0x57A27


def from_circuit(circuit: Circuit, architecture: Architecture | None = None, *, seed: int = 0) -> nn.Sequential:
    """Make a trainable network that computes what a circuit computes, so that gradients can go on from it.

        model = from_circuit(lutsmith.load("additive.lut"), Architecture(connections="learnable", num_candidates=8))

    The hardened network (eval mode) gives the circuit's scores for every sample. With several labels it gives the same
    labels, and in regression the same numbers up to the rounding of the head's scale and offset to float32. It is
    `Sequential(encoder, Flatten, layers..., head)`: a layer for each level of LUTs, in a `Skip` where later levels read
    past it. The encoder is a thermometer of the comparators, possibly with levels that are the circuit's words. LUTs
    that no output depends on are left out. LUTs of one feature, such as the test for a name, are a part of the encoder:
    layers without gradients. LUTs of a level get the largest rank among them.

    The architecture says how this network is trained: parametrization and its options, sampling, temperature,
    `residual_probability` (how sure each entry of a table is at the beginning), tau, and connections:

    - "fixed": the circuit's wires for good; a LUT of a smaller rank reads its first input again.
    - "learnable" and "top-k": `num_candidates` for each input. The circuit's wire is the first of them and has the
      highest score; the others are drawn from all inputs, or with `init_method="local"` from those that lie within a
      window around the wire (`connection_options={"window": 5}`: 5 pixels along each axis, or 5 columns of a table; 1
      means the thresholds of the same column). A LUT of a smaller rank reads others besides, which its table ignores.
      There are never more candidates than a layer has inputs for; where it has no inputs except the wires, these are
      fixed.

    Its sizes (luts, rank, bits), its encoder and its head are those of the circuit, and so are the tables to begin
    with: `weight_init="memorize"`, which would fill in others, is refused, and `"random"` does nothing. There are no
    `layers`: LUTs that stood at several places, such as those of kernels, have tables of their own from now on.

    Args:
        circuit: comparators, LUTs and a head, as any trainer makes it.
        architecture: None: learnable wires, 8 candidates of a window of 5 pixels a side, or of the same column.
        seed: draws candidates.

    Raises:
        TypeError: not a circuit.
        ValueError: a circuit without a head or LUTs to train, with registers, with words that are signed or of more
            than 16 bits as inputs, or with a head that has no trainable counterpart; a parametrization that cannot
            represent every table; connections that cannot begin with given wires; tables to memorise.
    """
    instance_of("circuit", circuit, Circuit, "(lutsmith.load reads one)")
    architecture = architecture or AROUND
    instance_of("architecture", architecture, Architecture)
    if architecture.layers:
        raise ValueError(
            "layers are of a network to build, and the circuit gives one: leave layers out, and presets that have any. "
            "LUTs that were a kernel's get tables of their own at each place. What goes on with kernels is the network "
            "itself: Trainer(settings).fit(run.network, x, y), or a state dict that was kept of it"
        )
    if architecture.weight_init == MEMORIZE:
        raise ValueError("weight_init is 'memorize', and training begins with the tables of the circuit: leave one out")
    if circuit.netlist.num_registers:
        raise ValueError(f"the circuit has {circuit.netlist.num_registers} registers; a network to train has none")
    head = head_of_circuit(circuit, architecture.tau)  # type: ignore[arg-type]
    if architecture.head not in (Architecture().head, name := _name_of(head)):
        raise ValueError(f"head is {architecture.head!r}, and the circuit has the head {name!r}: leave the head out")
    levels = _Levels.of(circuit)
    if not levels.trained:
        raise ValueError("the circuit has no LUTs between its comparators and its head: there is nothing to train")
    trained = replace(
        architecture,
        luts=tuple(len(nodes) for nodes in levels.trained),
        rank=tuple(max(1, int(circuit.netlist.ranks[nodes].max())) for nodes in levels.trained),
    )
    encoder, bits = _encoder(circuit, levels.needed)
    layers = _layers(circuit.netlist, levels, bits, trained, np.random.default_rng([seed, _SEED]))
    return nn.Sequential(encoder, nn.Flatten(), *layers, head)


def architecture_of(model: nn.Sequential, architecture: Architecture | None) -> Architecture:
    """Return the architecture that a network of `from_circuit` was made with, its sizes and head filled in."""
    luts = [module for module in model.modules() if isinstance(module, LogicDense) and module.weight.requires_grad]
    encoder: Any = model[0]
    return replace(
        architecture or AROUND,
        luts=tuple(layer.out_dim for layer in luts),
        rank=tuple(layer.lut_rank for layer in luts),
        bits=encoder.num_bits,
        head=_name_of(model[-1]),
    )


def _name_of(head: nn.Module) -> str:
    return next(name for name, kind in HEADS.items() if type(head) is kind)


# The levels of a circuit


@dataclass(frozen=True, eq=False)
class _Levels:
    """The LUTs of a circuit by level. Nodes are numbered from 0, signals as in the netlist.

    Attributes:
        needed: bool (signals,), what an output depends on.
        feature: int64 (signals,), the feature that a bit of the encoder is of; -1 for the signals of layers.
        encoder: nodes of each level of the encoder's own LUTs.
        trained: nodes of each level of the others.
    """

    needed: NDArray[np.bool_]
    feature: NDArray[np.int64]
    encoder: list[NDArray[np.int64]]
    trained: list[NDArray[np.int64]]

    @classmethod
    def of(cls, circuit: Circuit) -> _Levels:
        netlist = circuit.netlist
        inputs, count = netlist.num_inputs, netlist.num_signals
        slices = list(zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True))
        needed = np.zeros(count, np.bool_)
        needed[netlist.outputs] = True
        is_output = needed.copy()
        for start, stop in reversed(slices):
            reader, read = _slots(netlist, np.arange(start, stop))
            needed[read[needed[inputs + reader]]] = True
        feature = np.full(count, -1, np.int64)
        feature[:inputs] = circuit.inputs.feature
        depth = np.zeros((2, count), np.int64)  # in LUTs of the encoder, and in others
        for start, stop in slices:
            reader, read = _slots(netlist, np.arange(start, stop))
            low, high = np.full(stop - start, np.iinfo(np.int64).max), np.full(stop - start, -1)
            np.minimum.at(low, reader - start, feature[read])
            np.maximum.at(high, reader - start, feature[read])
            own = inputs + np.arange(start, stop)
            feature[own] = np.where((low == high) & ~is_output[own], high, -1)
            for row in depth:
                np.maximum.at(row, inputs + reader, row[read])
            depth[np.where(feature[own] < 0, 1, 0), own] += 1
        levels = []
        for kind, mine in ((0, feature[inputs:] >= 0), (1, feature[inputs:] < 0)):
            mine &= needed[inputs:]
            at = depth[kind, inputs:]
            levels.append([np.flatnonzero(mine & (at == level)) for level in range(1, at[mine].max(initial=0) + 1)])
        if levels[1]:  # in the order of the outputs, which then need no wires of their own
            first = np.full(count, count)
            first[netlist.outputs[::-1]] = np.arange(netlist.outputs.size)[::-1]
            levels[1] = [nodes[np.argsort(first[inputs + nodes], kind="stable")] for nodes in levels[1]]
        return cls(needed, feature, levels[0], levels[1])


def _slots(netlist: Netlist, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the node of each slot of a run of nodes, and the signal that it reads."""
    slots = slice(netlist.fanin_ptr[nodes[0]], netlist.fanin_ptr[nodes[-1] + 1])
    return np.repeat(nodes, netlist.ranks[nodes]), netlist.fanin[slots].astype(np.int64)


# Encoder


@dataclass(eq=False)
class _Bits:
    """The bits that the next layer may read.

    Attributes:
        place: int64 (signals,), which of them a signal is; -1: it is none.
        usable: bool (bits,), those that may be wired.
        feature: int64 (bits,), of the encoder's; -1 for the outputs of layers.
        shape: of one sample of features.
    """

    place: NDArray[np.int64]
    usable: NDArray[np.bool_]
    feature: NDArray[np.int64]
    shape: tuple[int, ...]

    def after(self, kept: NDArray[np.int64], signals: NDArray[np.int64], feature: NDArray[np.int64]) -> _Bits:
        """Return those after a layer: the places that go past it, then its LUTs."""
        moved = np.full(len(self.usable), -1)
        moved[kept] = np.arange(kept.size)
        place = np.where(self.place < 0, -1, moved[self.place])
        place[signals] = kept.size + np.arange(signals.size)
        all_usable = np.ones(kept.size + signals.size, np.bool_)
        return _Bits(place, all_usable, np.concatenate([self.feature[kept], feature]), self.shape)

    def places(self) -> NDArray[np.int64]:
        """Return where bits lie: the column of a row, the pixel of an image; negative for outputs of layers."""
        width = self.shape[-1]
        columns = np.where(self.feature < 0, -1, self.feature % width)
        if len(self.shape) == 1:
            return columns[:, None]
        return np.stack([np.where(self.feature < 0, -1, self.feature // width % self.shape[-2]), columns], axis=1)


def _encoder(circuit: Circuit, needed: NDArray[np.bool_]) -> tuple[nn.Module, _Bits]:
    """Return an encoder of the inputs that are needed, and its bits."""
    wanted = np.flatnonzero(needed[: len(circuit.inputs)])
    encoder, found, feature = encoder_of_circuit(circuit, wanted)
    place, usable = np.full(circuit.netlist.num_signals, -1), np.zeros(feature.size, np.bool_)
    place[wanted], usable[found] = found, True
    return encoder, _Bits(place, usable, feature, circuit.input_shape)


# Layers


def _layers(
    netlist: Netlist, levels: _Levels, bits: _Bits, architecture: Architecture, rng: np.random.Generator
) -> list[nn.Module]:
    stages = [*levels.encoder, *levels.trained]
    stage_of = np.full(netlist.num_nodes, -1)
    for stage, nodes in enumerate(stages):
        stage_of[nodes] = stage
    last = np.full(netlist.num_signals, -1)  # the stage that reads a signal last
    np.maximum.at(last, netlist.fanin, np.repeat(stage_of, netlist.ranks))
    last[netlist.outputs] = len(stages)
    layers: list[nn.Module] = []
    for stage, nodes in enumerate(stages):
        luts = _Luts.of(netlist, nodes, bits.place)
        number = stage - len(levels.encoder)
        layer = _frozen(luts, bits) if number < 0 else _trained(luts, bits, architecture, number, rng)
        kept = np.unique(bits.place[(last > stage) & (bits.place >= 0)])
        layers.append(Skip(layer, kept) if kept.size else layer)
        signals = netlist.num_inputs + nodes
        bits = bits.after(kept, signals, levels.feature[signals])
    ends = bits.place[netlist.outputs]
    if not np.array_equal(ends, np.arange(len(bits.usable))):
        layers.append(Wires(len(bits.usable), ends))
    return layers


@dataclass(frozen=True, eq=False)
class _Luts:
    """LUTs of one rank n.

    Attributes:
        wires: int64 (W, n), the bits that they read.
        tables: bool (W, 2**n).
        read: bool (W, n), the slots that the circuit's LUT has; what another reads, the table ignores.
    """

    wires: NDArray[np.int64]
    tables: NDArray[np.bool_]
    read: NDArray[np.bool_]

    @classmethod
    def of(cls, netlist: Netlist, nodes: NDArray[np.int64], place: NDArray[np.int64]) -> _Luts:
        """Return nodes with the largest rank among them, at least 1; added slots read the first input again."""
        ranks = netlist.ranks[nodes]
        slot = np.arange(max(1, int(ranks.max())))
        read = slot < ranks[:, None]
        wires = np.zeros(read.shape, np.int64)
        wires[read] = place[netlist.fanin[(netlist.fanin_ptr[nodes][:, None] + slot)[read]]]
        wires = np.where(read, wires, wires[:, :1])
        words = widened(netlist.tables()[nodes], ranks)
        tables = words[:, None] >> np.arange(1 << slot.size, dtype=np.uint64) & np.uint64(1)
        return cls(wires, tables.astype(np.bool_), read)

    def distinct(self, usable: NDArray[np.bool_], rng: np.random.Generator) -> _Luts:
        """Return the same functions of LUTs that read no bit twice: other bits are drawn for what repeats or is added,
        and the tables ignore them.
        """
        count, rank = self.wires.shape
        same = (self.wires[:, :, None] == self.wires[:, None, :]) & self.read[:, :, None] & self.read[:, None, :]
        source = np.where(self.read, same.argmax(axis=2), np.arange(rank))  # the first slot with the same bit
        fresh = ~self.read | (source < np.arange(rank))
        wires, inputs = self.wires.copy(), np.flatnonzero(usable)
        for lut in np.flatnonzero(fresh.any(axis=1)):
            taken = set(wires[lut, ~fresh[lut]].tolist())
            wires[lut, fresh[lut]] = drawn(inputs, int(fresh[lut].sum()), taken, rng)
        bit = np.arange(1 << rank)[None, :, None] >> source[:, None, :] & 1
        address = (bit * self.read[:, None, :] << np.arange(rank)).sum(axis=2)
        return _Luts(wires, np.take_along_axis(self.tables, address, axis=1), np.ones((count, rank), np.bool_))


def _frozen(luts: _Luts, bits: _Bits) -> LogicDense:
    """Return a layer of the encoder's own LUTs: hard tables, which nothing trains."""
    count, rank = luts.wires.shape
    generator = torch.Generator()
    layer = LogicDense(len(bits.usable), count, rank, indices=luts.wires, forward_sampling="hard", generator=generator)
    return _with_tables(layer, luts).requires_grad_(False)


def _trained(luts: _Luts, bits: _Bits, architecture: Architecture, number: int, rng: np.random.Generator) -> LogicDense:
    available = int(bits.usable.sum())
    arguments = architecture.layer(number, available, bits.shape)
    options = architecture.options_of_connections(number)
    check_options("connections of a circuit", options, ["window"])
    for name in ("shape", "init_method", *options):
        arguments.pop(name, None)
    one_of("connections of a circuit", arguments["connections"], ("fixed", "learnable", "random", "top-k"))
    in_dim, (count, rank) = len(bits.usable), luts.wires.shape
    usable = bits.usable.copy()
    usable[luts.wires] = True  # a constant's, which nothing else may read
    common: dict[str, Any] = {**arguments, "generator": torch.Generator(), "usable": torch.from_numpy(usable)}
    candidates = min(arguments.get("num_candidates", 1), available - rank + 1)
    if candidates < 2:
        names = ("connections", "num_candidates", "connection_temperature", "connection_sampling", "connection_rule")
        tables = {name: value for name, value in common.items() if name not in names}
        return _with_tables(LogicDense(in_dim, count, indices=luts.wires, **tables), luts)
    common["num_candidates"] = candidates
    layer = LogicDense(in_dim, count, **common)
    connections: Any = layer.connections
    luts = luts.distinct(bits.usable, rng)
    method = one_of("init_method of a circuit", architecture.method_of(number) or "random", ("local", "random"))
    near: dict[str, Any] = {}
    if method == "local":
        default = 1 if len(bits.shape) == 1 else IMAGE_WINDOW
        window = whole_number("window", options.get("window", default), 1, what="how many pixels or columns a side")
        near = {"places": bits.places(), "reach": window // 2}
    pools = candidates_around(luts.wires, candidates, bits.usable, rng, **near)
    with torch.no_grad():
        connections.candidates.copy_(torch.from_numpy(pools))
        connections.scores.zero_()[:, :, 0] = HEAD_START
    return _with_tables(layer, luts)


def _with_tables(layer: LogicDense, luts: _Luts) -> LogicDense:
    with torch.no_grad():
        layer.weight.copy_(layer.parametrization.weights_of(torch.from_numpy(luts.tables)))
    return layer
