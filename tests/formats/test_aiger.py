"""AIGER: what is written, what is read, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import NetlistBuilder
from lutsmith.formats import FormatError, from_aiger, to_aiger
from lutsmith.formats.and_inverter import decompose, to_ands

from ..circuit.examples import random_netlist
from .examples import assert_same_function, shapes
from .test_blif import golden

GOLDEN = b"""\
aag 7 2 1 4 4
2
4
6 8 1
15
2
1
15
8 4 2
10 7 2
12 6 3
14 13 11
i0 a
i1 b
o0 q
o1 a0
o2 one
o3 q2
"""


def test_the_text_is_golden() -> None:
    names = {"inputs": ["a", "b"], "outputs": ["q", "a0", "one", "q2"]}
    assert to_aiger(golden(), binary=False, **names) == GOLDEN


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("shape", shapes())
def test_a_round_trip_keeps_the_function(shape: str, binary: bool) -> None:
    netlist = shapes()[shape]
    assert_same_function(from_aiger(to_aiger(netlist, binary=binary)).netlist, netlist)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 3), st.integers(0, 40))
def test_random_netlists_keep_their_function(seed: int, registers: int, luts: int) -> None:
    netlist = random_netlist(seed, registers=registers, luts=luts)
    ascii_form, binary_form = (from_aiger(to_aiger(netlist, binary=binary)) for binary in (False, True))
    assert_same_function(ascii_form.netlist, netlist)
    assert_same_function(binary_form.netlist, netlist)
    assert to_aiger(ascii_form.netlist) == to_aiger(binary_form.netlist)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 2**64 - 1, 2**63, 1, 0xAAAAAAAAAAAAAAAA]), max_size=8))
def test_templates_are_their_tables(tables: list[int]) -> None:
    words = np.array(tables, np.uint64)
    templates = decompose(words)
    columns = [sum(1 << address for address in range(64) if address >> place & 1) for place in range(6)]
    every = 2**64 - 1
    for index, table in enumerate(tables):
        values = [0, *columns]
        for left, right in zip(
            templates.left[templates.start[index] : templates.start[index + 1]].tolist(),
            templates.right[templates.start[index] : templates.start[index + 1]].tolist(),
            strict=True,
        ):
            both = [values[literal >> 1] ^ (every if literal & 1 else 0) for literal in (left, right)]
            values.append(both[0] & both[1])
        output = int(templates.output[index])
        assert values[output >> 1] ^ (every if output & 1 else 0) == table


def test_a_random_lut_of_rank_6_takes_no_more_than_45_ands() -> None:
    words = np.random.default_rng(0).integers(0, 2**64, 500, dtype=np.uint64)
    assert decompose(words).left.size <= 45 * 500


def test_gates_take_as_many_ands_as_they_must() -> None:
    repeated = [int(f"{table:04b}" * 16, 2) for table in range(16)]
    ands = np.diff(decompose(np.array(repeated, np.uint64)).start)
    assert ands.tolist() == [0, 1, 1, 0, 1, 0, 3, 1, 1, 3, 0, 1, 0, 1, 1, 0]


def test_ands_read_earlier_variables_the_larger_literal_first() -> None:
    graph = to_ands(random_netlist(3, luts=80, registers=2))
    made = 2 * (graph.first_and + np.arange(graph.left.size))
    assert (made > graph.left).all()
    assert (graph.left >= graph.right).all()


@pytest.mark.parametrize("binary", [True, False])
def test_names_and_a_comment_survive(binary: bool) -> None:
    netlist = random_netlist(1, inputs=3, outputs=2)
    inputs, outputs = ("pixel (0, 0)", "é", "c"), ("label 0", "i0")
    data = to_aiger(netlist, binary=binary, inputs=inputs, outputs=outputs)
    for ending in (b"", b"c\nanything \xff\x00"):
        named = from_aiger(data + ending)
        assert (named.inputs, named.outputs) == (inputs, outputs)
    with pytest.raises(ValueError, match="not printable"):
        to_aiger(netlist, inputs=["a\nb", "b", "c"])


def test_ands_of_the_ascii_form_may_stand_in_any_order() -> None:
    netlist = from_aiger(b"aag 9 2 0 1 2\n2\n16\n6\n6 19 2\n18 16 3\n").netlist
    bits = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    np.testing.assert_array_equal(netlist.evaluate(bits)[:, 0], [False, True, False, True])


def test_differences_take_up_to_five_bytes() -> None:
    plain, padded = (
        from_aiger(b"aig 2 1 0 1 1\n4\n" + first + b"\x02").netlist for first in (b"\x02", b"\x82\x80\x80\x80\x00")
    )
    assert to_aiger(padded) == to_aiger(plain)
    with pytest.raises(ValueError, match="more than 5 bytes"):
        from_aiger(b"aig 2 1 0 1 1\n4\n\x82\x80\x80\x80\x80\x00\x02")


def test_latches_start_as_they_say_and_bad_states_are_outputs() -> None:
    named = from_aiger(b"aag 3 0 3 0 0 2\n2 3\n4 2 1\n6 4 6\n6\n5\nb1 over\n")
    assert named.netlist.register_init.tolist() == [False, True, False]
    assert named.outputs == ("y0", "over")
    assert named.netlist.evaluate(np.zeros((1, 0), bool)).tolist() == [[False, False]]


BAD = [
    (b"", "cut off in line 1"),
    (b"aag 1 1 0 0", "cut off in line 1"),
    (b"\x7fELF\n", "line 1 begins with"),
    (b"aig 1 1 0 0\n", "line 1 has 4 counts"),
    (b"aag x 1 0 0 0\n", "line 1 has 'x'"),
    (b"aag -1 1 0 0 0\n", "line 1 has '-1'"),
    (b"aag 99999999999999999999 0 0 0 0\n", "line 1 has '99999999999999999999'"),
    (b"aag 0 1 0 0 0\n2\n", "line 1 has M = 0 for 1"),
    (b"aig 2 1 0 0 0\n", "line 1 has M = 2 for 1"),
    (b"aig 2000000000 0 0 0 2000000000\n", "promises at least 4000000000 bytes, and 0 follow"),
    (b"aig 2000000000 2000000000 0 0 0\n", "expected at most 1048576"),
    (b"aag 2000000000 2000000000 0 0 0\n", "promises at least"),
    (b"aag 1 1 0 0 0 0 1\n2\n", "constraints or liveness"),
    (b"aag 2 1 0 1 1\n2\n4\n4 2\n\n\n", "line 4 has 2 words"),
    (b"aag 2 1 0 1 1\n2\n4\n5 2 2\n", "line 4 defines literal 5"),
    (b"aag 2 1 0 1 1\n2\n4\n2 2 2\n", "line 4 defines literal 2 a second time"),
    (b"aag 2 2 0 0 0\n2\n8\n", "line 3 defines literal 8"),
    (b"aag 2 1 0 1 1\n2\n4\n4 4 2\n", "line 4: the AND waits for its own value"),
    (b"aag 3 1 0 1 1\n2\n4\n4 6 2\n", "line 4 reads literal 6, which nothing defines"),
    (b"aag 3 1 0 1 2\n2\n4\n4 2 2\n2 2 2\n", "line 5 defines literal 2 a second time"),
    (b"aag 3 1 0 1 2\n2\n4\n4 2 2\n6 6 2\n", "line 5: the AND waits for its own value"),
    (b"aag 4 1 0 1 2\n2\n4\n4 2 2\n6 8 2\n", "line 5 reads literal 8, which nothing defines"),
    (b"aag 4 1 0 1 2\n2\n4\n4 2 2\n6 2 8\n", "line 5 reads literal 8, which nothing defines"),
    (b"aag 4 1 1 0 2\n2\n4 2\n6 2 2\n4 2 2\n", "line 5 defines literal 4 a second time"),
    (b"aag 3 1 2 0 0\n2\n4 2\n6 9\n", "line 4 reads literal 9"),
    (b"aag 3 1 2 0 0\n2\n4 2\n4 2\n", "line 4 defines literal 4 a second time"),
    (b"aag 3 1 0 2 1\n2\n2\n6\n4 2 2\n", "line 4 reads literal 6"),
    (b"aig 3 1 0 0 2\n\x02\x00\x00\x00", "AND 1 reads literals 6 and 6"),
    (b"aag 2 1 0 1 0\n2\n4\n", "line 3 reads literal 4"),
    (b"aag 2 1 1 0 0\n2\n4 9\n", "line 3 reads literal 9"),
    (b"aag 2 1 1 0 0\n2\n4 2 3\n", "line 3: latch 4 has reset 3"),
    (b"aig 2 1 0 1 1\n4\n\x02", "promises at least"),
    (b"aig 2 1 0 1 1\n4\n\x00\x00", "reads literals 4 and 4"),
    (b"aig 2 1 0 1 1\n4\n\x01\x7f", "expected 4 > first"),
    (b"aig 2 1 0 1 1\n4\n\xff\xff\xff\xff\xff\xff\xff\x01\x01", "more than 5 bytes"),
    (b"aig 2 1 0 1 1\n4\n\x82\x82", "0 of 1 ANDs are whole"),
    (b"aig 1 1 0 0 0\ni1 a\n", "line 2 names i1 a, which is not there"),
    (b"aig 1 1 0 0 0\ni0 a\ni0 b\n", "line 3 names i0 a second time"),
    (b"aig 1 1 0 0 0\nhello\n", "line 2 is 'hello'"),
    (b"aig 1 1 0 0 0\ni0 a", "cut off in line 2"),
    (b"aag 1 1 0 0 0\n\xff\n", "line 2 is not text"),
]


@pytest.mark.parametrize(("data", "message"), BAD)
def test_what_is_no_aiger_file_is_refused_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        from_aiger(data)


@pytest.mark.parametrize("data", ["aag 0 0 0 0 0", 5])
def test_only_bytes_are_read(data: object) -> None:
    with pytest.raises(TypeError, match="expected bytes"):
        from_aiger(data)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::lutsmith.formats.FormatWarning")
@settings(deadline=None, max_examples=200)
@given(
    st.integers(0, 30),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=3)), max_size=5),
    st.booleans(),
)
def test_damaged_files_are_read_or_refused(seed: int, binary: bool, edits: list[tuple[int, bytes]], cut: bool) -> None:
    netlist = random_netlist(seed, luts=8, registers=seed % 2)
    data = to_aiger(netlist, binary=binary, inputs=[f"in {place}" for place in range(9)])
    for place, piece in edits:
        at = place % (len(data) + 1)
        data = data[:at] + piece + data[at + len(piece) // 2 + 1 :]
    if cut:
        data = data[: len(data) // 2]
    try:
        read = from_aiger(data).netlist
    except FormatError:
        return
    assert_same_function(from_aiger(to_aiger(read)).netlist, read)


def test_a_thousand_inputs_that_nothing_reads_are_kept() -> None:
    netlist = NetlistBuilder(1000).build([999])
    assert from_aiger(to_aiger(netlist)).netlist.num_inputs == 1000
