"""Random netlists and circuits for the tests of the circuit floor."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, CircuitBuilder, Head, Metadata, Netlist, NetlistBuilder

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
"""Any JSON value."""


def random_netlist(
    seed: int, *, inputs: int = 9, luts: int = 40, registers: int = 0, outputs: int = 7, max_rank: int = 8
) -> Netlist:
    """LUTs of mixed ranks 0 to max_rank that read any earlier signal, repetitions included."""
    rng = np.random.default_rng(seed)
    builder = NetlistBuilder(inputs)
    state = builder.register(registers, rng.integers(0, 2, registers))
    signals = np.concatenate([np.arange(inputs), state, [builder.constant(True)]])
    while luts > 0:
        count = int(rng.integers(1, 8))
        rank = int(rng.integers(0, max_rank + 1))
        made = builder.lut(rng.choice(signals, (count, rank)), rng.integers(0, 2, (count, 1 << rank)))
        signals = np.concatenate([signals, made])
        luts -= count
    builder.connect(state, rng.choice(signals, registers))
    return builder.build(rng.choice(signals, outputs))


def random_affine(seed: int, groups: int, scores: int, objective: str) -> dict[str, np.ndarray]:
    """What a head of some objective may have besides its groups, often less than all of it; scores of any width."""
    rng = np.random.default_rng(seed)
    limit = int(rng.choice([2, 100, 30_000, 4_000_000]))
    affine = {"bias": rng.integers(-limit, limit, scores)}
    if scores != groups or rng.random() < 0.7:
        affine["weights"] = rng.integers(-limit, limit, (scores, groups))
    if objective == "regression":
        affine |= {"scale": rng.normal(size=scores), "offset": rng.normal(size=scores) * 1e6}
    optional = [name for name in affine if name != "weights" or scores == groups]
    for name in rng.choice(optional, rng.integers(0, 2)):
        del affine[name]
    return affine


def random_head(seed: int, groups: int, scores: int, objective: str) -> Head:
    """A head of `random_affine`."""
    return Head(groups, **random_affine(seed, groups, scores, objective))


def random_circuit(
    seed: int,
    *,
    input_shape: tuple[int, ...] = (4, 3),
    classes: int = 3,
    group: int = 4,
    luts: int = 20,
    objective: str = "classification",
    affine: dict[str, np.ndarray] | None = None,
) -> Circuit:
    """Two layers of LUT4 on thresholds between 0 and 255, fitted on that range; `classes` groups of `group` outputs."""
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder(input_shape)
    features = builder.features[..., None]
    bits = builder.compare(features, rng.integers(0, 255, (*input_shape, 3)).astype(np.float32) + 0.5).reshape(-1)
    hidden = builder.lut(rng.choice(bits, (luts, 4)), rng.integers(0, 2, (luts, 16)))
    wide = classes * group
    last = builder.lut(rng.choice(hidden, (wide, 4)), rng.integers(0, 2, (wide, 16)))
    builder.popcount(last, classes, **(affine or {}))
    count = builder.features.size
    return builder.build(
        classes=None if affine else tuple(f"class {index}" for index in range(classes)),
        objective=objective,
        fitted_range=(np.zeros(count, np.float32), np.full(count, 255, np.float32)),
        metadata=Metadata.from_json({"seed": seed, "epochs": [{"loss": 0.5}]}),
    )


def random_images(seed: int, circuit: Circuit, samples: int) -> np.ndarray:
    """uint8 samples of the circuit's shape."""
    return np.random.default_rng(seed).integers(0, 256, (samples, *circuit.input_shape), dtype=np.uint8)
