"""Metadata: typed in Python, one flat JSON object in files, the same bytes as ever, and nothing that can be changed."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import re
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import Accuracy, Circuit, HeldOut, Metadata, TableLayout, Training
from lutsmith.circuit.file import ModelFileError, from_bytes, to_bytes
from lutsmith.circuit.metadata import _ENTRIES
from lutsmith.circuit.tabular import MISSING, Numerals

from .examples import JSON, random_circuit, random_images
from .test_streams import named

GOOD: dict[str, Any] = {
    "task": "csv",
    "preset": "table",
    "seed": 0,
    "target": -1,
    "feature_names": ["p", "q"],
    "integer_features": True,
    "categories": [["a", "b"], None],
    "accuracy": 0.5,
    "best_epoch": 3,
    "architecture": {},
    "table": {"delimiter": ",", "header": True, "width": 3, "label": 2, "label_name": "k", "missing": ["", "?"]},
    "anything": [1, {"x": None}],
}
CIRCUIT = replace(named(["p", "q"]), metadata=Metadata.from_json(GOOD))

EVERY: dict[str, Any] = {
    "task": "csv",
    "preset": "table",
    "method": "additive",
    "seed": 2**63,
    "target": "k",
    "feature_names": ["größe", ""],
    "integer_features": False,
    "categories": [None, ["x", "y"]],
    "table": {
        "delimiter": ";",
        "header": True,
        "width": 4,
        "label": 3,
        "label_name": "k",
        "missing": ["", "?", "-999"],
        "places": [2, 0],
        "numerals": {"0": {"decimal": ",", "unit": "%"}},
    },
    "accuracy": 1,
    "soft_accuracy": 0.1 + 0.2,
    "objective_score": 0.25,
    "objective_soft_score": -1.5,
    "measured_on": "held-out",
    "best_epoch": 7,
    "encoder_luts": 12,
    "train_seconds": 1e-300,
    "architecture": {"luts": [60, 30], "head_options": {"tau": None}},
    "settings": {"lr": 0.01},
    "lutsmith": "0.1.0",
    "held_out": {"share": 0.2, "seed": 4, "rows": 8, "table": "ab"},
    "refined_from": {"luts": 90, "settings": {"lr": 0.02}},
    "wasted_thresholds": 3,
    "input_bits": 8,
    "simplified": {"equal": "for every sample", "level": 2, "rank": 4, "luts_before": 9, "luts": 5},
    "simplified_on_data": {"rows": 5, "accuracy": None},
    "optimised": {"recipe": "area", "luts": [9, 8]},
    "merged": {"circuits": 2, "luts": [9, 8]},
    "later": {"version": [1, None, {"x": True}]},
    "null of another version": None,
}
"""Every key that lutsmith writes, in its order, and two of others."""


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


def text(value: Any) -> str:
    """JSON, in which 1, 1.0 and true differ, and the order of keys counts."""
    return json.dumps(value)


def held(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header of a model file, and the document in it."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return header, json.loads(header["__metadata__"]["lutsmith"])


def crafted(facts: Any) -> bytes:
    """The bytes of a model file with other metadata, its checksum made right."""
    data = to_bytes(CIRCUIT)
    header, document = held(data)
    document |= {"facts": facts, "checksum": "0" * 64}
    header["__metadata__"]["lutsmith"] = json.dumps(document)
    made = json.dumps(header).encode()
    made = len(made).to_bytes(8, "little") + made + data[8 + int.from_bytes(data[:8], "little") :]
    return made.replace(b"0" * 64, hashlib.sha256(made).hexdigest().encode(), 1)


# the JSON form


def test_every_field_comes_back_from_json_as_it_was_written() -> None:
    metadata = Metadata.from_json(EVERY)
    assert set(EVERY) == {*_ENTRIES, "later", "null of another version"}
    assert text(metadata.to_json()) == text(EVERY)
    assert Metadata.from_json(metadata.to_json()) == metadata
    parts = [metadata, metadata.training, metadata.accuracy, metadata.table]
    assert [item.name for part in parts for item in fields(part) if getattr(part, item.name) is None] == []


def test_the_fields_are_those_of_the_keys() -> None:
    assert Metadata.from_json(EVERY) == Metadata(
        feature_names=("größe", ""),
        categories=(None, ("x", "y")),
        integer_features=False,
        target="k",
        table=TableLayout(
            numerals={0: Numerals(decimal=",", unit="%")},
            missing=("", "?", "-999"),
            delimiter=";",
            header=True,
            width=4,
            places=(2, 0),
            label=3,
            label_name="k",
        ),
        accuracy=Accuracy(1, soft=0.1 + 0.2, measured_on="held-out", score=0.25, soft_score=-1.5),
        training=Training(
            task="csv",
            preset="table",
            seed=2**63,
            best_epoch=7,
            seconds=1e-300,
            architecture={"luts": (60, 30), "head_options": {"tau": None}},
            settings={"lr": 0.01},
            held_out=HeldOut(0.2, 4, 8, "ab"),
            lutsmith="0.1.0",
            method="additive",
            refined_from={"luts": 90, "settings": {"lr": 0.02}},
        ),
        encoder_luts=12,
        wasted_thresholds=3,
        input_bits=8,
        simplified={"equal": "for every sample", "level": 2, "rank": 4, "luts_before": 9, "luts": 5},
        simplified_on_data={"rows": 5, "accuracy": None},
        optimised={"recipe": "area", "luts": (9, 8)},
        merged={"circuits": 2, "luts": (9, 8)},
        other={"later": {"version": [1, None, {"x": True}]}, "null of another version": None},
    )


@given(
    order=st.permutations(sorted(EVERY)),
    nulls=st.sets(st.sampled_from(sorted(EVERY))),
    count=st.integers(0, len(EVERY)),
    others=st.dictionaries(st.text(), JSON, max_size=3),
)
def test_a_file_that_is_read_and_written_keeps_its_keys_their_order_and_its_nulls(order, nulls, count, others) -> None:
    document = {key: None if key in nulls else EVERY[key] for key in order[:count]}
    document = {**document, **{key: value for key, value in others.items() if key not in EVERY}}
    metadata = Metadata.from_json(document)
    assert text(metadata.to_json()) == text(document)
    assert pickle.loads(pickle.dumps(metadata)) == metadata
    assert text(replace(metadata).to_json()) == text(document)
    for key in nulls & document.keys() & _ENTRIES.keys():
        part, _, name = _ENTRIES[key].place.rpartition(".")
        owner = getattr(metadata, part) if part else metadata
        assert owner is None or getattr(owner, name) is None


def test_what_is_new_follows_in_the_order_of_lutsmith_and_what_is_changed_stays_in_its_place() -> None:
    metadata = Metadata.from_json({"epochs": 3, "input_bits": None, "seed": 1, "task": "csv"})
    changed = replace(metadata, input_bits=4, target="k", feature_names=("p",), other={"epochs": 3, "mine": 0})
    keys = ["epochs", "input_bits", "seed", "task", "target", "feature_names", "mine"]
    assert list(changed.to_json()) == keys
    assert changed.to_json()["input_bits"] == 4
    assert list(replace(changed, other={}).to_json()) == ["input_bits", "seed", "task", "target", "feature_names"]


def test_of_a_training_it_is_told_that_there_are_neither_names_nor_a_target() -> None:
    assert Metadata().to_json() == {}
    assert Metadata(input_bits=3).to_json() == {"input_bits": 3}
    told = Metadata(training=Training(task="digits", best_epoch=2), accuracy=Accuracy(0.5)).to_json()
    assert text(told) == '{"task": "digits", "target": null, "feature_names": null, "accuracy": 0.5, "best_epoch": 2}'


def test_files_hold_what_they_held_before_metadata_was_typed() -> None:
    """The texts are those that files of format version 2 had then."""
    circuit = replace(random_circuit(0, luts=40), metadata=Metadata.from_json({"seed": 1, "accuracy": 0.5, "mine": []}))
    made = [
        lutsmith.simplify(circuit, 1).circuit,
        lutsmith.snapped(lutsmith.simplify(circuit, rank=4).circuit, 3),
        lutsmith.simplify_on(circuit, random_images(0, circuit, 9)).circuit,
    ]
    luts = [circuit.netlist.num_nodes, *(each.netlist.num_nodes for each in made)]
    exact = f'{{"equal": "for every sample", "level": 1, "luts_before": {luts[0]}, "luts": {luts[1]}}}'
    narrow = f'{{"equal": "for every sample", "level": 2, "rank": 4, "luts_before": {luts[0]}, "luts": {luts[2]}}}'
    texts = [text(held(to_bytes(each))[1]["facts"]) for each in (circuit, *made)]
    assert texts[0] == '{"seed": 1, "accuracy": 0.5, "mine": []}'
    assert texts[1] == f'{{"seed": 1, "accuracy": 0.5, "mine": [], "simplified": {exact}}}'
    # but for the accuracy, which held for other thresholds
    assert texts[2] == f'{{"seed": 1, "mine": [], "simplified": {narrow}, "input_bits": 3}}'
    assert texts[3].startswith(
        '{"seed": 1, "mine": [], "simplified_on_data": {"equal": "on the given data only", "level": 2, "rank": 6, '
        f'"luts_before": {luts[0]}, "luts": '
    )


def test_metadata_of_the_right_types_is_kept() -> None:
    assert from_bytes(to_bytes(CIRCUIT)).metadata == CIRCUIT.metadata
    layout = {"delimiter": ",", "header": True, "width": 3, "label": 2, "label_name": "k", "missing": ["", "?"]}
    assert text(from_bytes(crafted(GOOD)).metadata.to_json()) == text({**GOOD, "table": layout})
    nothing = from_bytes(crafted(dict.fromkeys(GOOD)))
    assert nothing.schema.names is None
    assert text(held(to_bytes(nothing))[1]["facts"]) == text(dict.fromkeys(GOOD))


def test_keys_and_values_become_what_json_keeps() -> None:
    metadata = Metadata(other={7: (1, 2), "deep": {"x": (0,)}}, accuracy=Accuracy(np.float64(0.5)))  # type: ignore[dict-item]
    assert metadata.other == {"7": (1, 2), "deep": {"x": (0,)}}
    assert type(metadata.accuracy.value) is float
    nothing = Metadata(accuracy=Accuracy(), training=Training())
    assert (nothing.accuracy, nothing.training) == (None, None)


# the table


def test_the_schema_is_what_the_metadata_says_of_the_table() -> None:
    schema = Metadata.from_json(EVERY).schema(2)
    assert (schema.features, schema.names, schema.categories) == (2, ("größe", ""), (None, ("x", "y")))
    assert (schema.target, schema.label_name, schema.layout) == ("k", "k", Metadata.from_json(EVERY).table)
    assert Metadata(table=schema).table == schema.layout
    bare = Metadata(feature_names=("only one",)).schema(2)
    assert (bare.is_bare, bare.missing, bare.delimiter) == (True, MISSING, None)


@pytest.mark.parametrize(
    ("target", "table", "label_name"),
    [("k", None, "k"), ("-1", None, None), (3, None, None), (None, None, None), ("k", "own", "own"), (3, "own", "own")],
)
def test_the_label_is_named_by_the_table_or_else_by_the_target(target, table, label_name) -> None:
    metadata = Metadata(target=target, table=None if table is None else TableLayout(label_name=table))
    assert metadata.schema(1).label_name == label_name
    assert metadata.schema(1).target == (None if target is None else str(target))


# immutable, whole


def parts_of(value: Any) -> list[Any]:
    """A value and all that it holds."""
    found = [value]
    if is_dataclass(value):
        inner: Any = [getattr(value, item.name) for item in fields(value)]
    elif isinstance(value, Mapping):
        inner = value.values()
    else:
        inner = value if isinstance(value, (list, tuple, set)) else []
    for part in inner:
        found += parts_of(part)
    return found


def test_nothing_in_it_can_be_changed() -> None:
    parts = parts_of(Metadata.from_json(EVERY))
    assert {type(part).__name__ for part in parts} >= {
        "Metadata",
        "FrozenMapping",
        "TableLayout",
        "Numerals",
        "HeldOut",
    }
    assert not [part for part in parts if isinstance(part, (dict, list, set))]
    for part in parts:
        if is_dataclass(part):
            with pytest.raises(FrozenInstanceError):
                setattr(part, fields(part)[0].name, None)
        elif isinstance(part, Mapping):
            with pytest.raises(TypeError):
                part["x"] = 1  # type: ignore[index]
            with pytest.raises(AttributeError):
                part._entries = {}  # type: ignore[attr-defined]


def test_what_is_given_and_what_is_returned_are_copies() -> None:
    architecture, other = {"luts": [1, 2]}, {"mine": {"x": [1]}}
    metadata = Metadata(training=Training(architecture=architecture), other=other)
    before = text(metadata.to_json())
    architecture["luts"].append(3)
    other["mine"]["x"].append(2)
    metadata.to_json()["architecture"]["luts"].append(4)
    metadata.to_json()["mine"].clear()
    assert text(metadata.to_json()) == before


def test_pickles_and_copies_are_equal() -> None:
    metadata = Metadata.from_json(EVERY)
    for again in (pickle.loads(pickle.dumps(metadata)), copy.deepcopy(metadata), copy.copy(metadata)):
        assert again == metadata
        assert text(again.to_json()) == text(EVERY)
    assert pickle.loads(pickle.dumps(CIRCUIT)).metadata == CIRCUIT.metadata


def test_an_accuracy_is_forgotten_and_all_else_kept() -> None:
    scores = ("accuracy", "soft_accuracy", "objective_score", "objective_soft_score", "measured_on")
    left = {key: value for key, value in EVERY.items() if key not in scores}
    assert text(Metadata.from_json(EVERY).unmeasured().to_json()) == text(left)
    assert Metadata(accuracy=Accuracy(0.5)).unmeasured() == Metadata()


# what is refused


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"categories": [["a"], 5]}, r"metadata: categories is \[\['a'\], 5\], expected a list, for each column names"),
        ({"categories": [["a"]]}, "metadata: categories is .*, expected 2 lists of names"),
        ({"categories": [["a", 1], None]}, "expected a list, for each column names or null"),
        ({"categories": {"a": 1}}, "metadata: categories is .*, expected a list"),
        ({"feature_names": "pq"}, "metadata: feature_names is 'pq', expected a list of names"),
        ({"feature_names": ["p", 5]}, "feature_names"),
        ({"target": [1]}, "target is .*, expected the name or the place of a column"),
        ({"target": 1.5}, "target"),
        ({"target": True}, "target"),
        ({"task": ["csv"]}, "task is .*, expected text"),
        ({"seed": "0"}, "seed is '0', expected an integer"),
        ({"seed": True}, "seed is True, expected an integer"),
        ({"accuracy": "high"}, "accuracy is 'high', expected a number"),
        ({"accuracy": True}, "accuracy is True, expected a number"),
        ({"accuracy": 10**400}, "accuracy is 10+[.]*, expected a number"),
        ({"integer_features": 1}, "expected true or false"),
        ({"architecture": []}, "architecture is .*, expected an object"),
        ({"simplified": "yes"}, "simplified is 'yes', expected an object"),
        ({"held_out": {"share": "x", "seed": 0, "rows": 1, "table": ""}}, "held_out is .*, expected an object with"),
        ({"held_out": {"share": 0.2}}, "held_out is"),
        ({"table": 5}, "table is 5, expected an object"),
        ({"table": {"colour": 1}}, "table is"),
        ({"table": {"delimiter": ",,"}}, "delimiter of the table is ',,'"),
        ({"table": {"header": 1}}, "header of the table is 1"),
        ({"table": {"width": 1}}, "width of the table is 1"),
        ({"table": {"width": -3}}, "width of the table is -3"),
        ({"table": {"width": 3, "label": 3}}, "label of the table is 3"),
        ({"table": {"label": 0}}, "label of the table is 0"),
        ({"table": {"width": 9}}, "width of the table is 9, with 2 features"),
        ({"table": {"width": 2, "label": 0}}, "width of the table is 2, with 2 features"),
        ({"table": {"width": 9, "places": [1, 1]}}, "places of the table"),
        ({"table": {"width": 9, "places": [1, 9]}}, "places of the table"),
        ({"table": {"width": 9, "places": ["a", "b"]}}, "places of the table"),
        ({"table": {"width": 9, "label": 1, "places": [0, 1]}}, "places of the table"),
        ({"table": {"width": 9, "places": [0, 1, 2]}}, r"places of the table is \(0, 1, 2\), with 2 features"),
        ({"table": {"places": [0, 1]}}, "places of the table"),
        ({"table": {"missing": "?"}}, "missing of the table is '[?]'"),
        ({"table": {"missing": ["?"]}}, "missing of the table"),
        ({"table": {"numerals": {"2": {}}}}, "numerals of the table"),
        ({"table": {"numerals": {"00": {}}}}, "numerals of the table"),
        ({"table": {"numerals": {"x": {}}}}, "numerals of the table"),
        ({"table": {"numerals": {"0": {"decimal": "x"}}}}, "is not a way to write numbers"),
        ({"table": {"label_name": 5}}, "label_name of the table is 5"),
        ({"own": eval("[" * 40 + "]" * 40)}, "nested deeper than 32"),
    ],
)
def test_metadata_of_wrong_types_is_refused_on_loading(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelFileError, match=says) as raised:
        from_bytes(crafted({**GOOD, **change}))
    assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match=says):
        replace(CIRCUIT, metadata=Metadata.from_json({**GOOD, **change}))


@pytest.mark.parametrize("document", [[], None, "facts", 5])
def test_what_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(TypeError, match="metadata must be an object of JSON"):
        Metadata.from_json(document)
    with pytest.raises(ModelFileError, match="metadata must be an object of JSON"):
        from_bytes(crafted(document))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"other": {"loss": float("nan")}}, "metadata cannot be saved as JSON"),
        ({"other": {"loss": object()}}, "metadata cannot be saved as JSON: it holds object, expected"),
        ({"other": {"itself": ENDLESS}}, "metadata cannot be saved as JSON: Circular reference"),
        ({"other": {1: "a", "1": "b"}}, "repeats the key '1'"),
        ({"other": {"seed": 1}}, "other has 'seed', which is training.seed of the metadata"),
        ({"other": {"target": None}}, "other has 'target', which is target of the metadata"),
        ({"feature_names": "pq"}, "metadata: feature_names is 'pq', expected a list of names"),
        ({"training": Training(seed=1.5)}, "metadata: seed is 1.5, expected an integer"),
        ({"training": Training(architecture={"x": object()})}, "metadata cannot be saved as JSON"),
        ({"training": Training(architecture=[1])}, "metadata: architecture is"),
        ({"accuracy": Accuracy(float("inf"))}, "metadata cannot be saved as JSON"),
        ({"accuracy": Accuracy("high")}, "metadata: accuracy is 'high', expected a number"),
        ({"table": TableLayout(delimiter=",,")}, "metadata: delimiter of the table is ',,'"),
        ({"table": TableLayout(label=1)}, "metadata: label of the table is 1"),
    ],
)
def test_values_of_wrong_types_are_refused_when_it_is_made(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Metadata(**given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"training": {"seed": 1}}, "training must be Training or None, not dict"),
        ({"accuracy": 0.5}, "accuracy must be Accuracy or None, not float"),
        ({"table": {}}, "table must be TableLayout or None, not dict"),
        ({"other": [1]}, "other must be a mapping, not list"),
    ],
)
def test_parts_of_another_class_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        Metadata(**given)


def test_a_circuit_takes_metadata_and_no_dict() -> None:
    with pytest.raises(TypeError, match=r"metadata must be a Metadata, not dict: Metadata\.from_json reads a dict"):
        replace(CIRCUIT, metadata={"seed": 1})  # type: ignore[arg-type]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["delimiter", "width", "0", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200)
@given(name=st.sampled_from(sorted(EVERY)), value=VALUES)
def test_whatever_passes_loading_predicts_or_is_a_value_error(name: str, value: Any) -> None:
    try:
        circuit = from_bytes(crafted({**GOOD, name: value}))
    except ModelFileError:
        return
    assert isinstance(circuit, Circuit)
    assert from_bytes(to_bytes(circuit)).metadata == circuit.metadata
    try:
        circuit.predict([{"p": "a", "q": 1}])
    except ValueError as error:
        assert "column" in str(error)  # noqa: PT017 - names of other columns


# no protocol of keys


def test_the_json_form_is_made_and_read_where_files_are_and_nowhere_else() -> None:
    """Between rooms metadata is typed: nobody else sees a key."""
    root = Path(lutsmith.__file__).parent
    sources = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.rglob("*.py")}
    makes = {name for name, source in sources.items() if re.search(r"metadata\.to_json\(|(?<!: )\bMetadata\)", source)}
    reads = {name for name, source in sources.items() if "Metadata.from_json(" in source}
    written = {"circuit/file.py", "export/json.py", "cli/commands/info.py", "runs/saved.py"}
    assert makes - {"circuit/circuit.py"} == written
    assert reads - {"circuit/metadata.py"} == {"circuit/file.py", "export/json.py"}
