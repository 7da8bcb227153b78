"""LUTNets' files: two that were written from its grammar, every network of its kind byte for byte, and damaged ones."""

from __future__ import annotations

import contextlib
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import CircuitBuilder, Head
from lutsmith.circuit.table_bank import TableBank
from lutsmith.encodings.code_words import ClassCode
from lutsmith.formats.ltnet import from_ltnet, to_ltnet

FILES = Path(__file__).parent / "ltnet"


def varint(number: int, size: int | None = None) -> bytes:
    size = size or (1 if number < 251 else 2 if number < 1 << 16 else 4 if number < 1 << 32 else 8)
    return (b"" if size == 1 else bytes([{2: 251, 4: 252, 8: 253}[size]])) + number.to_bytes(size, "little")


def written(nodes, inputs, edges, words, bank=None) -> bytes:
    """A file by the grammar, field by field."""
    numbers = [len(nodes), *(n for table, reads in nodes for n in (table, *reads)), inputs, len(edges), *edges]
    data = b"".join(map(varint, numbers))
    data += b"\0" if bank is None else b"\1" + b"".join(map(varint, [len(bank), *bank]))
    return data + b"".join(map(varint, [len(words), *words]))


NODES = [(6, [0, 1, 2, 3, 4, 5]), (2**64 - 1, [15, 14, 0, 0, 1, 300 % 16]), (1 << 40, [16, 17, 16, 17, 16, 17])]
GOOD = {"nodes": NODES, "inputs": 16, "edges": [0, 2, 3], "words": [1, 0]}


@pytest.mark.parametrize(("name", "bits"), [("small", 8), ("bank16_20bit", 1)])
def test_files_of_the_grammar_predict_as_they_should_and_are_written_again_byte_for_byte(
    name: str, bits: int, tmp_path: Path
) -> None:
    data, held = (FILES / f"{name}.ltnet").read_bytes(), np.load(FILES / f"{name}.npz")
    circuit = from_ltnet(data)
    X = np.packbits(held["inputs"], axis=1) if bits == 8 else held["inputs"]
    assert np.array_equal(circuit.outputs(X), held["outputs"])
    assert np.array_equal(circuit.predict(X), held["labels"])
    assert circuit.netlist.level_ptr.tolist() == held["layer_edges"].tolist()
    code = ClassCode.of_head(circuit.head, circuit.netlist.outputs.size)
    assert code is not None
    assert code.integers == held["output_embedding"].tolist()
    bank = TableBank.of_circuit(circuit)
    assert (bank is None) if bits == 8 else (bank is not None and len(bank) == 16)
    assert to_ltnet(circuit) == data
    lutsmith.save(circuit, tmp_path / "net.lut")
    assert to_ltnet(lutsmith.load(tmp_path / "net.lut")) == data
    simple = from_ltnet(data, bits=1)
    assert np.array_equal(simple.predict(held["inputs"]), held["labels"])
    assert to_ltnet(simple) == data


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_network_of_the_kind_is_read_and_written_byte_for_byte_and_computes_what_it_says(
    data: st.DataObject,
) -> None:
    inputs = data.draw(st.sampled_from([1, 7, 8, 16, 24, 300]))
    sizes = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    sizes[-1] = data.draw(st.sampled_from([sizes[-1], 63, 64]))
    bank = data.draw(st.none() | st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5))
    seed = np.random.default_rng(data.draw(st.integers(0, 1000)))
    nodes, edges, low, high = [], [0], 0, inputs
    for size in sizes:
        for _ in range(size):
            table = int(seed.integers(0, 2**64, dtype=np.uint64)) if bank is None else bank[seed.integers(len(bank))]
            nodes.append((table, seed.integers(low, high, 6).tolist()))
        edges.append(edges[-1] + size)
        low, high = high, high + size
    words = data.draw(st.lists(st.integers(0, (1 << sizes[-1]) - 1), min_size=1, max_size=10, unique=True))
    file = written(nodes, inputs, edges, words, bank)
    circuit = from_ltnet(file)
    assert to_ltnet(circuit) == file

    bits = seed.integers(0, 2, (30, inputs))
    values = [[*row] for row in bits.tolist()]
    for row in values:
        for table, reads in nodes:
            row.append(table >> sum(row[read] << slot for slot, read in enumerate(reads)) & 1)
    outputs = np.array([row[-sizes[-1] :] for row in values])
    numbers = [int("".join(map(str, row)), 2) for row in outputs.tolist()]
    distances = [[(number ^ word).bit_count() for word in words] for number in numbers]
    X = np.packbits(bits, axis=1) if inputs % 8 == 0 else bits
    assert np.array_equal(circuit.outputs(X), outputs)
    assert circuit.predict(X).tolist() == [row.index(min(row)) for row in distances]


