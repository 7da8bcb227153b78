"""Circuits at the edges of what there is, and samples at the edges of their comparators."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lutsmith.circuit import Circuit, CircuitBuilder, Comparators, Head, Metadata, NetlistBuilder

LABELS = ('a "quoted" \\ one', "*/ ??/ <b>", "ünïcödé\n\t\x7f", "")


def ranks(seed: int = 0, *, classes: int = 4, head: bool = True, registers: int = 0, width: int = 4) -> Circuit:
    """LUTs of rank 0 to 6 on six features; outputs repeat, are constants, and are wired to inputs."""
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.normal(size=(6, 4)).astype(np.float32), axis=1).reshape(-1)
    encoder = Comparators(np.repeat(np.arange(6), 4), thresholds, 6)
    builder = NetlistBuilder(24)
    state = builder.register(registers, rng.integers(0, 2, registers))
    signals = np.concatenate([np.arange(24), state, [builder.constant(True), builder.constant(False)]])
    for _ in range(3):
        for rank in range(1, 7):
            made = builder.lut(rng.choice(signals, (width, rank)), rng.integers(0, 2, (width, 1 << rank)))
            signals = np.concatenate([signals, made])
    builder.connect(state, rng.choice(signals, registers))
    ends = np.concatenate([signals[-17:], signals[-2:], [3], signals[24 + registers : 26 + registers], [5, 5]])
    netlist = builder.build(ends)
    names = Metadata(feature_names=("age", 'a "b" \\c', "*/", "??=", "ß", "age"))
    if not head:
        return Circuit((6,), encoder, netlist, metadata=names)
    return Circuit((2, 3), encoder, netlist, Head(classes), classes=LABELS[:classes], metadata=names)


def affine(objective: str, *, scale: bool = True, large: bool = False) -> Circuit:
    """A head of three scores from two groups, with whatever the objective allows."""
    plain = ranks(1, head=False)
    weights = np.array([[3, -2], [0, 7], [-5, 120_000_000 if large else 1]])
    fields = {"weights": weights, "bias": [1, -30, 12]}
    if objective == "regression" and scale:
        fields |= {"scale": [0.1, -1e-3, 1 / 3], "offset": [1e6, 0.3, -0.7]}
    return replace(plain, head=Head(2, **fields), objective=objective)


def zero_weights() -> Circuit:
    """A score that nothing counts for, a group that counts for nothing, and scores of zero beside it."""
    weights = np.array([[0, 0, 0], [2, 0, -1], [0, 0, 1]])
    return replace(ranks(3, head=False), head=Head(3, weights=weights, bias=[0, 0, -4]))


def one_class() -> Circuit:
    """One group, whose label is always 0."""
    return replace(ranks(2, head=False), head=Head(1), classes=("only",))


def thousand_classes() -> Circuit:
    """A thousand groups of one output each: comparators, LUTs and constants."""
    rng = np.random.default_rng(3)
    builder = CircuitBuilder((5,))
    bits = builder.compare(np.repeat(np.arange(5), 20), np.tile(np.linspace(-1, 1, 20), 5)).reshape(-1)
    luts = builder.lut(rng.choice(bits, (890, 2)), rng.integers(0, 2, (890, 4)))
    builder.popcount(np.concatenate([bits, luts, [builder.constant(True)] * 10]), 1000)
    return builder.build(classes=tuple(range(1000)))


def no_luts() -> Circuit:
    """Outputs wired to inputs alone."""
    builder = CircuitBuilder((3,))
    bits = builder.compare([0, 1, 2, 0], [0.5, -1.5, 1e-40, 2.0])
    builder.popcount(bits[[0, 1, 2, 3, 3, 0]], 2)
    return builder.build()


def no_inputs() -> Circuit:
    """Constants alone: the netlist has no inputs."""
    netlist = NetlistBuilder()
    ends = [netlist.constant(True), netlist.constant(False), netlist.constant(True)]
    encoder = Comparators(np.zeros(0, np.int32), np.zeros(0, np.float32), 2)
    return Circuit((2,), encoder, netlist.build(ends), Head(3), objective="multilabel")


def nothing() -> Circuit:
    """No inputs, no LUTs, no outputs."""
    encoder = Comparators(np.zeros(0, np.int32), np.zeros(0, np.float32), 1)
    return Circuit((1,), encoder, NetlistBuilder().build(np.zeros(0, np.int32)))


def small_tables() -> Circuit:
    """LUT6 and LUT3 whose tables are small numbers, though they have 64 and 8 entries."""
    netlist = NetlistBuilder(8)
    luts = netlist.lut(np.array([[0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 6, 7]]), np.eye(64, dtype=np.uint8)[[0, 3]])
    ends = [*luts.tolist(), *netlist.lut([[luts[0], luts[1], 1]], [[1, 0, 0, 0, 0, 0, 0, 0]]).tolist(), 0]
    return Circuit((8,), Comparators(np.arange(8), np.zeros(8, np.float32), 8), netlist.build(ends), Head(2))


def infinite() -> Circuit:
    """Thresholds of both infinities, of the largest and smallest floats, and of both zeros."""
    edges = np.array([-np.inf, np.inf, 3.4028235e38, -3.4028235e38, 1e-45, -1e-45, 0.0, -0.0], np.float32)
    netlist = NetlistBuilder(8)
    return Circuit((1,), Comparators(np.zeros(8, np.int32), edges, 1), netlist.build(np.arange(8)), Head(4))


CASES = {
    "rank 0 to 6": ranks(),
    "no head": ranks(head=False),
    "multilabel, affine": affine("multilabel"),
    "classification, affine": affine("classification", large=True),
    "regression": affine("regression"),
    "regression without a scale": affine("regression", scale=False),
    "zero weights": zero_weights(),
    "one class": one_class(),
    "1,000 classes": thousand_classes(),
    "no LUTs": no_luts(),
    "no inputs": no_inputs(),
    "nothing": nothing(),
    "infinite thresholds": infinite(),
    "small tables": small_tables(),
}
"""Circuits without registers, by what is odd about them."""


def with_range(circuit: Circuit, low: float = -3.0, high: float = 3.0) -> Circuit:
    """The circuit with a fitted range, so that words can be derived."""
    features = circuit.encoder.num_features
    return replace(circuit, fitted_range=(np.full(features, low, np.float32), np.full(features, high, np.float32)))


def edge_rows(circuit: Circuit, seed: int = 0, samples: int = 70) -> np.ndarray:
    """float32 rows: random ones, then each threshold and its neighbours, zeros, NaN and the infinities."""
    rng = np.random.default_rng(seed)
    features = circuit.encoder.num_features
    rows = [rng.normal(size=(samples, features))]
    thresholds = np.unique(circuit.encoder.threshold)[:40]
    with np.errstate(over="ignore"):
        beside = [np.nextafter(thresholds, np.float32(end)) for end in (-np.inf, np.inf)]
    odd = np.array([0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan], np.float32)
    for values in (thresholds, *beside, odd):
        rows.append(np.repeat(values[:, None], features, axis=1))
    mixed = np.concatenate([thresholds, odd])
    rows.append(rng.choice(mixed, (samples, features)))
    return np.concatenate(rows).astype(np.float32)
