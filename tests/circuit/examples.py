"""Random netlists and circuits for the tests of the circuit floor."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, CircuitBuilder, Netlist, NetlistBuilder

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


def random_circuit(
    seed: int, *, input_shape: tuple[int, ...] = (4, 3), classes: int = 3, group: int = 4, luts: int = 20
) -> Circuit:
    """Two layers of LUT4 on thresholds between 0 and 255, fitted on that range."""
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder(input_shape)
    features = builder.features[..., None]
    bits = builder.compare(features, rng.integers(0, 255, (*input_shape, 3)).astype(np.float32) + 0.5).reshape(-1)
    hidden = builder.lut(rng.choice(bits, (luts, 4)), rng.integers(0, 2, (luts, 16)))
    wide = classes * group
    builder.popcount(builder.lut(rng.choice(hidden, (wide, 4)), rng.integers(0, 2, (wide, 16))), classes)
    count = builder.features.size
    return builder.build(
        classes=tuple(f"class {index}" for index in range(classes)),
        task="classification",
        fitted_range=(np.zeros(count, np.float32), np.full(count, 255, np.float32)),
        facts={"seed": seed, "epochs": [{"loss": 0.5}]},
    )


def random_images(seed: int, circuit: Circuit, samples: int) -> np.ndarray:
    """uint8 samples of the circuit's shape."""
    return np.random.default_rng(seed).integers(0, 256, (samples, *circuit.input_shape), dtype=np.uint8)
