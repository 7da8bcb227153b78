"""Code words: LUTNets' two, families with known distances, the nearest word by brute force, circuits that decide so."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Head
from lutsmith.circuit.engine.stages import PackedEvaluation, PackedSamples
from lutsmith.encodings import code_words
from lutsmith.encodings.code_families import CODES, bch_code, code_named, code_of, hadamard_code, random_code
from lutsmith.encodings.code_words import ClassCode, as_code
from lutsmith.search.losses import WrongBits
from lutsmith.search.networks import network_circuit, random_architecture
from tests.search.networks import network

LUTNETS = [51, 15, 77, 85, 240, 170, 153, 204, 102, 210]


def test_lutnets_default_has_the_distances_that_its_words_have() -> None:
    code = code_named("lutnets-8")
    assert code.integers == LUTNETS
    assert code.words[0].astype(int).tolist() == [0, 0, 1, 1, 0, 0, 1, 1]  # 51, most significant first
    report = code.report()
    assert report.histogram == {2: 4, 4: 32, 6: 5, 8: 4}
    assert (report.minimum, report.corrects) == (2, 0)
    assert report.closest == ((1, 2), (2, 3), (2, 7), (4, 9))
    assert (code.words.sum(axis=1) == 4).all()
    assert "minimum distance 2, 0 wrong bits corrected" in str(report)


def test_the_code_of_twenty_bits_is_zero_and_nine_words_of_weight_ten_ten_apart() -> None:
    code = code_named("lutnets-20")
    report = code.report()
    assert code.words.shape == (10, 20)
    assert sorted(code.words.sum(axis=1).tolist()) == [0] + [10] * 9
    assert report.histogram == {10: 45}
    assert (report.corrects, report.constant) == (4, ())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_nearest_word_is_that_of_brute_force_and_ties_go_to_the_lowest_label(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 70))
    numbers = data.draw(st.lists(st.integers(0, (1 << length) - 1), min_size=1, max_size=12, unique=True))
    code = ClassCode.of_integers(numbers, length)
    assert code.integers == numbers
    answers = data.draw(st.lists(st.integers(0, (1 << length) - 1), min_size=1, max_size=20))
    bits = np.array([[answer >> (length - 1 - o) & 1 for o in range(length)] for answer in answers])
    distances = [[(answer ^ number).bit_count() for number in numbers] for answer in answers]
    assert code.nearest(bits).tolist() == [row.index(min(row)) for row in distances]
    assert (-code.head().scores(bits.astype(bool))).tolist() == distances
    pairs = Counter((a ^ b).bit_count() for a, b in combinations(numbers, 2))
    assert code.report().histogram == dict(sorted(pairs.items()))
    assert code.min_distance == (min(pairs) if pairs else length)
    for per_bit in (1, 3):
        assert ClassCode.of_head(code.head(per_bit), length * per_bit) == code
    assert ClassCode.of_head(Head(length), length) is None


def test_words_of_bch_codes_are_as_far_apart_as_the_tables_of_these_codes_say() -> None:
    for length, information, distance in ((15, 5, 7), (15, 7, 5), (15, 11, 3), (31, 6, 15), (31, 11, 11), (63, 7, 31)):
        code = bch_code(min(1 << information, 128), length)
        assert code.min_distance >= distance, (length, information)
        if 1 << information <= 128:
            assert code.min_distance == distance  # all words of the code
    assert bch_code(10, 20).min_distance >= 7  # (31, 16, 7) or better, shortened
    assert bch_code(2, 3).integers == [0, 7]


@pytest.mark.parametrize("length", [4, 7, 8, 11, 12, 15, 16, 19, 20, 23, 24, 31, 40, 48])
def test_words_of_hadamard_codes_are_all_half_of_the_order_apart(length: int) -> None:
    order = length + length % 2
    code = hadamard_code(order, length)
    assert set(code.report().histogram) == {order // 2}


def test_random_and_drawn_words_are_seeded_and_different() -> None:
    for name in ("random", "drawn"):
        for classes, length in ((1, 1), (2, 1), (8, 3), (10, 4), (10, 40), (100, 9)):
            code = code_named(name, classes, length, seed=1)
            assert code.words.shape == (classes, length)
            assert code == code_named(name, classes, length, seed=1)
        assert code_named(name, 10, 40, 1) != code_named(name, 10, 40, 2)
    assert code_named("drawn", 10, 30).min_distance >= 15 > random_code(10, 30).min_distance


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_distances_in_blocks_are_those_of_brute_force(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 20))
    numbers = data.draw(st.lists(st.integers(0, (1 << length) - 1), min_size=1, max_size=30, unique=True))
    pairs = [(a, b, (numbers[a] ^ numbers[b]).bit_count()) for a, b in combinations(range(len(numbers)), 2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_words, "_SIDE", data.draw(st.sampled_from([1, 2, 7, 16, 1024])))
        patch.setattr(code_words, "_PART", data.draw(st.sampled_from([1, 60, 1 << 20])))
        patch.setattr(code_words, "MOST_CLOSEST", most := data.draw(st.sampled_from([1, 5, 10_000])))
        code = ClassCode.of_integers(numbers, length)
        report, apart = code.report(), code.distances
        assert code.min_distance == report.minimum == min((distance for *_, distance in pairs), default=length)
    assert apart.dtype == np.int64
    assert apart.tolist() == [[(a ^ b).bit_count() for b in numbers] for a in numbers]
    assert report.histogram == dict(sorted(Counter(distance for *_, distance in pairs).items()))
    assert report.closest == tuple((a, b) for a, b, distance in pairs if distance == report.minimum)[:most]
    same = np.repeat(code.words, 2, axis=0)
    assert code_words.min_distance(same) == 0


def test_many_words_are_printed_and_compared_in_little_memory() -> None:
    code, fewer = random_code(65536, 16), random_code(3000, 64)
    tracemalloc.start()
    assert repr(code) == "ClassCode(65536 words of 16 bits)"
    assert code.min_distance == 1
    assert repr(fewer) == f"ClassCode(3000 words of 64 bits, minimum distance {fewer.min_distance})"
    assert sum(fewer.report().histogram.values()) == 3000 * 2999 // 2
    assert tracemalloc.get_traced_memory()[1] < 64 << 20  # all distances of 3,000 words take 72 MB, of 65,536 32 GB
    tracemalloc.stop()


REFUSED = {
    "equal": (lambda: as_code([3, 5, 3]), "classes 0 and 2 have the same code word"),
    "equal bits": (lambda: as_code([[0, 1], [0, 1]]), "classes 0 and 1 have the same code word"),
    "shape": (lambda: ClassCode([0, 1]), "expected .classes, bits."),
    "empty": (lambda: as_code([]), "expected .classes, bits."),
    "values": (lambda: ClassCode([[0, 2]]), "holds 2"),
    "long": (lambda: ClassCode.of_integers([300], 8), "code word 0 has 9 bits; expected at most 8"),
    "negative": (lambda: ClassCode.of_integers([-1]), "code word 0 is -1"),
    "text": (lambda: as_code("lutnets"), "code is a str; expected ClassCode"),
    "name": (lambda: code_of("hadamart", 10, 20), "did you mean 'hadamard'"),
    "few": (lambda: code_named("bch", 10, 6), "no BCH code of 6 bits has 10 words"),
    "order": (lambda: hadamard_code(10, 28), "lengths that are: 12, 16, 20, 24"),
    "length": (lambda: code_named("drawn", 10), "needs a length"),
    "own length": (lambda: code_named("lutnets-8", 10, 9), "words of 8 bits"),
    "too many": (lambda: code_named("random", 10, 3), "only 8 words of 3 bits"),
    "more": (lambda: code_named("lutnets-8", 11), "classes is 11"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_is_no_code_is_one_clear_line(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_circuits_decide_by_any_code_and_read_bit_planes_most_significant_first() -> None:
    plan = random_architecture([40, 20], input_shape=(5,), bits=4)
    X = np.random.default_rng(0).integers(0, 16, (200, 5), dtype=np.uint8)
    planes = (X[:, :, None] >> np.arange(3, -1, -1) & 1).reshape(200, 20).astype(bool)
    codes = {name: code_named(name, 10, 20, seed=4) for name in CODES if name != "lutnets-8"}
    for name, code in codes.items():
        circuit = network_circuit(plan, name, seed=4)
        values = planes
        for groups, level in zip(plan.wiring(4), circuit.netlist.level_ptr[:-1], strict=True):
            first = 0 if level == 0 else 20
            reads = np.concatenate(groups)
            tables = circuit.netlist.tables()[level : level + len(reads)]
            address = (values[:, reads - first] << np.arange(6)).sum(axis=2)
            values = (tables >> address.astype(np.uint64) & np.uint64(1)).astype(bool)
        distances = (values[:, None] != code.words).sum(axis=2)
        assert np.array_equal(circuit.outputs(X), values)
        assert np.array_equal(circuit.predict(X), distances.argmin(axis=1))
    named = network_circuit(plan, code=[1, 2, 4], classes=("a", "b", "c"))
    assert set(named.predict_labels(X)) <= {"a", "b", "c"}
    with pytest.raises(ValueError, match="has no code of its own"):
        network_circuit(plan)
    with pytest.raises(ValueError, match="2 classes and 3 code words"):
        network_circuit(plan, code=[1, 2, 4], classes=("a", "b"))


def test_losses_of_two_codes_stand_beside_each_other() -> None:
    """Fault 9: LUTNets kept the codes of labels by the labels alone, of whatever code had been asked for first."""
    netlist = network(1)
    evaluation = PackedEvaluation(netlist, PackedSamples.of_bits(np.random.default_rng(0).random((70, 5)) < 0.5))
    labels, outputs = np.arange(70) % 3, netlist.outputs.size
    bits = evaluation.rows(evaluation.output_signals)
    for words in ([0, 3, 5], [15, 1, 2], [4, 8, 7]):
        code = ClassCode.of_integers(words, outputs)
        wrong = WrongBits(code.head(), labels, outputs).total(evaluation)
        values = (bits[:, np.arange(70) // 64] >> (np.arange(70) % 64).astype(np.uint64) & np.uint64(1)).T
        assert wrong == (values != code.words[labels]).sum()
