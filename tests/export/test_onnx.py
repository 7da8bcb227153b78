"""ONNX models, run by onnxruntime and compared with their circuits."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, CircuitBuilder, Head
from lutsmith.circuit.traits import TRAITS
from lutsmith.export import ExportError, to_onnx
from lutsmith.hardware.simulation.answers import Answers
from lutsmith.hardware.simulation.software import onnxruntime as run_model
from tests.tools import module, needs

from ..circuit.examples import random_netlist, random_rich_circuit, random_rich_rows
from .cases import CASES, LABELS, edge_rows, ranks

DECIDED = {None: "label", "classification": "label", "multilabel": "labels", "regression": "values"}


@pytest.fixture
def onnxruntime():  # type: ignore[no-untyped-def]
    needs("onnx")
    return module("onnxruntime")


def answers(onnxruntime, circuit: Circuit, rows: np.ndarray) -> dict[str, np.ndarray]:  # type: ignore[no-untyped-def]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(to_onnx(circuit), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"x": rows}), strict=True))


def compare(said: dict[str, np.ndarray], circuit: Circuit, rows: np.ndarray) -> None:
    if circuit.head is None:
        expected = {"outputs": circuit.evaluate(rows)}
    else:
        result = {"multilabel": "labels", "regression": "values"}.get(circuit.objective or "", "label")
        expected = {result: circuit.predict(rows), "scores": circuit.decision_function(rows)}
    assert said.keys() == expected.keys()
    for name, values in expected.items():
        assert said[name].dtype == values.dtype
        np.testing.assert_array_equal(said[name], values)


@pytest.mark.parametrize("case", CASES)
def test_onnx_says_what_the_circuit_says(onnxruntime, case: str) -> None:  # type: ignore[no-untyped-def]
    circuit = CASES[case]
    rows = edge_rows(circuit)
    compare(answers(onnxruntime, circuit, rows), circuit, rows)


@pytest.mark.parametrize("samples", [0, 1, 3])
def test_batches_of_any_size_are_taken(onnxruntime, samples: int) -> None:  # type: ignore[no-untyped-def]
    circuit = ranks()
    rows = edge_rows(circuit)[:samples]
    compare(answers(onnxruntime, circuit, rows), circuit, rows)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_netlists_say_the_same(seed: int) -> None:
    runtime = module("onnxruntime")
    netlist = random_netlist(seed, inputs=24, outputs=12, max_rank=6)
    circuit = replace(ranks(seed % 100, head=False), netlist=netlist, head=Head(3))
    rows = edge_rows(circuit, seed, 20)
    compare(answers(runtime, circuit, rows), circuit, rows)


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("parts", [(), ("scale",), ("offset",), ("scale", "offset")])
def test_regressions_of_any_shape_say_the_same(onnxruntime, targets: int, parts: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    fields = {"scale": [0.1, 1 / 3][:targets], "offset": [1e6, -0.7][:targets]}
    head = Head(targets, **{part: fields[part] for part in parts})
    circuit = replace(ranks(head=False), head=head, objective="regression")
    rows = edge_rows(circuit)
    compare(answers(onnxruntime, circuit, rows), circuit, rows)


def test_names_stand_in_the_metadata() -> None:
    onnx = module("onnx")
    circuit = ranks()
    model = onnx.load_from_string(to_onnx(circuit, name='a "b" \n'))
    properties = {item.key: json.loads(item.value) for item in model.metadata_props}
    assert properties["classes"] == list(LABELS)
    assert properties["feature_names"] == list(circuit.schema.names)
    assert properties["input_shape"] == [2, 3]
    assert model.graph.name == 'a "b" \n'
    assert {opset.domain for opset in model.opset_import} == {""}


def test_bytes_are_the_same_each_time() -> None:
    needs("onnx")
    assert to_onnx(ranks()) == to_onnx(ranks())


def test_a_large_level_stays_small_and_quick() -> None:
    needs("onnx")
    rng = np.random.default_rng(0)
    from lutsmith.circuit import Comparators, NetlistBuilder

    builder = NetlistBuilder(100)
    ends = builder.lut(rng.integers(0, 100, (16_000, 6)), rng.integers(0, 2, (16_000, 64)))
    encoder = Comparators(np.arange(100), np.zeros(100, np.float32), 100)
    assert len(to_onnx(Circuit((100,), encoder, builder.build(ends), Head(10)))) < 2_000_000


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), traits=st.sets(st.sampled_from(sorted(set(TRAITS) - {"long words"}))))
def test_all_traits_say_the_same(seed: int, traits: set[str]) -> None:
    """Of registers, streams as well."""
    needs("onnx", "onnxruntime")
    circuit = random_rich_circuit(seed, traits, max_bits=63)
    model, rows = to_onnx(circuit), random_rich_rows(seed, circuit, 120)
    assert Answers.of(circuit, rows).difference(run_model(circuit, model, rows, 60)) is None
    if circuit.netlist.num_registers:
        said = run_model(circuit, model, rows, 60, streams=40)
        assert Answers.of_streams(circuit, rows.reshape(40, 3, -1)).difference(said) is None


def test_what_leaves_a_model_has_the_names_of_heads_and_words() -> None:
    onnx = module("onnx")
    circuit = random_rich_circuit(10, set(TRAITS) - {"long words"}, max_bits=63)
    model = onnx.load_from_string(to_onnx(circuit))
    names = [value.name for value in model.graph.output]
    assert names[:3] == [
        "sums.words.word_0",
        "sums.words.word_1",
        f"head_0.{DECIDED[circuit.head['head_0'].objective]}",
    ]
    assert names[-1] == "next_state"
    assert [value.name for value in model.graph.input] == ["x", "state"]
    properties = {item.key: json.loads(item.value) for item in model.metadata_props}
    assert properties["register_init"] == circuit.netlist.register_init.astype(int).tolist()
    assert list(properties["heads"]) == list(circuit.head) == ["sums", "head_0", "head_1"]


def test_what_int64_and_float32_do_not_hold_is_refused() -> None:
    with pytest.raises(ExportError, match="words of more than 24 bits as inputs, which ONNX does not take: export c"):
        to_onnx(random_rich_circuit(0, ["long words"]))
    for bits, signed, held in ((64, True, True), (64, False, False), (65, True, False), (63, False, True)):
        builder = CircuitBuilder((1,))
        builder.integers({"sum": np.repeat(builder.compare([0], [0.0]), bits)}, signed=signed)
        circuit = builder.build()
        if held:
            needs("onnx")
            assert to_onnx(circuit)
            continue
        with pytest.raises(ExportError, match=f"sum is an integer of {bits} bits, which int64 does not hold: export c"):
            to_onnx(circuit)


def test_without_onnx_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match="pip install 'lutsmith"):
        to_onnx(ranks())
