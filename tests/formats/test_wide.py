"""Nodes that read more signals than a LUT does: equal to their covers, of a size that cubes give, and quick."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit.netlist import Netlist
from lutsmith.formats import FormatError, from_blif
from lutsmith.formats import wide as wide_module
from lutsmith.formats.wide import merged


def blif(rank: int, cubes: list[str], value: str = "1", reads: list[str] | None = None) -> str:
    names = [f"x{place}" for place in range(rank)]
    rows = "".join(f"{cube} {value}\n" for cube in cubes)
    return f".model m\n.inputs {' '.join(names)}\n.outputs y\n.names {' '.join(reads or names)} y\n{rows}.end\n"


def random_cubes(seed: int, rank: int, count: int, cares: float = 0.5) -> list[str]:
    rng = np.random.default_rng(seed)
    rows = np.where(rng.random((count, rank)) < cares, rng.choice([*"01"], (count, rank)), "-")
    return ["".join(row) for row in rows]


def covered(cubes: list[str], bits: np.ndarray) -> np.ndarray:
    """Whether each row of bits is in a cube, by its definition."""
    hit = np.zeros(len(bits), bool)
    for cube in cubes:
        places = [place for place, bit in enumerate(cube) if bit != "-"]
        hit |= (bits[:, places] == [cube[place] == "1" for place in places]).all(axis=1)
    return hit


def assert_covers(netlist: Netlist, cubes: list[str], value: str) -> None:
    """On all inputs, 4,096 at most, and on some in every cube."""
    rank = netlist.num_inputs
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (4096, rank)).astype(bool)
    if rank <= 12:
        bits = (np.arange(1 << rank)[:, None] >> np.arange(rank) & 1).astype(bool)
    within = rng.integers(0, 2, (len(cubes), rank)).astype(bool)
    for row, cube in zip(within, cubes, strict=True):
        row[:] = [bit == "1" if bit != "-" else old for bit, old in zip(cube, row, strict=True)]
    bits = np.concatenate([bits, within])
    np.testing.assert_array_equal(netlist.evaluate(bits)[:, 0], covered(cubes, bits) == (value == "1"))


@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 2**32),
    st.integers(7, 11),
    st.sampled_from([0, 1, 2, 5, 20, 60]),
    st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    st.sampled_from("01"),
)
def test_a_wide_node_is_its_cover(seed: int, rank: int, count: int, cares: float, value: str) -> None:
    cubes = random_cubes(seed, rank, count, cares)
    netlist = from_blif(blif(rank, cubes, value)).netlist
    value = value if cubes else "1"  # without rows a node is 0
    assert_covers(netlist, cubes, value)
    assert netlist.ranks.max() <= 6


@pytest.mark.parametrize(("rank", "count", "value"), [(26, 40, "1"), (100, 300, "0"), (257, 200, "1")])
def test_hundreds_of_inputs_are_no_table(rank: int, count: int, value: str) -> None:
    cubes = random_cubes(rank, rank, count, 0.08)
    assert_covers(from_blif(blif(rank, cubes, value)).netlist, cubes, value)


@pytest.mark.parametrize("value", [*"01"])
def test_a_wide_node_may_read_a_signal_twice(value: str) -> None:
    reads = ["x0", "x1", "x2", "x3", "x0", "x1", "x2", "x3", "x4"]
    cubes = random_cubes(3, 9, 12, 0.4)
    netlist = from_blif(blif(5, cubes, value, reads)).netlist
    bits = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(bool)
    repeated = bits[:, [0, 1, 2, 3, 0, 1, 2, 3, 4]]
    np.testing.assert_array_equal(netlist.evaluate(bits)[:, 0], covered(cubes, repeated) == (value == "1"))


def test_cubes_that_two_nodes_share_are_made_once() -> None:
    names = " ".join(f"x{place}" for place in range(12))
    cubes = "111111111---", "000000000---"
    text = f".model m\n.inputs {names}\n.outputs y z\n"
    for output, own in (("y", "---------111"), ("z", "---------000")):
        text += f".names {names} {output}\n" + "".join(f"{cube} 1\n" for cube in (*cubes, own))
    netlist = from_blif(text + ".end\n").netlist
    alone = from_blif(blif(12, [*cubes, "---------111"])).netlist
    assert netlist.num_nodes < 2 * alone.num_nodes - 3


def test_factors_are_taken_out() -> None:
    """(a + b + c + d)(e + f + g + h) has 16 cubes, and takes the LUTs of a sum and those of a product of sums."""
    cubes = [
        "".join("1" if place in (first, 4 + second) else "-" for place in range(8))
        for first in range(4)
        for second in range(4)
    ]
    assert from_blif(blif(8, cubes)).netlist.num_nodes == 3


def test_an_and_of_many_takes_as_few_luts_as_it_must() -> None:
    for rank in (7, 11, 12, 36, 37, 200):
        assert from_blif(blif(rank, ["1" * rank])).netlist.num_nodes == -(-(rank - 1) // 5)


def test_a_table_that_cubes_describe_badly_is_split_as_a_table() -> None:
    for rank, luts in ((7, 3), (8, 5)):
        entries = np.random.default_rng(rank).integers(0, 2, 1 << rank)
        cubes = [format(place, f"0{rank}b") for place in np.flatnonzero(entries)]
        netlist = from_blif(blif(rank, cubes)).netlist
        assert_covers(netlist, cubes, "1")
        assert netlist.num_nodes == luts


def test_minterms_that_differ_in_one_input_are_merged() -> None:
    assert len(merged([format(place, "010b") for place in range(1024)])) == 1
    assert merged(["1-0"]) == [0b100001]


def test_large_covers_are_factored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide_module, "CHUNK", 7)
    monkeypatch.setattr(wide_module, "DEEPEST", 2)
    cubes = random_cubes(5, 10, 50, 0.6)
    assert_covers(from_blif(blif(10, cubes)).netlist, cubes, "1")


@pytest.mark.slow
def test_thousands_of_cubes_take_seconds_and_megabytes() -> None:
    cubes = random_cubes(0, 100, 3000, 0.2)
    text = blif(100, cubes)
    tracemalloc.start()
    begin = time.process_time()
    netlist = from_blif(text).netlist
    seconds = time.process_time() - begin
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 60
    assert most < 200e6
    assert_covers(netlist, cubes, "1")


@pytest.mark.slow
def test_nested_cubes_are_no_deep_recursion() -> None:
    rank = 1500
    cubes = ["1" * place + "0" + "-" * (rank - place - 1) for place in range(rank)]
    netlist = from_blif(blif(rank, cubes)).netlist
    assert_covers(netlist, cubes, "1")


@pytest.mark.filterwarnings("ignore::lutsmith.formats.FormatWarning")
@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from([*"01- \n.#\\x", "1\n", ".names a b\n"])), max_size=4),
    st.integers(50, 100),
)
def test_damaged_wide_nodes_are_read_or_refused_in_one_line(
    seed: int, edits: list[tuple[int, str]], percent: int
) -> None:
    text = blif(9, random_cubes(seed, 9, 8))
    for place, piece in edits:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + len(piece) // 2 :]
    refused = ""
    try:
        from_blif(text[: len(text) * percent // 100])
    except FormatError as error:
        refused = str(error)
    assert "\n" not in refused
