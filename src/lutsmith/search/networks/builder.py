"""From an architecture to a netlist and a circuit: raw bit planes in, LUTs with drawn tables, code words out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.table_bank import TableBank, random_tables
from lutsmith.encodings.code_families import code_of
from lutsmith.ground.labels import Label
from lutsmith.search.networks.architectures import NetworkArchitecture
from lutsmith.search.networks.banks import bank_of


def network_netlist(architecture: Any, *, seed: int = 0, bank: Any = None) -> Netlist:
    """Return a netlist of an architecture with drawn tables: its inputs are all bits, its outputs the last layer.

    Args:
        architecture: a `NetworkArchitecture`, a name of one, or a mapping.
        seed: of wires and tables, which are drawn apart: another bank leaves the wires as they are.
        bank: what the tables are drawn from, as `bank_of` takes it; None: all tables.

    Raises:
        TypeError, ValueError: no such architecture or bank, or LUTs of another rank than the bank's.
    """
    plan = NetworkArchitecture.of(architecture)
    builder = NetlistBuilder(plan.num_inputs)
    return builder.build(_add(builder, np.arange(plan.num_inputs), plan, seed, _bank(plan, bank, seed)))


def network_circuit(
    architecture: Any,
    code: Any = None,
    *,
    seed: int = 0,
    bank: Any = None,
    classes: Sequence[Label] | None = None,
) -> Circuit:
    """Return a circuit of an architecture with drawn tables.

    Each feature enters as the bits of an unsigned integer, which cost no LUT; the class is the one whose code word is
    nearest to the output bits, the lowest of those that tie. The bank is kept in the circuit.

    Args:
        architecture: as for `network_netlist`.
        code: words of the classes, as `encodings.code_families.code_of` takes them: a name, integers, or bits; None:
            the architecture's.
        seed: as for `network_netlist`, and of words that are drawn.
        bank: as for `network_netlist`.
        classes: the labels of the classes; None: 0, 1, ...

    Raises:
        TypeError, ValueError: as `network_netlist`; no code, one of another length than the network's outputs, or
            another number of classes.
    """
    plan = NetworkArchitecture.of(architecture)
    given = plan.code if code is None else code
    if given is None:
        raise ValueError(f"the architecture {plan.name!r} has no code of its own: give one, such as 'drawn'")
    words = code_of(given, 10 if classes is None else len(classes), plan.num_outputs, seed)
    if classes is not None and len(classes) != len(words):
        raise ValueError(f"{len(classes)} classes and {len(words)} code words; expected as many")
    tables = _bank(plan, bank, seed)
    builder = CircuitBuilder(plan.input_shape)
    planes = builder.words(builder.features.reshape(-1), plan.bits)[:, ::-1].reshape(-1)
    head = words.head()
    outputs = _add(builder, planes, plan, seed, tables)
    builder.popcount(outputs, head.num_groups, weights=head.weights, bias=head.bias)
    metadata = Metadata(other={"network": {"architecture": plan.name, "seed": seed}})
    return builder.build(
        classes=tuple(range(len(words))) if classes is None else tuple(classes),
        objective="classification",
        metadata=metadata if tables is None else tables.told_in(metadata),
    )


def _bank(plan: NetworkArchitecture, bank: Any, seed: int) -> TableBank | None:
    return bank_of(bank, bank.rank if isinstance(bank, TableBank) else min(plan.rank, MAX_RANK), seed)


def _add(
    builder: NetlistBuilder | CircuitBuilder,
    inputs: NDArray[Any],
    plan: NetworkArchitecture,
    seed: int,
    bank: TableBank | None,
) -> NDArray[np.int32]:
    """Add the LUTs of an architecture over the signals of its inputs; return the signals of the last layer."""
    rng = np.random.default_rng([seed, 1])
    signals = np.empty(plan.num_inputs + plan.num_luts, np.int32)
    signals[: plan.num_inputs] = inputs
    begin = plan.num_inputs
    for number, groups in enumerate(plan.wiring(seed), 1):
        for rows in groups:
            count, rank = rows.shape
            if bank is not None and bank.rank != rank:
                raise ValueError(f"layer {number} has LUTs of rank {rank}; the bank has tables of rank {bank.rank}")
            tables: NDArray[Any]
            if rank > MAX_RANK:
                tables = rng.integers(0, 2, (count, 1 << rank), dtype=np.uint8)
            else:
                tables = random_tables(rng, count, rank) if bank is None else bank.draw(rng, count)
            signals[begin : begin + count] = builder.lut(signals[rows], tables)
            begin += count
    return signals[begin - plan.num_outputs :]
