"""BLIF: what is written, what is read, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Netlist, NetlistBuilder
from lutsmith.formats import FormatError, from_blif, to_blif
from lutsmith.formats.covers import Covers

from ..circuit.examples import random_netlist
from .examples import assert_same, assert_same_function, shapes

ignored = pytest.mark.filterwarnings("ignore::lutsmith.formats.FormatWarning")
"""What a damaged file makes readers assume."""

ODD = ["a b", "x#y", "é", "$p", ".names", "a\\", "q=1", "x[0]", "%41"]


def golden() -> Netlist:
    """x0 AND x1 into a register; its state XOR x0, x0 and a constant leave."""
    builder = NetlistBuilder(2)
    state = builder.register(1, [True])
    both = builder.lut([[0, 1]], np.array([8], np.uint64))
    differ = builder.lut([[int(state[0]), 0]], np.array([6], np.uint64))
    builder.connect(state, both)
    return builder.build([differ[0], 0, builder.constant(True), differ[0]])


GOLDEN = """\
.model two
.inputs a b
.outputs q a.0 one q2
.latch n1 r0 1
.names one
1
.names a b n1
11 1
.names r0 a q
10 1
01 1
.names a a.0
1 1
.names q q2
1 1
.end
"""


def test_the_text_is_golden() -> None:
    text = to_blif(golden(), name="two", inputs=["a", "b"], outputs=["q", "a.0", "one", "q2"])
    assert text == GOLDEN


@pytest.mark.parametrize("shape", shapes())
def test_a_round_trip_gives_the_netlist_back_array_for_array(shape: str) -> None:
    netlist = shapes()[shape]
    named = from_blif(to_blif(netlist))
    if shape == "a node that nothing reads" or netlist.num_nodes:
        assert_same(named.netlist, netlist)
    assert_same_function(named.netlist, netlist)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 3), st.integers(0, 40))
def test_random_netlists_come_back_node_by_node(seed: int, registers: int, luts: int) -> None:
    netlist = random_netlist(seed, registers=registers, luts=luts)
    text = to_blif(netlist)
    again = from_blif(text).netlist
    assert_same(again, netlist)
    assert to_blif(again) == text


def test_names_with_odd_characters_survive() -> None:
    netlist = random_netlist(1, outputs=3)
    named = from_blif(to_blif(netlist, name="m x", inputs=ODD, outputs=["o p", "o\n", "%"]))
    assert (named.name, named.inputs, named.outputs) == ("m x", tuple(ODD), ("o p", "o\n", "%"))


def test_ports_named_like_nodes_do_not_become_nodes() -> None:
    netlist = random_netlist(2, registers=2)
    names = ["n1", "r0", "n2", "n_3", "r1", "n", "r", "y9", "x"]
    named = from_blif(to_blif(netlist, inputs=names))
    assert named.inputs == tuple(names)
    assert_same(named.netlist, netlist)


def test_an_output_may_share_the_name_of_the_input_that_it_is_and_of_no_other() -> None:
    netlist = NetlistBuilder(2).build([1])
    named = from_blif(to_blif(netlist, inputs=["a", "b"], outputs=["b"]))
    assert_same(named.netlist, netlist)
    with pytest.raises(ValueError, match="'a' is the name of an input and of an output"):
        to_blif(netlist, inputs=["a", "b"], outputs=["a"])


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a"], "1 names for 2 inputs"), (["a", "a"], "two inputs are named 'a'"), (["a", ""], "empty name")],
)
def test_names_that_do_not_fit_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_blif(NetlistBuilder(2).build([0]), inputs=names)


def test_covers_of_ones_zeros_and_dont_cares_in_any_order_of_nodes() -> None:
    text = """# a comment
.model top # and another
.inputs a b \\
  c
