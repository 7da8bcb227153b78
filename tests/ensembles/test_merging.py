"""A merged circuit says the sum of what its members say, for every kind of head, input and category."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import Circuit, CircuitBuilder, Head, Metadata
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.tabular import TableLayout
from lutsmith.ensembles.merging import FINEST
from tests.circuit.examples import random_affine, random_circuit, random_rich_circuit

FEATURES = 4
OBJECTIVES = ("classification", "multilabel")


def member(seed: int, objective: str, rank: int, scores: int = 3, plain: bool = False) -> Circuit:
    """A small circuit with LUTs of a rank that vote, on thresholds that others have too, words and missing values."""
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder((FEATURES,))
    bits = [builder.compare(rng.integers(0, FEATURES, 5), rng.integers(0, 6, 5) - 0.5), builder.missing([2])]
    if rng.random() < 0.5:
        bits.append(builder.words([1], 3, offset=0.5, per_unit=2.0)[0])
    constants = [builder.constant(False), builder.constant(True)]
    signals = np.concatenate([*bits, constants])
    hidden = builder.lut(rng.choice(signals, (4, 2)), rng.integers(0, 2, (4, 4)))
    groups = scores if plain else int(rng.integers(1, 5))
    voting = builder.lut(rng.choice([*signals, *hidden], (groups, rank)), rng.integers(0, 2, (groups, 1 << rank)))
    affine = {} if plain else random_affine(seed, groups, scores, objective)
    if not plain and groups != scores and "weights" not in affine:
        affine["weights"] = rng.integers(-3, 4, (scores, groups))
    builder.popcount(rng.choice([*voting, *voting, *signals], groups * 3), groups, **affine)
    return builder.build(objective=objective)


def rows(seed: int, count: int = 130) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 8, (count, FEATURES)) + rng.choice([0.0, 0.5], (count, FEATURES))
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def total(members, x) -> np.ndarray:
    return np.sum([each.decision_function(x).astype(np.int64) for each in members], axis=0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.sampled_from(OBJECTIVES), st.integers(1, 8),
       st.booleans())  # fmt: skip
def test_scores_are_the_sums_of_scores(seeds, objective, rank, plain):
    members = [member(seed, objective, rank, plain=plain) for seed in seeds]
    merged, x = lutsmith.merge(members), rows(sum(seeds))
    scores = merged.decision_function(x)
    np.testing.assert_array_equal(scores, total(members, x))
    np.testing.assert_array_equal(merged.head.scores(merged.evaluate(x)), scores)
    np.testing.assert_array_equal(merged.predict(x), merged.head.decide(scores, objective))
    assert merged.head.is_plain or not plain
    assert to_bytes(from_bytes(to_bytes(merged))) == to_bytes(merged)
    assert merged.netlist.num_nodes <= sum(each.netlist.num_nodes for each in members)


SCALES = {
    "none": lambda rng: None,
    "equal": lambda rng: np.array([0.1, -3.0]),
    "multiples": lambda rng: np.array([0.1, 3.0]) / 2.0 ** rng.integers(0, 6) * rng.choice([-1, 1]),
    "of nothing": lambda rng: np.array([0.0, 1.0]) * rng.integers(0, 2),
    "any": lambda rng: np.exp(rng.normal(size=2)),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=4), st.integers(1, 8), st.sampled_from(sorted(SCALES)))
def test_numbers_are_the_mean(seeds, rank, kind):
    members = []
    for seed in seeds:
        made = member(seed, "regression", rank, scores=2)
        weights = None if made.head.weights is None else np.sign(made.head.weights) * (1 + seed % 3)
        bias = None if made.head.bias is None else made.head.bias % 7
        scale = SCALES[kind](np.random.default_rng(seed))
        members.append(replace(made, head=Head(made.head.num_groups, weights, bias, scale, made.head.offset)))
    merged, x = lutsmith.merge(members), rows(sum(seeds))
    numbers = np.stack([each.predict(x) for each in members])
    off = np.abs(merged.predict(x) - numbers.mean(axis=0))
    rounding = 1e-14 * (1 + np.abs(numbers).max())
    if kind == "any":
        reach = np.abs([each.decision_function(x).astype(float) for each in members]).sum(axis=0)
        largest = np.max([each.head.scale for each in members], axis=0)
        assert (off <= reach * largest / (2 * FINEST * len(members)) + rounding).all()
    else:
        assert (off <= rounding).all()
        factor = np.abs(merged.head.weights if merged.head.weights is not None else 1).max()
        assert factor <= 3 * 2**5


def test_a_scale_is_as_fine_as_int32_allows():
    made = member(3, "regression", 2, scores=1)
    heads = [Head(1, [[2**24]], scale=[scale]) for scale in (1.0, 0.3)]
    one, other = (replace(made, netlist=replace(made.netlist, outputs=made.netlist.outputs[:3]), head=head)
                  for head in heads)  # fmt: skip
    merged, x = lutsmith.merge([one, other]), rows(0)
    mean = (one.predict(x) + other.predict(x)) / 2
    assert mean.max() > 0
    assert merged.predict(x) == pytest.approx(mean, rel=0.05)


@pytest.mark.filterwarnings("error")
def test_the_smallest_scale_of_float64_is_merged():
    made = member(3, "regression", 2, scores=1)
    heads = [Head(1, [[1]], scale=[scale]) for scale in (5e-324, 1e-300)]
    one, other = (replace(made, netlist=replace(made.netlist, outputs=made.netlist.outputs[:3]), head=head)
                  for head in heads)  # fmt: skip
    x = rows(0)
    merged = lutsmith.merge([one, other]).predict(x)
    assert np.abs(merged - (one.predict(x) / 2 + other.predict(x) / 2)).max() <= 3 * 1e-300 / FINEST


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.integers(1, 4))
def test_a_circuit_with_itself_takes_no_more_luts(seed, times):
    made = lutsmith.simplify(random_circuit(seed), 1).circuit
    merged = lutsmith.merge([made] * times)
    x = np.random.default_rng(seed).integers(0, 256, (70, 4, 3))
    np.testing.assert_array_equal(merged.decision_function(x), times * made.decision_function(x))
    np.testing.assert_array_equal(merged.predict_labels(x), made.predict_labels(x))
    assert merged.netlist.num_nodes <= made.netlist.num_nodes + 2  # constants
    assert len(merged.encoder) == len(made.encoder)
    if times == 1:
        assert merged is made


def test_classes_that_tie_are_decided_by_the_head():
    def saying(outputs) -> Circuit:
        builder = CircuitBuilder((1,))
        builder.popcount([builder.constant(bool(bit)) for bit in outputs], 3)
        return builder.build(classes=("a", "b", "c"))

    merged = lutsmith.merge([saying([0, 0, 1]), saying([0, 1, 0])])
    assert merged.decision_function([[0.0]]).tolist() == [[0, 1, 1]]
    assert merged.predict_labels([[0.0]]).tolist() == ["b"]


# Tables


def of_names(names: tuple[str, ...], seed: int, **layout) -> Circuit:
    """A circuit that looks at names by comparators, an XOR of them, a word and missing values."""
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder((2,))
    bits = builder.compare(np.zeros(len(names) - 1, np.int64), np.arange(len(names) - 1) + 0.5)
    bits = np.concatenate([bits, builder.missing([0]), builder.words([0], 2)[0], builder.compare([1], [0.5])])
    outputs = builder.lut(rng.choice(bits, (6, 3)), rng.integers(0, 2, (6, 8)))
    builder.popcount(np.concatenate([outputs, bits[:-1], bits[:1]])[: 3 * (len(outputs) + len(bits)) // 3], 1,
                     weights=[[1], [2]], bias=[seed, 0])  # fmt: skip
    told = Metadata(feature_names=("city", "size"), categories=(names, None), table=TableLayout(**layout))
    return builder.build(metadata=told, classes=("no", "yes"))


TABLE = [
    {"city": city, "size": size} for city in ("Bern", "Basel", "Chur", "Genf", "Rom", "?", None) for size in (0, 1)
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["Bern", "Basel", "Chur", "Genf"]), min_size=2, unique=True), min_size=2,
                max_size=3))  # fmt: skip
def test_names_of_each_circuit_are_known_in_any_order(named):
    members = [of_names(tuple(names), seed) for seed, names in enumerate(named)]
    merged = lutsmith.merge(members)
    assert set(merged.metadata.categories[0]) == {name for names in named for name in names}
    np.testing.assert_array_equal(merged.decision_function(TABLE), total(members, TABLE))
    again = from_bytes(to_bytes(merged))
    np.testing.assert_array_equal(again.decision_function(TABLE), total(members, TABLE))


def test_names_that_one_circuit_pools_others_tell_apart():
    members = [of_names(("Bern", "Chur"), 1, pooled={0: ("Chur", "Genf")}), of_names(("Basel", "Genf"), 2)]
    merged = lutsmith.merge(members)
    np.testing.assert_array_equal(merged.decision_function(TABLE), total(members, TABLE))
    same = [of_names(("Bern", "Chur"), seed, pooled={0: ("Chur", "Genf")}) for seed in (1, 2)]
    merged = lutsmith.merge(same)
    assert dict(merged.metadata.table.pooled) == {0: ("Chur", "Genf")}
    np.testing.assert_array_equal(merged.decision_function(TABLE), total(same, TABLE))


def test_what_circuits_tell_is_told_where_they_agree():
    one, other = of_names(("Bern", "Chur"), 1), of_names(("Bern", "Genf"), 2)
    low = np.zeros(2, np.float32)
    one = replace(one, fitted_range=(low, np.array([1, 5], np.float32)))
    other = replace(other, fitted_range=(low - 2, np.array([1, 3], np.float32)))
    merged = lutsmith.merge([one, other])
    assert merged.metadata.feature_names == ("city", "size")
    assert merged.metadata.merged["circuits"] == 2
    assert [bound.tolist() for bound in merged.fitted_range] == [[0, -2], [2, 5]]
    assert lutsmith.merge([one, of_names(("Bern", "Genf"), 2)]).fitted_range is None


# What is refused


def changed(**fields) -> Circuit:
    made = random_circuit(1)
    return replace(made, **fields)


def integers() -> Circuit:
    builder = CircuitBuilder((4, 3))
    builder.integers({"number": builder.compare([0, 1], [0.5, 0.5])})
    return builder.build()


MISTAKES = {
    "nothing": (list, "no circuits"),
    "another shape": (lambda: [random_circuit(0), random_circuit(0, input_shape=(2, 6))], "samples of shape"),
    "more classes": (lambda: [random_circuit(0), random_circuit(0, classes=4)], "scores 4, circuit 0 3"),
    "other classes": (lambda: [random_circuit(0), changed(classes=("a", "b", "c"))], "has classes"),
    "another objective": (lambda: [random_circuit(0), changed(objective="multilabel")], "objective multilabel"),
    "other features": (
        lambda: [of_names(("a", "b"), 1), replace(of_names(("a", "b"), 1), metadata=Metadata(
            feature_names=("b", "a")))],
        "has features",
    ),
    "names and numbers": (
        lambda: [of_names(("a", "b"), 1), replace(of_names(("a", "b"), 1), metadata=Metadata(
            feature_names=("city", "size")))],
        "city holds names of categories in one circuit and numbers in another",
    ),
    "another spelling": (
        lambda: [of_names(("a", "b"), 1), of_names(("a", "b"), 1, missing=("", "-"))], "has missing .* of its table"
    ),
    "another rule": (lambda: [of_names(("a", "b"), 1), of_names(("a", "b"), 1, unseen="error")], "has unseen"),
    "integers": (lambda: [integers()], "integers as results"),
    "registers": (lambda: [random_rich_circuit(0, {"registers"})] * 2, r"registers|no head|several heads"),
    "votes beyond int32": (
        lambda: [replace(random_circuit(1, objective="multilabel"), classes=None,
                         head=Head(3, np.eye(3, dtype=int) * 2**28))] * 3,
        "too many for one head: scores could be",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("circuits", "what"), MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_merged_is_refused(circuits, what):
    with pytest.raises(ValueError, match=what):
        lutsmith.merge(circuits())


def test_words_of_another_kind_are_refused():
    def reading(bits: int) -> Circuit:
        builder = CircuitBuilder((1,))
        builder.popcount(builder.words([0], bits)[0][:2], 2)
        return builder.build()

    with pytest.raises(ValueError, match="circuit 1 cannot be merged with those before it: feature 0 is a word"):
        lutsmith.merge([reading(3), reading(4)])
    merged = lutsmith.merge([reading(3), reading(3)])
    assert merged.decision_function([[1.0], [2.0], [3.0]]).tolist() == [[2, 0], [0, 2], [2, 2]]


@pytest.mark.parametrize("wrong", [[None], ["model.lut"], random_circuit(0)])
def test_what_is_no_circuit_is_refused(wrong):
    with pytest.raises(TypeError, match=r"Circuit"):
        lutsmith.merge(wrong)


# Beyond


@pytest.mark.slow
def test_exports_of_a_merged_circuit_are_the_circuit():
    members = [member(seed, "multilabel", 3) for seed in (0, 1, 2)]
    found = lutsmith.hardware.verify(lutsmith.merge(members), formats=("blif", "verilog", "c", "json"))
    assert found.ok, str(found)


def test_a_merged_circuit_is_simplified_and_explained():
    members = [random_circuit(seed) for seed in (1, 2)]
    merged = lutsmith.merge(members)
    x = np.random.default_rng(0).integers(0, 256, (200, 4, 3))
    smaller = lutsmith.simplify(merged, 3).circuit
    np.testing.assert_array_equal(smaller.decision_function(x), total(members, x))