def test_six_thousand_bits_are_images_of_bytes() -> None:
    file = written([(6, [0, 1, 2, 3, 4, 6271])], 6272, [0, 1], [0, 1])
    assert from_ltnet(file).input_shape == (1, 28, 28)
    assert from_ltnet(file, input_shape=(28, 28)).input_shape == (28, 28)
    assert from_ltnet(file, input_shape=(28, 28, 2)).words.formats.bits.tolist() == [4, 4, 4]
    assert to_ltnet(from_ltnet(file, bits=4)) == file
    for options in ({"bits": 5}, {"input_shape": (28, 27)}, {"bits": 8, "input_shape": (10,)}):
        with pytest.raises(ValueError, match=r"expected 6272|features of 5 bits"):
            from_ltnet(file, **options)


LONG = written(**GOOD).replace(varint(1 << 40), b"\xfe" + (1 << 40).to_bytes(16, "little"))
DAMAGED = {
    "empty": (b"", "cut off at byte 0, at the number of nodes"),
    "no nodes": (written([], 16, [0], [0]), "no nodes"),
    "trailing": (written(**GOOD) + b"\0", "1 bytes follow the end"),
    "huge nodes": (varint(2**62) + b"\0" * 100, "says that it has 4611686018427387904 nodes, and 100 bytes are left"),
    "huge input": (written(**{**GOOD, "inputs": 2**40}), "the input has 1099511627776 bits; expected 1 to"),
    "no input": (written(**{**GOOD, "inputs": 0}), "the input has 0 bits"),
    "huge edges": (written(NODES, 16, [0, 2, 3], [1, 0])[:-8] + varint(2**33), "says that it has|cut off"),
    "huge bank": (written(**{**GOOD, "words": []})[:-2] + b"\1" + varint(2**50), "tables of the bank, and 0 bytes"),
    "huge code": (written(**{**GOOD, "words": []})[:-1] + varint(2**60), "code words, and 0 bytes are left"),
    "u128": (LONG, "is 254, which begins no number"),
    "marker": (b"\xff" * 20, "byte 0, at the number of nodes, is 255"),
    "long one": (varint(3, 2) + written(**GOOD)[1:], "is 3 in 3 bytes: it is too long"),
    "long two": (written(**GOOD).replace(varint(16), varint(16, 4), 1), "is 16 in 5 bytes"),
    "long four": (varint(70_000, 8), "is 70000 in 9 bytes"),
    "input index": (written([(6, [0, 1, 2, 3, 4, 16])], 16, [0, 1], [0, 1]), "node 0 of layer 1 reads 16; .* 0 to 15"),
    "huge index": (written([(6, [0, 1, 2, 3, 4, 2**63])], 16, [0, 1], [0, 1]), "reads 9223372036854775808"),
    "skip": (written([*NODES[:2], (1, [16, 17, 16, 17, 16, 3])], 16, [0, 2, 3], [1, 0]), "node 2 of layer 2 reads 3"),
    "edges end": (written(**{**GOOD, "edges": [0, 2, 4]}), "layers end at .0, 2, 4.; expected .* the 3 nodes"),
    "edges fall": (written(**{**GOOD, "edges": [0, 2, 2, 3]}), "numbers that rise"),
    "edges begin": (written(**{**GOOD, "edges": [2, 3]}), "numbers that rise"),
    "flag": (written(**GOOD)[:-4] + b"\2\2\1\0", "where 0 .no bank. or 1"),
    "bank": (written(**GOOD, bank=[6, 2**64 - 1]), "node 2 has the table 0x0000010000000000, which is not in the bank"),
    "empty bank": (written(**GOOD, bank=[]), "a bank of 0 tables"),
    "equal words": (written(**{**GOOD, "words": [1, 1]}), "classes 0 and 1 have the same code word"),
    "wide word": (written(**{**GOOD, "words": [0, 2]}), "code word 1 has 2 bits; expected at most 1"),
    "last layer": (
        written([(6, [0, 1, 2, 3, 4, 5])] * 65, 16, [0, 65], [0, 1]),
        "the last layer has 65 nodes; expected at most 64, the bits of a code word",
    ),
    "many words": (  # as many words as nodes: their bits would be the square of the bytes
        written([(6, [0, 1, 2, 3, 4, 5])] * 1500, 16, [0, 1500], range(1500)),
        "the last layer has 1500 nodes",
    ),
    "no words": (written(**{**GOOD, "words": []}), "no code words"),
}


