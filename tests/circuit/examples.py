"""Random netlists and circuits for the tests of the circuit floor."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lutsmith.circuit import (
    Circuit,
    CircuitBuilder,
    Head,
    IntegerHead,
    Metadata,
    Netlist,
    NetlistBuilder,
    OutputWord,
)
from lutsmith.circuit.heads import OBJECTIVES
from lutsmith.circuit.traits import TRAITS, traits_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
"""Any JSON value."""


def random_netlist(
    seed: int, *, inputs: int = 9, luts: int = 40, registers: int = 0, outputs: int = 7, max_rank: int = 8
) -> Netlist:
    """LUTs of mixed ranks 0 to max_rank that read any earlier signal, repetitions included."""
    rng = np.random.default_rng(seed)
    builder = NetlistBuilder(inputs)
    state = builder.register(registers, rng.integers(0, 2, registers))
    signals = np.concatenate([np.arange(inputs), state, [builder.constant(True)]])
    while luts > 0:
        count = int(rng.integers(1, 8))
        rank = int(rng.integers(0, max_rank + 1))
        made = builder.lut(rng.choice(signals, (count, rank)), rng.integers(0, 2, (count, 1 << rank)))
        signals = np.concatenate([signals, made])
        luts -= count
    builder.connect(state, rng.choice(signals, registers))
    return builder.build(rng.choice(signals, outputs))


def random_affine(seed: int, groups: int, scores: int, objective: str) -> dict[str, np.ndarray]:
    """What a head of some objective may have besides its groups, often less than all of it; scores of any width."""
    rng = np.random.default_rng(seed)
    limit = int(rng.choice([2, 100, 30_000, 4_000_000]))
    affine = {"bias": rng.integers(-limit, limit, scores)}
    if scores != groups or rng.random() < 0.7:
        affine["weights"] = rng.integers(-limit, limit, (scores, groups))
    if objective == "regression":
        affine |= {"scale": rng.normal(size=scores), "offset": rng.normal(size=scores) * 1e6}
    optional = [name for name in affine if name != "weights" or scores == groups]
    for name in rng.choice(optional, rng.integers(0, 2)):
        del affine[name]
    return affine


def random_head(seed: int, groups: int, scores: int, objective: str) -> Head:
    """A head of `random_affine`."""
    return Head(groups, **random_affine(seed, groups, scores, objective))


def random_circuit(
    seed: int,
    *,
    input_shape: tuple[int, ...] = (4, 3),
    classes: int = 3,
    group: int = 4,
    luts: int = 20,
    objective: str = "classification",
    affine: dict[str, np.ndarray] | None = None,
) -> Circuit:
    """Two layers of LUT4 on thresholds between 0 and 255, fitted on that range; `classes` groups of `group` outputs."""
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder(input_shape)
    features = builder.features[..., None]
    bits = builder.compare(features, rng.integers(0, 255, (*input_shape, 3)).astype(np.float32) + 0.5).reshape(-1)
    hidden = builder.lut(rng.choice(bits, (luts, 4)), rng.integers(0, 2, (luts, 16)))
    wide = classes * group
    last = builder.lut(rng.choice(hidden, (wide, 4)), rng.integers(0, 2, (wide, 16)))
    builder.popcount(last, classes, **(affine or {}))
    count = builder.features.size
    return builder.build(
        classes=None if affine else tuple(f"class {index}" for index in range(classes)),
        objective=objective,
        fitted_range=(np.zeros(count, np.float32), np.full(count, 255, np.float32)),
        metadata=Metadata.from_json({"seed": seed, "epochs": [{"loss": 0.5}]}),
    )


def random_images(seed: int, circuit: Circuit, samples: int) -> np.ndarray:
    """uint8 samples of the circuit's shape."""
    return np.random.default_rng(seed).integers(0, 256, (samples, *circuit.input_shape), dtype=np.uint8)


