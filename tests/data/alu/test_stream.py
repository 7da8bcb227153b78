"""Streams: parts that share nothing, batches that go on, weights that reach the next batch, files on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lutsmith.data import DataError, load, load_test
from lutsmith.data.alu import ALU, ALUNET, PARTS, PRE_WEIGHTS, EncodedExamples, operation, part_of
from lutsmith.data.alu.operations import BUILT_IN

MIXED = {"alunet": 0.5, "edge": 0.3, "uniform": 0.2}


def same(one: EncodedExamples, other: EncodedExamples) -> bool:
    return all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


@pytest.mark.parametrize(("bits", "signed"), [(8, False), (8, True), (15, False), (64, True), (100, False)])
def test_no_example_is_in_two_parts_whatever_draws_it(bits: int, signed: bool) -> None:
    seen: dict[str, set[Any]] = {}
    for part in PARTS:
        seen[part] = set()
        for seed, sampler in enumerate((MIXED, "edge")):
            alu = ALU(bits, ["-", "/", "=", "abs"], sampler=sampler, seed=seed, signed=signed, held_out=0.2)
            batch = next(alu.stream(part, 3000))
            seen[part] |= set(zip(batch.op.tolist(), batch.a.tolist(), batch.b.tolist(), strict=True))
    assert min(map(len, seen.values())) > 1000
    assert not seen["train"] & seen["test"] | seen["train"] & seen["validation"] | seen["validation"] & seen["test"]


def test_the_part_of_an_example_is_the_same_on_every_machine() -> None:
    a, b = np.arange(200_000), np.arange(200_000)[::-1].copy()
    parts = part_of("+", a, b, 20, 0.05)
    assert np.flatnonzero(parts[:100] == 2).tolist() == [2, 13, 25, 56]
    assert np.flatnonzero(parts[:100] == 1).tolist() == [21, 22, 30, 59, 82, 85, 92, 93]
    np.testing.assert_allclose(np.bincount(parts) / len(a), [0.9, 0.05, 0.05], atol=0.003)
    wide = [value.astype(object) + (1 << 90) for value in (a, b)]
    np.testing.assert_allclose(np.bincount(part_of("+", *wide, 100)) / len(a), [0.9, 0.05, 0.05], atol=0.003)
    np.testing.assert_array_equal(part_of("+", a, b, 20), part_of("+", a, b, 63))
    assert (part_of("-", a, b, 20) != parts).any()


def test_batches_are_right_and_encoded() -> None:
    alu = ALU(15, [*BUILT_IN], sampler=MIXED, signed=True, encoding="serial")
    batch = next(alu.stream(batch_size=2000))
    np.testing.assert_array_equal(batch.x, alu.encoder.inputs(batch.op, batch.a, batch.b))
    np.testing.assert_array_equal(alu.encoder.results(batch.op, batch.y), batch.z)
    for op, a, b, z in zip(*(values.tolist() for values in batch[2:]), strict=True):
        chosen = operation(alu.encoder.ops[op])
        assert chosen.evaluate(a, b if chosen.arity == 2 else None, 15, signed=True) == z
    some = next(ALU(ops=[">", "*"]).stream())
    assert some.x.shape == (2048, 44)
    assert set(some.op.tolist()) == {2, 8}
    assert next(ALU(64, ["AND", ">"], sampler="uniform").stream()).z.max() > 2**63


def test_a_stream_goes_on_from_its_state_whatever_its_blocks_are() -> None:
    alu = ALU(sampler=MIXED, seed=3, weights=PRE_WEIGHTS)
    stream = alu.stream("train", 9000)
    first = next(stream)
    stream.reweight({"*": 1.0, "+": 0.0})
    next(stream)
    state = json.loads(json.dumps(stream.state()))
    expected = [next(stream) for _ in range(4)]
    again = alu.stream("train", 9000)
    assert same(next(again), first)
    again.restore(state)
    assert again.weights == stream.weights
    assert all(same(next(again), batch) for batch in expected)
    assert not same(next(alu.stream("validation", 9000)), first)
    for other, text in ((ALU(seed=4).stream("train", 9000), "state's alu is"), (alu.stream("test", 9000), "part is"),
                        (alu.stream("train", 5), "batch_size is 9000; expected 5")):  # fmt: skip
        with pytest.raises(DataError, match=text):
            other.restore(state)


@pytest.mark.parametrize("cached", [False, True])
def test_weights_reach_the_next_batch_from_the_disk_too(cached: bool, tmp_path: Path) -> None:
    alu = ALU(cache=tmp_path if cached else False)
    next(alu.stream(batch_size=20_000))  # fills the folder
    stream = alu.stream(batch_size=20_000)
    assert np.abs(np.bincount(next(stream).op) / 20_000 - 1 / 12).max() < 0.01
    stream.reweight({name: float(name == "*") for name in ALUNET})
    assert stream.weights == {name: 110.0 if name == "*" else 10.0 for name in ALUNET}
    expected = np.array([110 if name == "*" else 10 for name in ALUNET]) / 220
    assert np.abs(np.bincount(next(stream).op) / 20_000 - expected).max() < 0.02
    for rates, text in (
        ({"NOT": 0.1}, "operation is 'NOT'"),
        ({"+": 1.5}, "a share from 0 to 1"),
        ({"+": np.nan}, "share"),
    ):
        with pytest.raises(ValueError, match=text):
            stream.reweight(rates)


def test_files_on_disk_are_taken_only_undamaged_and_for_the_same_settings(tmp_path: Path) -> None:
    options: dict[str, Any] = {"bits": 70, "ops": ["/"], "cache": tmp_path}
    fresh = next(ALU(**{**options, "cache": False}).stream(batch_size=50))
    assert same(next(ALU(**options).stream(batch_size=50)), fresh)
    (file,) = tmp_path.iterdir()
    whole, written = file.read_bytes(), file.stat().st_mtime_ns
    assert same(next(ALU(**options).stream(batch_size=50)), fresh)
    assert file.stat().st_mtime_ns == written
    for damaged in (b"", whole[:-1], whole + b"x", whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]):
        file.write_bytes(damaged)
        assert same(next(ALU(**options).stream(batch_size=50)), fresh)
        assert file.read_bytes() == whole
    for count, other in enumerate((
        {"bits": 71}, {"signed": True}, {"sampler": "uniform"}, {"sampler": {"uniform": 1, "alunet": 1}}, {"seed": 1},
        {"zero": "skip"}, {"held_out": 0.1}, {"ops": ["%"]},
    ), 2):  # fmt: skip
        uncached = next(ALU(**{**options, **other, "cache": False}).stream(batch_size=50))
        assert same(next(ALU(**{**options, **other}).stream(batch_size=50)), uncached)
        assert len(list(tmp_path.iterdir())) == count, other
    next(ALU(**options).stream("test", 50))
    assert len(list(tmp_path.iterdir())) == 10
    assert same(next(ALU(**{**options, "cache": file}).stream(batch_size=50)), fresh)  # no folder: nothing is kept


def test_undefined_points_are_taken_skipped_or_refused() -> None:
    def drawn(zero: str) -> Any:
        return next(ALU(ops=["/"], sampler="edge", zero=zero).stream(batch_size=5000))

    taken = drawn("ones")
    assert (taken.b == 0).sum() > 100
    assert (taken.z[taken.b == 0] == 2**15 - 1).all()
    assert (drawn("skip").b != 0).all()
    with pytest.raises(DataError, match="points where / is undefined; zero='skip' draws others"):
        drawn("raise")


def test_points_of_one_operation_are_those_of_its_part() -> None:
    a, b, z = ALU(ops=["*", "+"]).points("*", 20_000, "test")
    assert (len(a), (part_of("*", a, b, 15) == 2).all(), (a * b == z).all()) == (20_000, True, True)


def test_the_task_is_a_data_set_of_32_labels_with_a_test_part() -> None:
    data = load("alu")
    assert (data.name, data.objective, data.x_train.shape, data.y_train.shape) == (
        "alu", "multilabel", (100_000, 44), (100_000, 32))  # fmt: skip
    assert data.x_test is not None
    assert data.y_test is not None
    assert (data.x_test.shape, data.y_test.shape) == ((10_000, 44), (10_000, 32))
    assert not {row.tobytes() for row in data.x_train} & {row.tobytes() for row in data.x_test}
    small = load("alu", alu={"bits": 8, "ops": "+", "encoding": "serial"})
    assert small.x_train.shape == (100_000, 8, 2)
    x, y = load_test("alu", (), alu={"bits": 8, "ops": "+", "encoding": "serial"})
    np.testing.assert_array_equal(x, small.x_test)
    np.testing.assert_array_equal(y, small.y_test)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: load("alu", alu={"bit": 8}), DataError, r"alu has no bit; it takes bits, .*did you mean 'bits'\?"),
        (lambda: load("alu", alu={"ops": ["+", "plus", "minus"]}), ValueError, "operations are 'plus', 'minus'; exp"),
        (lambda: load("alu", alu=3), TypeError, "options is 3; expected an ALU, or a mapping"),
        (lambda: load("alu", "folder"), DataError, "alu is made and takes no data=FOLDER; leave it out"),
        (lambda: load("alu", target="y"), DataError, "alu takes no target='y'"),
        (lambda: load("digits", alu={"bits": 8}), DataError, "digits takes no alu=...: leave it out"),
        (lambda: ALU(0), ValueError, "bits is 0; expected the width of an operand"),
        (lambda: ALU(-1), ValueError, "bits is -1; expected"),
        (lambda: ALU(True), TypeError, "bits is True; expected"),
        (lambda: ALU(held_out=0.5), ValueError, "held_out is 0.5; expected a share"),
        (lambda: ALU(zero="no"), ValueError, "zero is 'no'; expected one of ones"),
        (lambda: ALU(sampler="edges"), ValueError, "did you mean 'edge'"),
        (lambda: ALU(weights={"+": -1}), ValueError, "the weight of"),
        (lambda: ALU(weights=dict.fromkeys(ALUNET, 0)), ValueError, "of an operation above 0"),
        (lambda: ALU(cache=3), TypeError, "cache is 3; expected a folder"),  # type: ignore[arg-type]
        (lambda: ALU().stream("trial"), ValueError, "part is 'trial'; expected one of train, validation, test"),
        (lambda: ALU().stream(batch_size=0), ValueError, "batch_size is 0"),
        (lambda: next(ALU(1, ["NOT"]).stream("test")), DataError, "none of .* points of NOT at 1 bits is in the test"),
    ],
)  # fmt: skip
def test_mistakes_are_one_message(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        call()
