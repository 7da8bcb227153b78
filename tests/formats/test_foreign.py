"""Files as other tools write them: what is left out or assumed is said, and refused where a file is read strictly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.formats import FormatError, FormatWarning, NamedNetlist, from_aiger, from_blif, to_aiger, to_blif

from ..circuit.examples import random_netlist
from .examples import assert_same_function, shapes

AND = "\n.names a b y\n11 1\n"
PORTS = ".model m\n.inputs a b\n.outputs y"
AAG = b"aag 3 2 0 1 1\n2\n4\n6\n6 2 4\n"


def entries(named: NamedNetlist) -> str:
    """The first output over all inputs, input 0 lowest."""
    count = named.netlist.num_inputs
    bits = np.arange(1 << count)[:, None] >> np.arange(count) & 1
    return "".join(str(int(value)) for value in named.netlist.evaluate(bits)[:, 0])


@pytest.mark.parametrize(
    "ending", [b"c", b"c\n", b"c\nmade by hand\n", b"cABC 1.01\nx", b"i0 p\nc", b"i1 q\no0 z\nc\n\xff"]
)
def test_an_aiger_comment_begins_with_c_and_needs_no_newline(ending: bytes) -> None:
    assert entries(from_aiger(AAG + ending)) == "0001"
    binary = to_aiger(from_aiger(AAG).netlist)
    assert entries(from_aiger(binary + ending)) == "0001"


@pytest.mark.parametrize(
    ("symbols", "inputs", "message"),
    [
        (b"i0 x1\n", ("x1", "x1_1"), "names another input 'x1': input 1, without a symbol, is 'x1_1'"),
        (b"i1 x0\n", ("x0_0", "x0"), "names another input 'x0': input 0, without a symbol, is 'x0_0'"),
        (b"i0 a\ni1 a\n", ("a", "a_1"), "gives two inputs the name 'a': one is 'a_1'"),
        (b"i0 caf\xe9\n", (r"caf\xe9", "x1"), "line 6 is not UTF-8"),
    ],
)
def test_symbols_never_make_aiger_unreadable(symbols: bytes, inputs: tuple[str, ...], message: str) -> None:
    with pytest.warns(FormatWarning, match=message):
        named = from_aiger(AAG + symbols)
    assert named.inputs == inputs
    assert entries(named) == "0001"
    with pytest.raises(FormatError, match="strict reading refuses"):
        from_aiger(AAG + symbols, strict=True)


def test_names_that_are_made_collide_with_none_that_is_given() -> None:
    with pytest.warns(FormatWarning):
        named = from_aiger(b"aag 4 4 0 2 0\n2\n4\n6\n8\n2\n4\ni0 x1\ni2 x1_1\ni3 x1\no0 y1\n")
    assert len(set(named.inputs)) == 4
    assert (named.inputs[0], named.inputs[2]) == ("x1", "x1_1")
    assert len(set(named.outputs)) == 2


def test_strict_aiger_refuses_a_latch_without_an_initial_value() -> None:
    text = b"aag 1 0 1 1 0\n2 2 2\n2\n"
    assert not from_aiger(text).netlist.register_init.any()
    with pytest.raises(FormatError, match="line 2: strict reading expects a latch to start as 0 or 1"):
        from_aiger(text, strict=True)


REMARKS = (".and_gate_delay 31.65", ".default_input_arrival 0 0", ".area 5", ".wire_load_slope 0.1", ".clock c")


@pytest.mark.parametrize("remark", REMARKS)
def test_timing_remarks_of_blif_change_nothing(remark: str) -> None:
    text = f"{PORTS}\n{remark}{AND}.end\n"
    assert entries(from_blif(text)) == "0001"
    with pytest.raises(
        FormatError, match=f"line 4 is .{remark.split()[0][1:]}, a remark, which strict reading refuses"
    ):
        from_blif(text, strict=True)


@pytest.mark.parametrize(
    ("text", "expected", "message"),
    [
        (f"{PORTS}{AND}", "0001", "the file has no .end"),
        (f"{PORTS}{AND}".rstrip(), "0001", "the file has no .end"),
        (f"{PORTS}\n.names a z y\n11 1\n.end", "0000", "line 4 reads 'z', which nothing drives: 0 drives 'z'"),
        (f"{PORTS}\n.names a z y\n10 1\n.end", "0101", "line 4 reads 'z', which nothing drives"),
        (f"{PORTS}\n.end", "0000", "line 3 reads 'y', which nothing drives"),
        (f"{PORTS}\n.latch q y 1\n.end", "1111", "line 4 reads 'q', which nothing drives"),
        (f"{PORTS}{AND}.end\nhello\n", "0001", "line 7 follows the .end of the model"),
        (f"{PORTS}{AND}.end\n\n# two\n.model n\n.end\n", "0001", "line 9 follows the .end of the model"),
        (f"{PORTS}{AND}.exdc\n.inputs a b\n.outputs y\n.names a b y\n00 1\n.end", "0001", "line 6 begins a network"),
        (f"{PORTS}\n.exdc\n.names a b y\n00 1\n.foo\n.end", "0000", "line 4 begins a network of don't-cares"),
    ],
)
@pytest.mark.filterwarnings("ignore::lutsmith.formats.FormatWarning")
def test_what_blif_lacks_is_assumed_with_a_warning_and_refused_strictly(text: str, expected: str, message: str) -> None:
    with pytest.warns(FormatWarning, match=message):
        named = from_blif(text)
    assert entries(named) == expected
    with pytest.raises(FormatError, match=message.partition(":")[0] + ".*which strict reading refuses"):
        from_blif(text, strict=True)


@pytest.mark.parametrize("latch", ["d q", "d q 2", "d q 3", "d q re c 0", "d q re c"])
def test_strict_blif_takes_only_latches_that_it_writes(latch: str) -> None:
    text = f".model m\n.inputs d c\n.outputs q\n.latch {latch}\n.end\n"
    assert from_blif(text).netlist.num_registers == 1
    with pytest.raises(FormatError, match="line 4: strict reading expects a latch"):
        from_blif(text, strict=True)


def test_strict_blif_has_a_model() -> None:
    with pytest.raises(FormatError, match=r"no \.model, which strict reading expects"):
        from_blif(".inputs a\n.outputs a\n.end\n", strict=True)


@pytest.mark.parametrize("shape", shapes())
def test_what_is_written_here_is_read_strictly(shape: str) -> None:
    netlist = shapes()[shape]
    assert_same_function(from_blif(to_blif(netlist), strict=True).netlist, netlist)
    for binary in (True, False):
        assert_same_function(from_aiger(to_aiger(netlist, binary=binary), strict=True).netlist, netlist)


def test_of_many_undriven_signals_a_few_are_named() -> None:
    names = " ".join(f"z{place}" for place in range(40))
    with pytest.warns(FormatWarning, match="'z4' and 35 more") as caught:
        from_blif(f".model m\n.outputs {names}\n.end\n")
    assert len(caught) == 1


EDITS = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from([*"01-c. \n#\\", ".exdc\n", ".end\n", ".names a y\n"]))
)


@pytest.mark.filterwarnings("ignore::lutsmith.formats.FormatWarning")
@settings(deadline=None, max_examples=150)
@given(st.integers(0, 99), EDITS, st.integers(0, 100))
def test_what_strict_reading_takes_is_what_reading_gives_without_a_warning(
    seed: int, edits: list[tuple[int, str]], percent: int
) -> None:
    text = to_blif(random_netlist(seed, luts=6, registers=seed % 2))
    for place, piece in edits:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + len(piece) // 2 :]
    text = text[: len(text) * percent // 100]
    try:
        strict = from_blif(text, strict=True).netlist
    except FormatError:
        return
    assert text.count(".model") == 1
    assert ".exdc" not in text.partition(".end")[0].replace("#", "\n#").split()
    assert_same_function(from_blif(text).netlist, strict)


@pytest.mark.filterwarnings("ignore::lutsmith.formats.FormatWarning")
@settings(deadline=None, max_examples=100)
@given(st.integers(0, 30), st.binary(max_size=40), st.booleans())
def test_whatever_follows_the_ands_is_symbols_or_a_comment_or_refused(seed: int, tail: bytes, binary: bool) -> None:
    netlist = random_netlist(seed, luts=4)
    refused = ""
    try:
        named = from_aiger(to_aiger(netlist, binary=binary) + tail)
    except FormatError as error:
        refused = str(error)
    assert "\n" not in refused
    if not refused:
        assert_same_function(named.netlist, netlist)
        assert len(set(named.inputs)) == netlist.num_inputs