.outputs y z k
.names t c y   # reads a node that comes later
0- 1
-1 1
.names a b t
11 0
.names a b c z
1-0 0
-11 0
.names k
.area 3
.end
# nothing but a comment follows
"""
    netlist = from_blif(text).netlist
    bits = np.array([[index >> place & 1 for place in range(3)] for index in range(8)])
    a, b, c = bits.T.astype(bool)
    expected = np.stack([(a & b) | c, ~((a & ~c) | (b & c)), np.zeros(8, bool)], axis=1)
    np.testing.assert_array_equal(netlist.evaluate(bits), expected)


@pytest.mark.parametrize("rank", [7, 8])
def test_wide_nodes_become_several(rank: int) -> None:
    names = [f"x{place}" for place in range(rank)]
    rng = np.random.default_rng(rank)
    rows = rng.choice([*"01-"], (9, rank))
    cover = "".join(f"{''.join(row)} 1\n" for row in rows)
    text = f".model m\n.inputs {' '.join(names)}\n.outputs y\n.names {' '.join(names)} y\n{cover}.end\n"
    netlist = from_blif(text).netlist
    bits = np.array([[index >> place & 1 for place in range(rank)] for index in range(1 << rank)])
    covered = [
        any(all(c in ("-", str(b)) for c, b in zip(row, sample, strict=True)) for row in rows) for sample in bits
    ]
    np.testing.assert_array_equal(netlist.evaluate(bits)[:, 0], covered)
    assert netlist.ranks.max() == 6


@pytest.mark.parametrize(
    ("latch", "init"), [("d q 0", 0), ("d q 1", 1), ("d q 3", 0), ("d q", 0), ("d q re clk 1", 1), ("d q re clk", 0)]
)
def test_latches_are_registers(latch: str, init: int) -> None:
    netlist = from_blif(f".inputs d clk\n.outputs q\n.latch {latch}\n.end\n").netlist
    assert netlist.register_init.tolist() == [bool(init)]
    assert netlist.register_next.tolist() == [0]


BAD = [
    ("", "the file has no command"),
    ("# nothing\n\n", "the file has no command"),
    (".inputs a \\", "goes on in a line that is not there"),
    ("11 1\n.end", "line 1 begins with '11'"),
    (".outputs y\n.names y\n.names y\n1\n.end", "line 3 drives 'y', which line 2 drives too"),
    (".inputs y\n.names y\n.end", "line 2 drives 'y', which line 1 drives too"),
    (".inputs a a\n.end", "line 1 lists 'a' a second time"),
    (".outputs y\n.names z y\n1 1\n.names y z\n1 1\n.end", "waits for its own value"),
    (".outputs y\n.names y y\n1 1\n.end", "waits for its own value"),
    (".inputs a\n.names a y\n1 1\n0 0\n.end", "line 2: the cover of 'y' lists ones and zeros"),
    (".inputs a\n.names a y\n11 1\n.end", "line 2: the cover of 'y' has the row '11 1' for 1 inputs"),
    (".inputs a\n.names a y\n2 1\n.end", "has the character '2'"),
    (".inputs a\n.names a y\n1\n.end", "has the row '1'"),
    (".names\n.end", "line 1: .names has no output"),
    (".names a b c d e f g h y\n111 1\n.end", "line 1: the cover of 'y' has the row '111 1' for 8 inputs"),
    (".names a b c d e f g h y\n-------- 2\n.end", "line 1: the cover of 'y' has the row"),
    (".names a b c d e f g h y\n-----*-- 1\n.end", "line 1: the cover of 'y' has the character '*'"),
    (".names a b c d e f g h y\n-------1 1\n1------- 0\n.end", "the cover of 'y' lists ones and zeros"),
    (".inputs a b c d e f\n.names a b c d e f y y\n1-----1 1\n.end", "line 2: 'y' waits for its own value"),
    (".model a\n.model b\n.end", "line 2 begins a second model"),
    (".subckt x a=b\n.end", "line 1 is .subckt"),
    (".gate x a=b\n.end", "line 1 is .gate"),
    (".search library.blif\n.end", "line 1 is .search"),
    (".latch a\n.end", "line 1: .latch has 1 words"),
    (".latch a b 4\n.end", "starts as '4'"),
    (".latch a b ah c 0\n.end", "type 'ah'"),
    (".inputs a\n.latch a b re c 0\n.latch a d re e 0\n.end", "line 3: a second clock"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_no_netlist_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message.replace(".", r"\.")):
        from_blif(text)


def test_bytes_are_not_text() -> None:
    with pytest.raises(TypeError, match="text is of type bytes, expected str"):
        from_blif(b".end")  # type: ignore[arg-type]


@ignored
@settings(deadline=None, max_examples=100)
@example(2, [(766, " "), (252239, " ")])  # a cube that is a blank: the words are one fewer
@given(st.integers(0, 30), st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from([*"01- \n.#\\\r\v"])), max_size=6))
def test_covers_read_at_once_are_those_read_row_by_row(seed: int, edits: list[tuple[int, str]]) -> None:
    """The same netlist or the same message, whatever was done to the rows."""
    text = to_blif(random_netlist(seed, luts=8, max_rank=4))
    for place, piece in edits:
        at = text.index(".names") + place % len(text[text.index(".names") :])
        text = text[:at] + piece + text[at + place % 2 :]
    results = []
    for plain in (Covers.plain, lambda *arguments: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Covers, "plain", plain)
            try:
                results.append(from_blif(text))
            except FormatError as error:
                results.append(str(error))
    if isinstance(results[0], str) or isinstance(results[1], str):
        assert results[0] == results[1]
    else:
        assert_same(results[0].netlist, results[1].netlist)


@pytest.mark.parametrize("rows", ["11\n1 01 1", "1 1\n1 1", "11 1 01 1", "1\v 1\n11 1", "11 2", "11 1\n01 0", "1x 1"])
def test_rows_out_of_place_are_not_taken_for_plain_ones(rows: str) -> None:
    known = ".names a b z\n11 1\n01 1\n1- 1\n.names a w\n1 1\n"
    with pytest.raises(FormatError, match="line 9: the cover of 'y'"):
        from_blif(f".inputs a b\n.outputs y z\n{known}.names a b y\n{rows}\n.end\n")


@ignored
@settings(deadline=None, max_examples=150)
@given(st.integers(0, 30), st.lists(st.tuples(st.integers(0, 10**6), st.text(max_size=4)), max_size=6), st.booleans())
def test_damaged_files_are_read_or_refused(seed: int, edits: list[tuple[int, str]], cut: bool) -> None:
    text = to_blif(random_netlist(seed, luts=8, registers=seed % 2))
    for place, piece in edits:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + len(piece) // 2 + 1 :]
    if cut:
        text = text[: len(text) // 2]
    try:
        netlist = from_blif(text).netlist
    except FormatError:
        return
    assert_same_function(from_blif(to_blif(netlist)).netlist, netlist)


def test_a_chain_of_nodes_is_read_in_linear_time() -> None:
    count = 20_000
    names = "".join(f".names n{i + 1} n{i}\n0 1\n" for i in range(count))
    netlist = from_blif(f".inputs n{count}\n.outputs n0\n{names}.end\n").netlist
    assert netlist.depth == count
