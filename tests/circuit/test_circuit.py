"""Circuit: raw features in, bits, scores and labels out."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import Circuit, Comparators, Head, Metadata, NetlistBuilder, OutOfRangeWarning
from tests.circuit.examples import random_affine, random_circuit, random_images, random_netlist

FIELDS = ("input_shape", "encoder", "netlist", "head", "classes", "objective", "fitted_range", "metadata")


def changed(circuit: Circuit, **changes: object) -> Circuit:
    return Circuit(**{**{name: getattr(circuit, name) for name in FIELDS}, **changes})


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), samples=st.sampled_from([0, 1, 2, 63, 64, 65, 130, 1500]))
def test_outputs_scores_and_labels_are_encoder_netlist_and_head(seed: int, samples: int) -> None:
    circuit = random_circuit(seed)
    X = random_images(seed, circuit, samples)
    bits = circuit.netlist.evaluate(circuit.encoder.encode(X.reshape(samples, 12)))
    np.testing.assert_array_equal(circuit.evaluate(X), bits)
    np.testing.assert_array_equal(circuit.outputs(X), bits)
    scores = bits.reshape(samples, 3, 4).sum(2)
    np.testing.assert_array_equal(circuit.decision_function(X), scores)
    np.testing.assert_array_equal(circuit.predict(X), scores.argmax(1))
    assert circuit.outputs(X).dtype == np.bool_
    assert circuit.decision_function(X).dtype == np.int32
    assert circuit.predict(X).dtype == np.int64


def test_what_scores_are_of_and_whether_they_are_of_classes() -> None:
    circuit = random_circuit(0)
    assert circuit.is_classifier
    assert changed(circuit, classes=None).score_labels == (0, 1, 2)
    named = changed(circuit, classes=("wet", "cold", "dark"), objective="multilabel")
    assert not named.is_classifier
    assert named.score_labels == ("wet", "cold", "dark")
    bare = changed(circuit, head=None, objective=None, classes=None)
    assert not bare.is_classifier
    assert bare.score_labels == ()


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), registers=st.integers(0, 3), samples=st.integers(0, 70))
def test_any_netlist_predicts_from_any_numbers(seed: int, registers: int, samples: int) -> None:
    rng = np.random.default_rng(seed)
    netlist = random_netlist(seed, inputs=9, registers=registers, outputs=8)
    thresholds = rng.choice([-np.inf, -1.5, 0, 0.1, 1, 254.5, 255, 256, np.inf], 9)
    circuit = Circuit((5,), Comparators(rng.integers(0, 5, 9), thresholds, 5), netlist, Head(2))
    values = rng.choice([-2, 0, 0.1, 1, 3, 254.5, 255, 1e9, np.nan, np.inf, -np.inf], (samples, 5))
    half = values.clip(-60000, 60000).astype(np.float16)
    integers = rng.choice([0, 1, 2, 254, 255], (samples, 5)).astype(np.uint8)
    for X in (values, values.astype(np.float32), half, integers, integers.astype(np.int64)):
        expected = netlist.evaluate(circuit.encoder.encode(X))
        np.testing.assert_array_equal(circuit.outputs(X), expected)
        np.testing.assert_array_equal(circuit.predict(X), circuit.head.labels(circuit.head.scores(expected)))


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    scores=st.integers(1, 4),
    group=st.sampled_from([1, 4]),
    objective=st.sampled_from(["classification", "multilabel", "regression"]),
    samples=st.sampled_from([0, 1, 65, 300]),
)
def test_every_objective_decides_by_the_scores_of_the_bits(seed, scores, group, objective, samples) -> None:
    affine = random_affine(seed, 3, scores, objective)
    circuit = random_circuit(seed, group=group, objective=objective, affine=affine)
    X = random_images(seed, circuit, samples)
    expected = circuit.head.scores(circuit.evaluate(X))
    np.testing.assert_array_equal(circuit.decision_function(X), expected)
    said = circuit.predict(X)
    if objective == "classification":
        wanted = expected.argmax(1)
    elif objective == "multilabel":
        wanted = expected > 0
    else:
        wanted = expected * affine.get("scale", 1.0) + affine.get("offset", 0.0)
        wanted = wanted[:, 0] if scores == 1 else wanted
    assert said.dtype == (
        np.bool_ if objective == "multilabel" else np.int64 if objective == "classification" else np.float64
    )
    np.testing.assert_array_equal(said, wanted)


def test_a_scale_needs_regression_and_labels_and_targets_may_have_names() -> None:
    for objective in ("multilabel", "regression"):
        circuit = changed(random_circuit(0), objective=objective, classes=("wet", "cold", "dark"))
        assert circuit.predict(random_images(0, circuit, 7)).shape == (7, 3)
        assert circuit.info()["task"] == objective
    with pytest.raises(ValueError, match="one for regression"):
        changed(random_circuit(0), objective="multilabel", head=Head(3, offset=[1, 2, 3]))


def test_every_kind_of_input_gives_the_same_prediction(tmp_path: Path) -> None:
    circuit = random_circuit(1)
    X = random_images(1, circuit, 77)
    expected = circuit.predict(X)
    np.save(tmp_path / "X.npy", X)
    wide = np.zeros((77, 8, 6), np.uint8)
    wide[:, ::2, ::2] = X
    for same in (
        X.reshape(77, 12),
        X.astype(np.float32),
        X.astype(np.float64),
        X.astype(">f4"),
        X.astype(np.int64),
        X.tolist(),
        np.asfortranarray(X),
        X[::-1][::-1],
        wide[:, ::2, ::2],
        np.load(tmp_path / "X.npy", mmap_mode="r"),
    ):
        np.testing.assert_array_equal(circuit.predict(same), expected)
    np.testing.assert_array_equal([circuit.predict(x[None])[0] for x in X], expected)


def test_booleans_are_the_numbers_0_and_1() -> None:
    circuit = Circuit((9,), Comparators(range(9), np.full(9, 0.5), 9), random_netlist(1))
    X = np.random.default_rng(0).random((70, 9)) < 0.5
    np.testing.assert_array_equal(circuit.outputs(X), circuit.netlist.evaluate(X))


def test_predict_leaves_its_input_alone() -> None:
    circuit = random_circuit(2)
    X = random_images(2, circuit, 100)
    X.setflags(write=False)
    before = X.copy()
    circuit.predict(X)
    np.testing.assert_array_equal(X, before)


def test_the_first_predictions_may_come_from_many_threads_at_once() -> None:
    circuit = random_circuit(6)
    X = random_images(6, circuit, 3000)
    expected = circuit.head.labels(circuit.head.scores(circuit.evaluate(X)))
    start = threading.Barrier(8)

    def first_use(_: int) -> np.ndarray:
        start.wait()
        return circuit.predict(X)

    with ThreadPoolExecutor(8) as pool:
        for labels in pool.map(first_use, range(8)):
            np.testing.assert_array_equal(labels, expected)


def test_data_on_another_scale_warn_once_and_point_at_the_caller() -> None:
    circuit = random_circuit(3)
    X = random_images(3, circuit, 5000) / 255
    for method in (circuit.predict, circuit.decision_function, circuit.outputs):
        with pytest.warns(OutOfRangeWarning, match="give raw features on the scale of the training data") as caught:
            method(X)
        assert len(caught) == 1
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        changed(circuit, fitted_range=None).predict(X)


@pytest.mark.parametrize("method", ["predict", "decision_function", "outputs", "evaluate"])
def test_wrong_input_raises(method: str) -> None:
    call = getattr(random_circuit(0), method)
    with pytest.raises(ValueError, match=r"X has shape \(4, 3\), expected \(samples, 4, 3\) or \(samples, 12\): for a"):
        call(np.zeros((4, 3)))
    with pytest.raises(TypeError, match="X holds complex128 values"):
        call(np.zeros((1, 12), complex))


def test_a_circuit_without_a_head_has_outputs_only() -> None:
    circuit = Circuit((9,), Comparators(range(9), np.zeros(9), 9), random_netlist(0))
    assert circuit.outputs(np.ones((2, 9))).shape == (2, 7)
    for method in (circuit.predict, circuit.decision_function):
        with pytest.raises(ValueError, match="needs a head and this circuit has none: use outputs"):
            method(np.ones((2, 9)))


def test_a_circuit_of_wires_and_constants_works() -> None:
    builder = NetlistBuilder(2)
    netlist = builder.build([1, builder.constant(True), 0, 1])
    circuit = Circuit((2,), Comparators([0, 1], [0.5, 1.5], 2), netlist, Head(2))
    np.testing.assert_array_equal(circuit.decision_function([[1, 1], [0, 2]]), [[1, 1], [2, 1]])
    nothing = Circuit((2,), Comparators([], [], 2), NetlistBuilder().build([]))
    assert nothing.outputs(np.ones((3, 2))).shape == (3, 0)


def test_info_counts_what_there_is() -> None:
    circuit = random_circuit(0)
    info = json.loads(json.dumps(circuit.info()))
    assert info["luts"] == 32
    assert info["luts_by_rank"] == {"4": 32}
    assert circuit.luts_by_rank() == {4: 32}
    assert info["depth"] == circuit.depth == 2
    assert info["comparators"] == len(circuit.encoder) == circuit.netlist.num_inputs
    assert info["features"] == 12
    assert info["features_used"] == np.unique(circuit.encoder.feature).size
    assert info["tables"] == np.unique(circuit.netlist.tables()).size
    assert (info["outputs"], info["head"], info["num_classes"]) == (12, "popcount", 3)
    assert (info["num_groups"], info["affine"], info["task"]) == (3, False, "classification")
    assert info["classes"] == ["class 0", "class 1", "class 2"]


def test_repr_says_what_it_is() -> None:
    text = repr(random_circuit(0))
    assert text.startswith("Circuit(input_shape=(4, 3), Comparators(")
    assert "32 nodes, depth 2, 12 outputs" in text


def test_a_circuit_cannot_be_changed() -> None:
    circuit = random_circuit(0)
    for name in FIELDS:
        with pytest.raises(AttributeError):
            setattr(circuit, name, None)
    other = {"epochs": [1]}
    kept = changed(circuit, metadata=Metadata(other=other))
    other["epochs"].append(2)
    assert kept.metadata.to_json() == {"epochs": [1]}


@pytest.mark.parametrize("clone", [lambda c: pickle.loads(pickle.dumps(c)), copy.copy, copy.deepcopy])
def test_copies_and_pickles_predict_the_same(clone) -> None:
    circuit = random_circuit(4)
    X = random_images(4, circuit, 65)
    expected = circuit.decision_function(X)  # before the copy: what was made for speed is not copied
    again = clone(circuit)
    assert again.classes == circuit.classes
    assert again.metadata == circuit.metadata
    np.testing.assert_array_equal(again.decision_function(X), expected)


def test_labels_and_metadata_are_kept_as_json_keeps_them() -> None:
    circuit = changed(
        random_circuit(0), classes=np.array([3, 5, 7]), metadata=Metadata(other={"shape": (1, 2), 7: "x"})
    )
    assert circuit.classes == (3, 5, 7)
    assert all(type(label) is int for label in circuit.classes)
    assert circuit.metadata.to_json() == {"shape": [1, 2], "7": "x"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_shape": (4, 4)}, r"input_shape \(4, 4\) has 16 features, the encoder 12"),
        ({"input_shape": ()}, "input_shape"),
        ({"encoder": Comparators([0], [1.0], 12)}, "1 comparators for .* inputs of the netlist"),
        ({"head": Head(5)}, "12 outputs do not fall into 5 equal groups"),
        ({"head": None}, "needs a head"),
        ({"classes": ("a", "b")}, "2 classes for a head of 3"),
        ({"classes": ("a", "a", "b")}, "two classes have the same label"),
        ({"classes": (1, 1.0, 2)}, "two classes have the same label"),
        ({"objective": "oracle"}, "objective is 'oracle'"),
        ({"head": Head(3, scale=[1, 1, 1])}, "one for regression"),
        ({"head": Head(3, offset=[1, 1, 1]), "objective": None}, "objective is None"),
        ({"head": Head(3, [[2**29, 0, 0]]), "classes": None}, "scores could be 0 to 2147483648"),
        ({"fitted_range": (np.zeros(3), np.ones(3))}, "fitted_range has 3 and 3 values, expected 12 each"),
        ({"fitted_range": (np.ones(12), np.zeros(12))}, "fitted_range has a low above its high"),
        ({"fitted_range": (np.full(12, np.nan), np.ones(12))}, "or NaN"),
        ({"metadata": Metadata(categories=(("a",),))}, "metadata: categories is .*, expected 12 lists of names"),
    ],
)
def test_fields_that_do_not_fit_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        changed(random_circuit(0), **changes)


@pytest.mark.parametrize("label", [None, float("nan"), float("inf"), ("a",), b"a", 1j])
def test_labels_that_a_file_cannot_hold_are_refused(label: object) -> None:
    with pytest.raises(TypeError, match="is not a string, an integer or a finite float"):
        changed(random_circuit(0), classes=(label, "b", "c"))


def test_loading_and_predicting_never_imports_torch(tmp_path: Path) -> None:
    lutsmith.save(random_circuit(0), tmp_path / "model.lut")
    script = f"""
        import sys
        import numpy as np
        from lutsmith.circuit import load
        circuit = load({str(tmp_path / "model.lut")!r})
        print(circuit.predict(np.zeros((1, 4, 3), np.uint8)).shape, circuit.outputs([[7] * 12]).shape)
        print([name for name in ("torch", "sklearn", "lightning", "lightning_fabric") if name in sys.modules])
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["(1,) (1, 12)", "[]"]
