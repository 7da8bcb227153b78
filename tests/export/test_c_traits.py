"""C headers of circuits with words, missing values, integers, several heads, places, a state and parts."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, CircuitBuilder, Head, IntegerHead, Netlist, NetlistBuilder, OutputWord, WordBits
from lutsmith.circuit.cycles import evaluate_cycles
from lutsmith.circuit.traits import TRAITS
from lutsmith.export import to_c
from lutsmith.export.programs.c import words_of_c
from lutsmith.export.programs.c.inputs import takes_floats
from lutsmith.export.programs.c.quantise import has_quantise
from lutsmith.hardware.simulation.answers import Answers
from lutsmith.hardware.simulation.software import c_compiler
from lutsmith.logic import Words
from tests.circuit.examples import random_rich_circuit, random_rich_rows
from tests.tools import needs

SANITIZED = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all")


def bits_of(circuit: Circuit, words: Words, rows: np.ndarray) -> np.ndarray:
    """What the inputs of the netlist are of rows that come as these words: the specification, feature by feature."""
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = rows.astype(np.float32)
    missing = np.isnan(numbers)
    if words.grid is not None:
        numbers, missing = words.grid.value(words.grid.ceil(numbers)), np.zeros_like(missing)
    if words.formats is not None:
        for place, feature in enumerate(words.formats.feature.tolist()):
            own = words.formats[[place]]
            numbers[:, feature] = own.numbers(own.patterns(rows))[:, 0].astype(np.float32)
            missing[:, feature] = False
    parts = [circuit.encoder.encode(numbers)]
    if circuit.words is not None:
        parts.append(circuit.words.encode(rows))
    return np.concatenate([*parts, missing[:, circuit.missing]], axis=1)


def compare(
    circuit: Circuit,
    rows: np.ndarray,
    style: str,
    *,
    words: Words | int | None = None,
    streams: int = 9,
    cpp: bool = False,
    flags: tuple[str, ...] = (),
) -> None:
    """Compile a header, run all of its functions, and compare them with the specification."""
    needs("cc")
    chosen = words_of_c(circuit, words)
    said = c_compiler(
        circuit,
        to_c(circuit, words=words, style=style, name="net").encode(),  # type: ignore[arg-type]
        rows.astype(np.float32) if takes_floats(chosen) else chosen.quantise(rows),
        120,
        name="net",
        cpp=cpp,
        numbers=rows.astype(np.float32) if has_quantise(chosen) else None,
        streams=streams,
        flags=flags,
    )
    bits = bits_of(circuit, chosen, rows)
    expected = [Answers.of_outputs(circuit, circuit.netlist.evaluate(bits))] * 2
    if circuit.netlist.num_registers:
        outputs, _ = evaluate_cycles(circuit.netlist, bits.reshape(streams, -1, bits.shape[1]))
        expected += [Answers.of_outputs(circuit, outputs.reshape(len(rows), -1))] * 2
    assert len(said) == len(expected)
    for wanted, found in zip(expected, said, strict=True):
        assert wanted.difference(found) is None


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=10)
def test_c_says_what_a_circuit_of_any_traits_says(seed: int) -> None:
    circuit = random_rich_circuit(seed, TRAITS if seed == 10 else None)
    words = [None, Words.float32(8), Words.fixed(9, np.full(8, -40.0), np.full(8, 3.3))][seed % 3]
    rows = random_rich_rows(seed, circuit, 180)
    compare(circuit, rows, ("unrolled", "compact")[seed % 2], words=words, cpp=seed % 5 == 0, streams=90)


@pytest.mark.slow
@pytest.mark.parametrize("style", ["unrolled", "compact"])
def test_nothing_is_undefined_in_c(style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    circuit = random_rich_circuit(7, set(TRAITS) - {"long words"})
    rows = random_rich_rows(7, circuit, 140)
    for words in (None, Words.fixed(9, np.full(8, -40.0), np.full(8, 3.3))):
        compare(circuit, rows, style, words=words, streams=70, flags=SANITIZED)


def every_bit() -> Circuit:
    """All bits of words of many kinds, every other one with a sign: integers of 1, 8 and 24 bits, the last twice; grids
    finer than float and coarser.
    """
    builder = CircuitBuilder((8,))
    kinds = [
        (1, 0, 1),
        (8, 0, 1),
        (24, 0, 1),
        (24, 0, 1),
        (7, -3.3, 2.7),
        (8, 0.1, 1e-3),
        (20, 1e6, 1e6),
        (24, -1, 1e30),
    ]
    bits = [
        builder.words(feature, length, signed=feature % 2 == 1, offset=offset, per_unit=per_unit)
        for feature, (length, offset, per_unit) in enumerate(kinds)
    ]
    circuit = builder.build(np.concatenate(bits))
    assert circuit.words is not None
    order = np.random.default_rng(0).permutation(len(circuit.words))
    order[:40] = np.sort(order[:40])  # with bits beside each other that are so in their words
    feature, bit = circuit.words.feature[order], circuit.words.bit[order]
    return replace(circuit, words=WordBits(feature, bit, circuit.words.formats))


def test_floats_become_words_exactly_at_every_edge() -> None:
    circuit = every_bit()
    assert circuit.words is not None
    formats, rng = circuit.words.formats, np.random.default_rng(0)
    columns = []
    for place, (low, high) in enumerate(zip(formats.lowest, formats.highest, strict=True)):
        word = np.unique(np.concatenate([[low, -1, 0, high - 1, high], rng.integers(low, high + 1, 40)]))
        half = (formats.offset[place] + (word + 0.5) / formats.per_unit[place]).astype(np.float32)
        beside = [np.nextafter(half, np.float32(end)) for end in (-np.inf, np.inf)]
        columns.append(np.concatenate([half, *beside, word.astype(np.float32)]))
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45, -1e-45, 3e38, -3e38, 0.49999997, -0.49999997], np.float32)
    size = max(map(len, columns))
    rows = np.stack([np.resize(column, size) for column in columns], axis=1)
    rows = np.concatenate([rows, np.repeat(odd[:, None], 8, axis=1)])
    compare(circuit, rows, "compact")
    compare(circuit, rows, "unrolled", words=Words.float32(8))  # as integers, and made of floats by its own function


def adder() -> Netlist:
    """A full adder of a product of two bits and a sum: what an array multiplier repeats."""
    a, b, s, c = np.unpackbits(np.arange(16, dtype=np.uint8)[:, None], axis=1, bitorder="little")[:, :4].T
    total = (a & b) + s + c
    builder = NetlistBuilder(4)
    return builder.build(builder.lut([[0, 1, 2, 3]] * 2, np.stack([total & 1, total >> 1])))


def multiplier(width: int) -> Circuit:
    """The product of two words, by width^2 instances of one part."""
    builder = CircuitBuilder((2,))
    a, b = builder.words([0, 1], width)
    zero = builder.constant(False)
    total = np.full((width + 1, width + 1), zero)  # of row i, column j: the sum above
    carry = np.full((width + 1, width + 1), zero)
    for step in range(3 * width - 2):  # whatever can be added at once
        i = np.arange(max(0, -(-(step - width + 1) // 2)), min(width - 1, step // 2) + 1)
        j = step - 2 * i
        sums, carries = builder.instances(
            "adder", adder(), np.stack([a[j], b[i], total[i, j + 1], carry[i, j]], axis=1)
        ).T
        total[i + 1, j], carry[i, j + 1] = sums, carries
        last = j == width - 1
        total[i[last] + 1, width] = carries[last]
    product = np.concatenate([total[1:, 0], total[width, 1:]])
    builder.integers({"product": product})
    return builder.build()


@pytest.mark.parametrize("style", ["unrolled", "compact"])
def test_a_multiplier_of_one_part_is_a_loop_and_multiplies(style: str) -> None:
    circuit = multiplier(64)
    (part,) = circuit.parts
    assert len(part) == 64 * 64
    rng = np.random.default_rng(0)
    ends = np.array([[0, 2**64 - 1], [2**64 - 1, 2**64 - 1], [1, 2**63], [2**32, 2**32]], np.uint64)
    rows = np.concatenate([ends, rng.integers(0, 2**64, (20, 2), dtype=np.uint64)])
    compare(circuit, rows, style)
    assert circuit.predict(rows).tolist() == [int(a) * int(b) for a, b in rows]
    text = to_c(circuit, style=style)  # type: ignore[arg-type]
    assert text.count("lutsmith_instances_of_adder(s, 0, 4096);") == 1
    assert constant_bytes(circuit) < 34_000
    assert constant_bytes(replace(circuit, parts=())) > 82_000
    assert len(text) < 102_000


@pytest.mark.parametrize("style", ["unrolled", "compact"])
def test_compilers_have_nothing_to_say_of_parts_of_one_rank(style: str) -> None:
    """They know the rank then, and look at shifts that are never reached."""
    rng, builder = np.random.default_rng(0), CircuitBuilder((6,))
    signals = builder.compare(np.arange(6), 0.0)
    for rank in range(1, 7):
        own = NetlistBuilder(rank)
        part = own.build(own.lut([np.arange(rank)], [np.arange(1 << rank) % 2]))
        read = [rng.permutation(signals)[:rank] for _ in range(3)]
        signals = np.concatenate([signals, builder.instances(f"of{rank}", part, read)[:, 0]])
    compare(builder.build(signals), rng.normal(size=(70, 6)).astype(np.float32), style)


def test_bit_planes_are_free() -> None:
    builder = CircuitBuilder((28, 28))
    builder.popcount(builder.words(builder.features, 8).reshape(784, 8).T.reshape(-1), 8)
    circuit = builder.build()
    rows = np.random.default_rng(0).integers(0, 256, (65, 784)).astype(np.float32)
    assert constant_bytes(circuit) == 2 * 6272  # where its outputs stand
    for words in (None, Words.float32(784)):
        assert "bits of words -> 0 LUTs" in to_c(circuit, words=words)
        compare(circuit, rows, "compact", words=words)


def constant_bytes(circuit: Circuit) -> int:
    return int(re.search(r"Flash: (\d+) bytes", to_c(circuit, style="compact"))[1])  # type: ignore[index]


def test_a_kernel_at_a_thousand_places_is_stored_once() -> None:
    rng = np.random.default_rng(0)
    builder = CircuitBuilder((28, 43))
    bits = builder.compare(builder.features, 0.0)
    own = NetlistBuilder(16)
    hidden = own.lut(np.resize(rng.permutation(16), (20, 6)), rng.integers(0, 2, (20, 64)))
    kernel = own.build(own.lut(rng.choice(hidden, (1, 6)), rng.integers(0, 2, (1, 64))))
    windows = np.lib.stride_tricks.sliding_window_view(bits, (4, 4)).reshape(-1, 16)
    assert len(windows) == 1000
    builder.popcount(builder.instances("kernel", kernel, windows).reshape(-1), 10)
    circuit = builder.build()
    assert constant_bytes(circuit) < 2 * windows.size + 10_000  # what instances read, comparators, one kernel
    assert constant_bytes(replace(circuit, parts=())) > 250_000
    compare(circuit, rng.normal(size=(70, 28 * 43)).astype(np.float32), "compact")


@pytest.mark.parametrize("style", ["unrolled", "compact"])
def test_streams_side_by_side_add_bit_by_bit(style: str) -> None:
    builder = CircuitBuilder((2,))
    a, b = builder.words([0, 1], 1)[:, 0]
    carry = builder.register(1)
    full = np.array([[0, 1, 1, 0, 1, 0, 0, 1], [0, 0, 0, 1, 0, 1, 1, 1]])
    total, above = builder.lut([[a, b, carry[0]]] * 2, full)
    builder.connect(carry, [above])
    builder.integers({"bit": [total]})
    circuit = builder.build()
    rng = np.random.default_rng(0)
    terms = rng.integers(0, 2**63, (2, 130), dtype=np.uint64)
    rows = (terms[..., None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)).astype(np.float32)
    rows = np.ascontiguousarray(rows.transpose(1, 2, 0)).reshape(-1, 2)
    compare(circuit, rows, style, streams=130)
    said = c_compiler(circuit, to_c(circuit, style=style).encode(), rows, 120, streams=130)  # type: ignore[arg-type]
    for stepped in said[2:]:
        bits = stepped.results.reshape(130, 64).astype(np.uint64)
        assert (bits << np.arange(64, dtype=np.uint64)).sum(axis=1).tolist() == terms.sum(axis=0).tolist()


def test_names_of_words_and_heads_may_be_words_of_the_language() -> None:
    builder = CircuitBuilder((2,))
    bits = builder.words([0, 1], 6).reshape(-1)
    names = ("int", "and", "and_", "EOF", "this", "result", "Z", "errno")
    head = IntegerHead(tuple(OutputWord(name, 1 + 70 * (place == 1), place == 2) for place, name in enumerate(names)))
    ends = np.resize(bits, head.num_outputs)
    plain = {"head": Head(2, shape=(2, 1))}
    builder.heads(
        {"predict": (ends, {"head": head}), "scores": (bits, plain), "x_scores": (bits, plain), "x": (bits, plain)}
    )
    circuit = builder.build()
    text = to_c(circuit)
    assert "    uint64_t and__[2]; /* 71 bits; the lowest 64 first, above the last its sign or zeros */" in text
    assert "    int64_t and_; /* 1 bit, two's complement */" in text
    assert "    uint64_t EOF_; /* 1 bit */" in text
    rows = np.random.default_rng(0).integers(0, 64, (70, 2)).astype(np.float32)
    compare(circuit, rows, "compact", cpp=True)
    compare(circuit, rows, "compact", words=Words.float32(2))


def test_heads_that_macros_cannot_tell_apart_are_refused() -> None:
    builder = CircuitBuilder((1,))
    bits = builder.words([0], 4).reshape(-1)
    with pytest.raises(ValueError, match="two heads have the same name: digit, Digit"):
        builder.heads({"digit": (bits, {"head": Head(2)}), "Digit": (bits, {"head": Head(4)})})
