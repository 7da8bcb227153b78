"""Netlists for the tests of simplification: random ones of all kinds, and what makes two of them equal."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from lutsmith.circuit import Netlist, NetlistBuilder

SPECIAL = {
    1: ([0, 1], [1, 0], [0, 0], [1, 1]),
    2: ([0, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0], [1, 1, 1, 1]),
}
"""Buffers, inverters, constants, gates that ignore an input."""


def random_net(seed: int, *, inputs: int = 5, luts: int = 30, outputs: int = 7, registers: int = 0) -> Netlist:
    """Nodes of rank 0 to 6, many of rank 1 and 2, on few signals: wires, constants, repeated inputs and equal nodes.

    Outputs are any signals, repeated ones included. Some LUTs are copies of others with their inputs permuted, and
    complements of others.
    """
    rng = np.random.default_rng(seed)
    builder = NetlistBuilder(inputs)
    state = builder.register(registers, rng.integers(0, 2, registers))
    signals = np.concatenate([np.arange(inputs), state, [builder.constant(False), builder.constant(True)]])
    for _ in range(luts):
        rank = int(rng.choice([0, 1, 1, 2, 2, 2, 3, 4, 5, 6]))
        reads = rng.choice(signals[-12:] if rng.random() < 0.5 else signals, rank)
        entries = rng.integers(0, 2, 1 << rank)
        if rank in SPECIAL and rng.random() < 0.5:
            entries = np.array(SPECIAL[rank][rng.integers(len(SPECIAL[rank]))])
        made = [builder.lut(reads[None], entries[None])]
        if rng.random() < 0.3:
            order = rng.permutation(rank)
            turned = entries.reshape((2,) * rank).transpose([rank - 1 - j for j in order[::-1]]).reshape(-1)
            made.append(builder.lut(reads[order][None], turned[None] ^ int(rng.integers(2))))
        signals = np.concatenate([signals, *made])
    builder.connect(state, rng.choice(signals, registers))
    return builder.build(rng.choice(signals, outputs))


def nets() -> st.SearchStrategy[Netlist]:
    """Random netlists, those without inputs, outputs, LUTs or registers among them."""
    return st.builds(
        random_net,
        st.integers(0, 2**32),
        inputs=st.sampled_from([0, 1, 3, 5, 8]),
        luts=st.sampled_from([0, 1, 5, 30]),
        outputs=st.sampled_from([0, 1, 7]),
        registers=st.sampled_from([0, 0, 3]),
    )


def assert_equal(given: Netlist, result: Netlist, cycles: int = 6) -> None:
    """Both have the same inputs, and the same outputs on all inputs (256 at most) in each of some clock cycles."""
    assert result.num_inputs == given.num_inputs
    every = np.arange(1 << min(given.num_inputs, 8))
    states = [np.tile(net.register_init, (every.size, 1)) for net in (given, result)]
    rng = np.random.default_rng(0)
    for cycle in range(cycles if given.num_registers else 1):
        order = every if cycle == 0 else rng.permutation(every)
        bits = (order[:, None] >> np.arange(given.num_inputs) & 1).astype(bool)
        seen = []
        for place, net in enumerate((given, result)):
            values = net.evaluate(bits, keep="all", state=states[place])
            states[place] = values[:, net.register_next]
            seen.append(values[:, net.outputs])
        np.testing.assert_array_equal(*seen)


def same_arrays(a: Netlist, b: Netlist) -> bool:
    """Whether two netlists are the same, node by node."""
    names = ("fanin", "fanin_ptr", "level_ptr", "outputs", "register_next", "register_init")
    same = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)
    return same and a.num_inputs == b.num_inputs and np.array_equal(a.tables(), b.tables())