def random_part(seed: int, *, registers: bool = False) -> Netlist:
    """What can be a part: three inputs, LUTs on two levels, two outputs; with registers, one more of each."""
    rng = np.random.default_rng(seed)
    builder = NetlistBuilder(3)
    state = builder.register(int(registers), rng.integers(0, 2, int(registers)))
    low = builder.lut([[0, 1, 2], [2, 0, 1]], rng.integers(0, 2, (2, 8)))
    high = builder.lut([[*rng.permutation(low), *state, 1]], rng.integers(0, 2, (1, 8 << int(registers))))
    builder.connect(state, high[: state.size])
    return builder.build(np.concatenate([high, low[:1], state]))


def random_rich_circuit(
    seed: int, traits: Collection[str] | None = None, *, max_bits: int = 130, max_word: int = 64
) -> Circuit:
    """A small circuit of just these traits (`circuit.traits.TRAITS`), some of them at random by default.

    Args:
        seed: decides everything.
        traits: those wanted; "long words" brings "words".
        max_bits: of integers that it gives.
        max_word: bits of plain words that it reads, where "long words" are wanted.
    """
    rng = np.random.default_rng(seed)
    wanted = {trait for trait in TRAITS if rng.random() < 0.5} if traits is None else set(traits)
    wanted |= {"words"} if "long words" in wanted else set()
    builder = CircuitBuilder((2, 4))
    bits = [builder.compare(rng.integers(0, 8, 6), (rng.normal(size=6) * 20).round(1))]
    if "words" in wanted:
        plain, signed = int(rng.choice([1, 7, 16, 24])), bool(rng.random() < 0.5)
        bits.append(builder.words([0, 5], plain, signed=signed).reshape(-1))
        scaled = {"offset": rng.normal(size=2) * 10, "per_unit": np.exp(rng.normal(size=2))}
        bits.append(builder.words([1, 2], int(rng.integers(1, 9)), signed=not signed, **scaled).reshape(-1))
    if "long words" in wanted:
        long = int(rng.choice([size for size in (25, 33, 53, 63, 64) if size <= max_word]))
        bits.append(builder.words(3, long, signed=bool(rng.random() < 0.5)))
    if "missing values" in wanted:
        bits.append(builder.missing(rng.choice(8, int(rng.integers(1, 4)), replace=False)))
    inputs = np.concatenate(bits)
    state = builder.register(3, rng.integers(0, 2, 3)) if "registers" in wanted else inputs[:0]
    order = rng.permutation(np.concatenate([inputs, state]))
    order = np.concatenate([order, order])[: 3 * -(-order.size // 3)].reshape(-1, 3)
    signals = [inputs, state, builder.lut(order, rng.integers(0, 2, (len(order), 8)))]
    if "parts" in wanted:
        kinds = [("cell", random_part(seed))] + [("Cell_2", random_part(seed, registers=True))] * (
            "registers" in wanted
        )
        for name, netlist in kinds * 2:
            read = rng.choice(np.concatenate(signals), (int(rng.integers(1, 4)), 3))
            signals.append(builder.instances(name, netlist, read).reshape(-1))
    for rank in rng.integers(0, 7, 3).tolist():
        read = rng.choice(np.concatenate(signals), (2, rank))
        signals.append(builder.lut(read, rng.integers(0, 2, (2, 1 << rank))))
    every = np.concatenate(signals)
    builder.connect(state, rng.choice(every, state.size))
    shape = tuple(rng.integers(1, 4, int(rng.integers(1, 3))).tolist()) if "places" in wanted else ()
    fields = _random_head(builder, rng, every, wanted, shape, max_bits)
    if rng.random() < 0.5:
        fields["metadata"] = Metadata.from_json({"seed": seed, "feature_names": [f"x <{place}>" for place in range(8)]})
    if rng.random() < 0.3:
        fields["fitted_range"] = (np.full(8, -50, np.float32), np.full(8, 50, np.float32))
    circuit = builder.build(**fields)
    assert traits_of(circuit).keys() == wanted
    return circuit


def _random_head(
    builder: CircuitBuilder,
    rng: np.random.Generator,
    signals: np.ndarray,
    wanted: set[str],
    shape: tuple,
    max_bits: int,
) -> dict[str, Any]:
    """Give a circuit its head; return the fields that it needs of `build`."""
    places = int(np.prod(shape, dtype=int))

    def popcounts(place: int) -> tuple[np.ndarray, dict[str, Any]]:
        objective = str(rng.choice(OBJECTIVES))
        groups, scores = (int(size) for size in rng.integers(1, 4, 2))
        affine = random_affine(int(rng.integers(1 << 32)), groups, scores, objective)
        ends = rng.choice(signals, places * groups * int(rng.integers(1, 5)))
        width = scores if "weights" in affine else groups
        labels = [None, tuple(f"{place} & {score}" for score in range(width))][int(rng.integers(2))]
        return ends, {"head": Head(groups, **affine, shape=shape), "objective": objective, "classes": labels}

    def words(count: int) -> tuple[dict[str, np.ndarray], list[str]]:
        sizes = rng.choice([1, 2, 8, 31, 32, 33, 53, 54, 63, 64, 65, 130], count)
        made = {
            f"word_{place}": rng.choice(signals, (*shape, min(int(size), max_bits))) for place, size in enumerate(sizes)
        }
        return made, [name for name in made if rng.random() < 0.5]

    if "several heads" not in wanted:
        if "integers" in wanted:
            made, signed = words(int(rng.integers(1, 4)))
            builder.integers(made, signed=signed)
            return {}
        if not shape and rng.random() < 0.2:
            return {"outputs": rng.choice(signals, 5)}
        ends, told = popcounts(0)
        head = told.pop("head")
        builder.popcount(ends, head.num_groups, weights=head.weights, bias=head.bias, scale=head.scale,
                         offset=head.offset, shape=shape)  # fmt: skip
        return told
    results: dict[str, Any] = {f"head_{place}": popcounts(place) for place in range(int(rng.integers(1, 3)))}
    if "integers" in wanted:
        made, signed = words(int(rng.integers(1, 3)))
        head = IntegerHead(
            tuple(OutputWord(name, ends.shape[-1], name in signed) for name, ends in made.items()), shape
        )
        results = {"sums": (np.concatenate([*made.values()], axis=-1).reshape(-1), {"head": head}), **results}
    builder.heads(results)
    return {}


def random_rich_rows(seed: int, circuit: Circuit, count: int) -> np.ndarray:
    """Rows (count, F) for such a circuit: numbers around its thresholds and words, halves, the odd ones, missing ones.

    They are float32, or float64 where a word has more than 24 bits.
    """
    rng = np.random.default_rng(seed)
    features = circuit.encoder.num_features
    rows = rng.normal(size=(count, features)) * rng.choice([1, 20, 1e5, 1e19], (count, features))
    rows = np.where(rng.random(rows.shape) < 0.5, np.floor(rows) + rng.choice([0.0, 0.5], rows.shape), rows)
    odd = rng.random(rows.shape) < 0.1
    rows[odd] = rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.0, 3e38, 1e-45], np.count_nonzero(odd))
    if (thresholds := circuit.encoder.threshold).size:
        at = rng.random(rows.shape) < 0.1
        rows[at] = rng.choice(thresholds, np.count_nonzero(at))
    return rows if "long words" in traits_of(circuit) else rows.astype(np.float32)


def assert_same_inputs_and_parts(one: Circuit, other: Circuit) -> None:
    """Words, missing values and parts are the same, number by number."""
    assert (one.words is None) == (other.words is None)
    if one.words is not None and other.words is not None:
        assert one.words.formats == other.words.formats
        np.testing.assert_array_equal(one.words.feature, other.words.feature)
        np.testing.assert_array_equal(one.words.bit, other.words.bit)
    np.testing.assert_array_equal(one.missing, other.missing)
    assert [part.name for part in one.parts] == [part.name for part in other.parts]
    for mine, theirs in zip(one.parts, other.parts, strict=True):
        assert mine.netlist.same_as(theirs.netlist)
        np.testing.assert_array_equal(mine.nodes, theirs.nodes)
        np.testing.assert_array_equal(mine.registers, theirs.registers)
