"""`restructure` and the gates that it is made of: equal, never larger, and smaller where structure was poor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Netlist, NetlistBuilder
from lutsmith.circuit.simplify import remove_dead, restructure, simplify, simplify_netlist
from lutsmith.circuit.simplify.restructure import to_gates
from lutsmith.circuit.tables import VARIABLES
from lutsmith.formats import from_blif
from lutsmith.hardware import prove
from lutsmith.hardware.tools import toolchain
from lutsmith.kernels.netlists import structures

from ..examples import random_circuit, random_images
from .nets import assert_equal, nets, random_net, same_arrays

EXAMPLES = settings(deadline=None, max_examples=60)
EVERY = 2**64 - 1
A, B, C, D, E, F = (int(word) for word in VARIABLES)
needs_abc = pytest.mark.skipif(not toolchain.available("abc"), reason="ABC is not installed")


def gates_of(table: int, in_order: bool = False) -> np.ndarray:
    """The gates of one table after checking that they are its function."""
    start, gates, outputs = structures.gates_of(np.array([table], np.uint64), VARIABLES, in_order)
    values = [A, B, C, D, E, F]
    for left, right, entries in gates[start[0] : start[1]].tolist():
        x, y = values[left], values[right]
        parts = ((~x, ~y), (x, ~y), (~x, y), (x, y))
        values.append(EVERY & sum((p & q & EVERY) for bit, (p, q) in enumerate(parts) if entries >> bit & 1))
    literal = int(outputs[0])
    value = (literal & 1) * EVERY if literal < 0 else values[literal >> 1] ^ ((literal & 1) * EVERY)
    assert value == table
    return gates


@settings(deadline=None, max_examples=150)
@given(st.integers(0, EVERY), st.integers(0, EVERY), st.sampled_from(["dense", "sparse", "few inputs"]), st.booleans())
def test_gates_are_their_table(table: int, other: int, kind: str, in_order: bool) -> None:
    if kind == "sparse":
        table &= other & (other >> 7) & (table << 3)
    if kind == "few inputs":
        table = sum((table >> (a % 8) & 1) << a for a in range(64))
    gates_of(table & EVERY, in_order)


@pytest.mark.parametrize(
    ("table", "gates"),
    [
        (0, 0),
        (EVERY, 0),
        (D, 0),
        (EVERY ^ E, 0),
        (A & B & C & D & E & F, 5),
        (A ^ B ^ C ^ D ^ E ^ F, 5),
        (A & B | C & D | E & F, 5),
        ((A | B) & (C ^ (D & (EVERY ^ E)) | F), 5),
        (A & B | A & C | B & C, 4),
        (A & B | (EVERY ^ A) & C, 3),
    ],
)
def test_functions_take_as_few_gates_as_they_must(table: int, gates: int) -> None:
    assert len(gates_of(table)) == gates


def test_a_random_table_takes_some_31_gates_and_never_as_many_as_there_is_room_for() -> None:
    words = np.random.default_rng(0).integers(0, 2**64, 2000, dtype=np.uint64)
    for in_order, most in ((False, 32), (True, 52)):
        counts = np.diff(structures.gates_of(words, VARIABLES, in_order)[0])
        assert counts.mean() < most
        assert counts.max() < structures.MOST


@EXAMPLES
@given(netlist=nets(), in_order=st.booleans(), rank=st.integers(2, 6))
def test_gates_of_a_netlist_change_no_output_in_any_cycle(netlist: Netlist, in_order: bool, rank: int) -> None:
    gates = to_gates(netlist, rank, in_order=in_order)
    if gates is None:  # every LUT stays whole
        return
    assert_equal(netlist, gates)
    tables = gates.ranks > 2
    assert (gates.ranks[tables] <= rank).all()


@EXAMPLES
@given(netlist=nets(), rank=st.integers(2, 6))
def test_restructuring_changes_no_output_in_any_cycle_and_adds_no_lut(netlist: Netlist, rank: int) -> None:
    live = remove_dead(netlist)
    result = restructure(live, rank)
    assert_equal(live, result)
    assert result.ranks.max(initial=0) <= rank
    if live.ranks.max(initial=0) <= rank:
        assert result.num_nodes <= live.num_nodes


@EXAMPLES
@given(netlist=nets(), rank=st.integers(2, 6))
def test_level_4_is_equal_and_never_more_luts_than_level_2(netlist: Netlist, rank: int) -> None:
    result, steps = simplify_netlist(netlist, 4, rank=rank)
    assert_equal(netlist, result)
    assert result.ranks.max(initial=0) <= rank
    plain = simplify_netlist(netlist, 2, rank=rank)[0]
    if plain.ranks.max(initial=0) <= rank:
        assert result.num_nodes <= plain.num_nodes
    assert steps[-1].luts_by_rank == result.luts_by_rank()


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_a_circuit_at_level_4_scores_as_before(seed: int) -> None:
    circuit = random_circuit(seed)
    result = simplify(circuit, 4)
    images = random_images(seed, circuit, 200)
    np.testing.assert_array_equal(result.circuit.evaluate(images), circuit.evaluate(images))
    assert result.circuit.metadata.simplified["level"] == 4
    assert result.circuit.netlist.num_nodes <= simplify(circuit, 3).circuit.netlist.num_nodes


def test_the_same_netlist_gives_the_same_structure() -> None:
    assert same_arrays(restructure(random_net(3, luts=80)), restructure(random_net(3, luts=80)))


def test_a_sum_of_products_cut_up_badly_becomes_the_luts_that_it_needs() -> None:
    """Parity of 12 signals, as 4 covers of 4 inputs that repeat each other, and a sum over all: four LUTs would do."""
    rng = np.random.default_rng(1)
    builder = NetlistBuilder(12)
    cubes = [place for place in range(4096) if bin(place).count("1") & 1]
    rng.shuffle(cubes)
    ones = []
    for place in cubes[:400]:
        low = builder.lut([np.arange(6)], np.array([1 << (place & 63)], np.uint64))
        high = builder.lut([np.arange(6, 12)], np.array([1 << (place >> 6)], np.uint64))
        ones.append(int(builder.lut([[low[0], high[0]]], np.array([8], np.uint64))[0]))
    while len(ones) > 1:
        ones = [
            int(builder.lut([ones[low : low + 6]], np.array([[0] + [1] * ((1 << len(ones[low : low + 6])) - 1)]))[0])
            for low in range(0, len(ones), 6)
        ]
    netlist = builder.build(ones)
    mapped, result = simplify_netlist(netlist)[0], simplify_netlist(netlist, 4)[0]
    bits = rng.integers(0, 2, (4096, 12)).astype(bool)
    np.testing.assert_array_equal(result.evaluate(bits), netlist.evaluate(bits))
    assert result.num_nodes < 0.9 * mapped.num_nodes


def products_of_sums(width: int, seed: int) -> str:
    """Outputs that share sums of products, written as covers of 8 inputs each: what collapsing cones cannot mend."""
    rng = np.random.default_rng(seed)
    names = [f"x{place}" for place in range(width)]
    text = f".model m\n.inputs {' '.join(names)}\n.outputs {' '.join(f'y{place}' for place in range(width))}\n"
    for output in range(width):
        reads = rng.permutation(width)[:8]
        rows = {"".join(rng.choice([*"01--"], 8)) for _ in range(6)}
        text += f".names {' '.join(names[place] for place in reads)} y{output}\n"
        text += "".join(f"{row} 1\n" for row in sorted(rows))
    return text + ".end\n"


@needs_abc
@pytest.mark.parametrize("seed", [0, 1])
def test_what_wide_covers_become_is_proved_equal_and_within_5_percent_of_abc(seed: int) -> None:
    from lutsmith.hardware import abc

    netlist = from_blif(products_of_sums(24, seed)).netlist
    result, _ = simplify_netlist(netlist, 4)
    assert prove(netlist, result).verdict == "equal"
    mapped = simplify_netlist(abc.run(netlist, "strash; if -K 6 -a").netlist, 1)[0]
    assert result.num_nodes <= 1.05 * mapped.num_nodes


@needs_abc
def test_random_gates_restructured_are_proved_equal() -> None:
    rng, builder = np.random.default_rng(0), NetlistBuilder(40)
    signals = np.arange(40)
    for _ in range(8):
        signals = builder.lut(rng.choice(signals, (60, 2)), rng.integers(0, 2, (60, 4)))
    netlist = builder.build(signals)
    assert prove(netlist, restructure(netlist)).verdict == "equal"


def test_luts_wider_than_asked_for_are_taken_apart() -> None:
    builder = NetlistBuilder(6)
    netlist = builder.build(builder.lut([np.arange(6)], np.random.default_rng(0).integers(0, 2, (1, 64))))
    assert simplify_netlist(netlist, 2, rank=4)[0] is netlist
    result, _ = simplify_netlist(netlist, 4, rank=4)
    assert_equal(netlist, result)
    assert result.ranks.max() <= 4


def test_random_tables_stay_whole_and_their_netlist_the_same() -> None:
    rng, builder = np.random.default_rng(0), NetlistBuilder(30)
    signals = builder.lut([rng.permutation(30)[:6] for _ in range(50)], rng.integers(0, 2, (50, 64)))
    netlist = builder.build(signals)
    gates = to_gates(netlist)
    assert gates is None or gates.luts_by_rank()[6] >= 45
    assert restructure(netlist) is netlist
    single = NetlistBuilder(6)
    whole = single.build(single.lut([np.arange(6)], np.random.default_rng(2).integers(0, 2, (1, 64))))
    assert to_gates(whole) is None


def test_a_network_of_too_many_gates_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import import_module

    monkeypatch.setattr(import_module("lutsmith.circuit.simplify.restructure"), "MAX_GATES", 10)
    netlist = simplify_netlist(random_net(3, luts=80))[0]
    assert restructure(netlist) is netlist


@pytest.mark.parametrize(("rank", "error"), [(1, ValueError), (7, ValueError), (True, TypeError), ("6", TypeError)])
def test_a_rank_is_2_to_6(rank: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="rank"):
        restructure(random_net(0), rank)  # type: ignore[arg-type]