@pytest.mark.parametrize("case", sorted(DAMAGED))
def test_damaged_files_are_one_clear_line_and_take_no_memory(case: str) -> None:
    data, message = DAMAGED[case]
    tracemalloc.start()
    with pytest.raises(ValueError, match=message) as caught:
        from_ltnet(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert "\n" not in str(caught.value)


def test_every_file_that_is_cut_off_is_refused() -> None:
    data = (FILES / "bank16_20bit.ltnet").read_bytes()
    for end in [*range(300), *range(300, len(data), 97), *range(len(data) - 150, len(data))]:
        with pytest.raises(ValueError, match=r"cut off|no nodes"):
            from_ltnet(data[:end])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_bytes_are_changed_a_file_is_refused_in_one_line_or_is_another_network(data: st.DataObject) -> None:
    file = bytearray(written(**GOOD) if data.draw(st.booleans()) else written(**GOOD, bank=[6, 2**64 - 1, 1 << 40]))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(file) - 1))
        kind = data.draw(st.sampled_from(["change", "insert", "remove"]))
        if kind == "remove":
            del file[place]
        else:
            file[place : place + (kind == "change")] = bytes([data.draw(st.integers(0, 255))])
    circuit = None
    with contextlib.suppress(ValueError):
        circuit = from_ltnet(bytes(file))
    if circuit is not None:
        assert to_ltnet(circuit) == bytes(file)


def test_what_the_format_cannot_hold_is_refused_with_what_it_holds() -> None:
    good = from_ltnet(written(**GOOD))
    builder = CircuitBuilder((16,))
    compared = builder.compare(range(6), 0.5)
    builder.popcount(builder.lut([compared], [[0, 1] * 32]), 1, weights=[[1], [-1]], bias=[-1, 0])
    with pytest.raises(ValueError, match="bits of integers of one length: no comparisons"):
        to_ltnet(builder.build())
    with pytest.raises(ValueError, match="code words of at most 64 bits"):
        to_ltnet(replace(good, head=Head(1), classes=None))
    narrow = CircuitBuilder((2,))
    bits = narrow.words([0, 1], 8)
    narrow.popcount(narrow.lut(bits[:1, :5], [[0, 1] * 16]), 1, weights=[[1], [-1]], bias=[-1, 0])
    with pytest.raises(ValueError, match="LUTs of six inputs"):
        to_ltnet(narrow.build())
    for kind, message in (({"signed": True}, "unsigned"), ({"offset": 2.0}, "without an offset")):
        other = CircuitBuilder((2,))
        bits = other.words([0, 1], 8, **kind)
        other.popcount(other.lut(bits[:1, :6], [[0, 1] * 32]), 1, weights=[[1], [-1]], bias=[-1, 0])
        with pytest.raises(ValueError, match=message):
            to_ltnet(other.build())
    skip = CircuitBuilder((1,))
    planes = skip.words([0], 8)[0]
    first = skip.lut([planes[:6]], [[0, 1] * 32])
    skip.popcount(skip.lut([[*first, *planes[:5]]], [[0, 1] * 32]), 1, weights=[[1], [-1]], bias=[-1, 0])
    with pytest.raises(ValueError, match="layers that read the one before: node 1 of layer 2 reads 7"):
        to_ltnet(skip.build())
    with pytest.raises(TypeError, match="circuit is a bytes"):
        to_ltnet(b"")
