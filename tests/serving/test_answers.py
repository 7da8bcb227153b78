"""What is answered is what the circuit says, whatever kind of circuit it is."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax

from lutsmith.circuit import Circuit, Head, Heads
from lutsmith.circuit.rows import FittedRange
from lutsmith.serving import ServerLimits
from lutsmith.serving.answers import ModelAnswers, as_arrow, as_json, flat
from lutsmith.serving.loaded import LoadedModel

from ..circuit.examples import random_rich_circuit, random_rich_rows
from . import models

METHODS = {"predictions": "predict", "scores": "decision_function", "outputs": "outputs"}


def lists(values: Any) -> Any:
    return {name: lists(part) for name, part in values.items()} if isinstance(values, dict) else values.tolist()


def labelled(circuit: Circuit) -> Any:
    """What stands for each head's predictions in JSON, from `predict` alone."""

    def labels(values: np.ndarray, classes: tuple[Any, ...] | None, objective: str | None) -> Any:
        if classes is None or objective not in (None, "classification"):
            return values.tolist()
        return (
            np.vectorize(lambda index: classes[index], otypes=[object])(values).tolist()
            if values.size
            else values.tolist()
        )

    def of(rows: np.ndarray) -> Any:
        found = circuit.predict(rows)
        if isinstance(circuit.head, Heads):
            return {
                name: labels(found[name], part.classes, part.objective)
                if isinstance(part.head, Head)
                else lists(found[name])
                for name, part in circuit.head.items()
            }
        return labels(found, circuit.classes, circuit.objective) if isinstance(circuit.head, Head) else lists(found)

    return of


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 5), st.data())
def test_every_kind_of_circuit_answers_over_json_what_its_methods_say(
    seed: int, count: int, data: st.DataObject
) -> None:
    circuit = random_rich_circuit(seed)
    rows = random_rich_rows(seed, circuit, count)
    model = LoadedModel.of_circuit(circuit, ServerLimits())
    if model.json_rows.exact and not model.json_rows.takes_fractions:
        rows = np.floor(np.nan_to_num(rows.astype(np.float64), nan=0, posinf=1e18, neginf=-1e18))
        given_rows = [[int(value) for value in row] for row in rows.tolist()]
        limits = np.iinfo(circuit.words.formats.row_type)
        rows = np.array(
            [[min(max(v, int(limits.min)), int(limits.max)) for v in row] for row in given_rows], limits.dtype
        )
        rows = rows.reshape(count, 8)
    else:
        rows = np.nan_to_num(rows.astype(np.float64), nan=0, posinf=1e30, neginf=-1e30)
        given_rows = rows.tolist()
    if data.draw(st.booleans()):
        given_rows = [np.array(row, object).reshape(2, 4).tolist() for row in given_rows]
    read = model.json_rows.read(json.dumps({"rows": given_rows}).encode())
    assert read.shape == (count, 8)
    kinds = model.answers.kinds
    told = json.loads(as_json(model.answers.told(model.answers.compute(read, kinds), kinds, None), {}))
    bare = model.circuit
    assert set(told) == set(kinds)
    for kind in kinds:
        wanted = labelled(bare)(rows) if kind == "predictions" else lists(getattr(bare, METHODS[kind])(rows))
        assert told[kind] == wanted, kind


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 4))
def test_arrow_answers_hold_the_same_as_json_in_types_that_do_not_depend_on_the_rows(seed: int, count: int) -> None:
    import pyarrow.ipc

    circuit = random_rich_circuit(seed)
    answers = ModelAnswers(circuit)
    rows = random_rich_rows(seed, circuit, 5)
    told = answers.told(answers.compute(rows[:count], answers.kinds), answers.kinds, None)
    found = pyarrow.ipc.open_stream(as_arrow(told)).read_all()
    other = answers.told(answers.compute(rows, answers.kinds), answers.kinds, None)
    assert found.schema == pyarrow.ipc.open_stream(as_arrow(other)).schema
    assert found.column_names == [name for name, _ in flat(told)]
    for name, values in flat(told):
        wanted = values.tolist()
        if values.dtype.kind == "O" and count:
            wanted = np.vectorize(str, otypes=[object])(values).tolist()
        assert found[name].to_pylist() == wanted


@pytest.mark.parametrize("objective", ["classification", "multilabel"])
def test_probabilities_are_those_of_scores_at_the_temperature(objective: str) -> None:
    from dataclasses import replace

    circuit = replace(models.images(), objective=objective, fitted_range=None)
    rows = np.random.default_rng(0).integers(0, 17, (20, 16))
    scores = circuit.decision_function(rows)
    with models.client({"m": circuit}) as client:
        told = client.predict(rows.tolist(), query="?temperature=2.5").json()
        assert set(told) == {"predictions", "probabilities", "model", "version"}
        wanted = softmax(scores / 2.5, axis=1) if objective == "classification" else expit(scores / 2.5)
        np.testing.assert_allclose(told["probabilities"], wanted, rtol=1e-12)
        for extreme in ("1e-6", "1e12"):
            found = np.array(client.predict(rows.tolist(), query=f"?temperature={extreme}").json()["probabilities"])
            assert ((found >= 0) & (found <= 1)).all()


def test_answers_are_chosen_by_name_and_labels_stay_what_they_are() -> None:
    rows = np.random.default_rng(1).integers(0, 17, (9, 16))
    circuits = {
        "text": models.images(),
        "mixed": models.images(classes=("a", 1, 2.5)),
        "large": models.images(classes=(-1, 2**63 + 1, 2**53 + 1)),
        "none": models.images(classes=None),
    }
    with models.client(circuits) as client:
        for name, circuit in circuits.items():
            wanted = [(circuit.classes or range(3))[index] for index in circuit.predict(rows)]
            told = client.predict(rows.tolist(), name, "?answers=outputs,predictions").json()
            assert told["predictions"] == wanted
            assert [type(label) for label in told["predictions"]] == [type(label) for label in wanted]
            assert told["outputs"] == circuit.outputs(rows).tolist()
            assert list(told)[:2] == ["predictions", "outputs"]
            assert "scores" in client.predict(rows.tolist(), name, "?answers=scores&answers=outputs").json()


def test_rows_far_from_the_training_data_are_told_with_the_answer() -> None:
    circuit = models.images()
    with models.client({"m": circuit}) as client:
        near = client.predict([[8] * 16] * 4).json()
        far = client.predict([[0.5 * (place % 2 + 1) for place in range(16)]] * 4).json()
    assert "warnings" not in near
    assert len(far["warnings"]) == 1
    assert "range that the model was fitted on" in far["warnings"][0]


def test_a_range_says_the_same_as_its_warning() -> None:
    fitted = FittedRange(np.zeros(16, np.float32), np.full(16, 16, np.float32))
    rows = np.full((4, 16), 0.5)
    message = fitted.outside(rows)
    with pytest.warns(UserWarning, match="fitted on") as told:
        assert fitted.warn(rows, 1)
    assert str(told[0].message) == message
    assert fitted.outside(np.full((4, 16), 8.0)) is None
