"""Model files of version 3: words, missing values, heads of all kinds and parts come back, and nothing else gets in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, ModelFileError, SharedPart
from lutsmith.circuit.file import from_bytes, to_bytes
from lutsmith.circuit.parts import checked_parts
from lutsmith.circuit.traits import TRAITS, traits_of
from tests.circuit.examples import (
    assert_same_inputs_and_parts,
    random_circuit,
    random_rich_circuit,
    random_rich_rows,
)
from tests.circuit.test_file import assert_same, header_of, rebuilt

RICH = random_rich_circuit(10, TRAITS)
"""Heads "sums" (words of 54 and 130 bits) and "head_0", both at 3 places; parts "cell" and "Cell_2"."""

DATA = to_bytes(RICH)


def version(data: bytes) -> int:
    return json.loads(header_of(data)["__metadata__"]["lutsmith"])["version"]


def assert_equal(one: Any, other: Any) -> None:
    """Answers are the same, types included; several results by name."""
    if isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            assert_equal(one[name], other[name])
        return
    assert (one.dtype, one.shape) == (other.dtype, other.shape)
    np.testing.assert_array_equal(one, other)


def assert_comes_back(circuit: Circuit) -> None:
    data = to_bytes(circuit)
    again = from_bytes(data)
    assert_same(again, circuit)
    assert_same_inputs_and_parts(again, circuit)
    assert to_bytes(again) == data
    rows = random_rich_rows(0, circuit, 40)
    np.testing.assert_array_equal(again.outputs(rows), circuit.evaluate(rows))
    if circuit.head is not None:
        assert_equal(again.predict(rows), circuit.predict(rows))


@pytest.mark.parametrize("trait", TRAITS)
def test_each_trait_survives_its_file(trait: str) -> None:
    circuit = random_rich_circuit(3, [trait])
    assert trait in traits_of(circuit)
    assert version(to_bytes(circuit)) == (2 if trait == "registers" else 3)
    assert_comes_back(circuit)


@pytest.mark.filterwarnings("ignore::lutsmith.circuit.OutOfRangeWarning")
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_traits_survive_their_file(seed: int) -> None:
    assert_comes_back(random_rich_circuit(seed))


def test_circuits_without_new_traits_are_written_as_version_2() -> None:
    circuit = random_circuit(0)
    assert not traits_of(circuit)
    document = json.loads(header_of(to_bytes(circuit))["__metadata__"]["lutsmith"])
    assert list(document) == ["checksum", "version", "input_shape", "num_groups", "classes", "task", "facts"]
    assert document["version"] == 2
    assert not {name for name in header_of(to_bytes(circuit)) if name.startswith(("word_", "part_", "missing"))}


def setting(name: str, place: int, value: Any) -> Callable[[dict[str, np.ndarray]], None]:
    """Change one number of a tensor."""

    def change(tensors: dict[str, np.ndarray]) -> None:
        tensors[name] = tensors[name].copy()
        tensors[name][place] = value

    return change


def without(*names: str) -> Callable[[dict[str, np.ndarray]], None]:
    return lambda tensors: [tensors.pop(name) for name in names] and None


def shorter(name: str) -> Callable[[dict[str, np.ndarray]], None]:
    return lambda tensors: tensors.update({name: tensors[name][:-1]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (setting("word_feature", 0, 7), "no format"),
        (setting("word_bit", 0, 64), "expected integers in"),
        (setting("word_bit", 0, 63), "whose word has"),
        (setting("format_bits", 0, 65), "bits holds 65"),
        (setting("format_bits", 0, 0), "bits holds 0"),
        (setting("format_signed", 0, 2), "signed holds 2"),
        (setting("format_feature", 0, 1), "must ascend"),
        (setting("format_feature", -1, 8), "feature 5 has no format"),
        (setting("format_per_unit", 0, 0.0), "per_unit above 0"),
        (setting("format_offset", 0, np.nan), "must be finite"),
        (setting("format_offset", 3, 1.0), "expected at most 24 bits, or a plain integer"),
        (setting("missing", 0, 8), "missing holds 8"),
        (without("word_bit"), "of its words there are"),
        (without("format_offset"), "one of offset and per_unit alone"),
        (without("word_feature", "word_bit", "format_feature", "format_bits", "format_signed"), "of its words there"),
        (without("missing"), "fanin holds 156, expected integers in"),
        (shorter("word_bit"), "for 73 bits of words"),
        (setting("part_rank", 0, 4), "part_fanin has shape"),
        (setting("part_rank", 0, 255), "part_fanin has shape"),
        (setting("part_fanin", 0, 2), "wired otherwise in instance"),
        (setting("part_fanin", 0, 250), "fanin holds 250"),
        (setting("part_table", 0, 0x5A), "another table in node 0"),
        (setting("part_level_size", 0, 0), "level_ptr must rise|level 0 is empty"),
        (setting("part_level_size", 0, 200), "level_ptr"),
        (setting("part_outputs", 0, 0), "must be a node or register of its own"),
        (setting("part_register_init", 0, 2), "register_init holds 2"),
        (setting("part_nodes", 0, 250), "node 250 of"),
        (setting("part_nodes", 0, 1), "another|wired otherwise|in two instances"),
        (setting("part_registers", 0, 0), "another initial value|wired otherwise"),
        (setting("table_pool", slice(None), 0x1), "another table in node"),
        (setting("register_init", 3, 2), "register_init holds 2"),
        (shorter("part_nodes"), "part_nodes has shape"),
        (without("part_nodes"), "2 parts, and of their tensors"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        from_bytes(rebuilt(change_tensors=change, data=DATA))


def told(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Change one value of the document."""

    def change(document: Any) -> None:
        *outer, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        for key in outer:
            document = document[key]
        document[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document.pop("head"), "has no head"),
        (lambda document: document.pop("parts"), "has no parts"),
        (told("version", 2), "not those of a circuit"),
        (told("version", 4), "reads up to 3"),
        (told("head", None), "no head has it"),
        (told("head.kind", "dense"), "expected popcounts, integers or several"),
        (told("head.heads", {}), "not a list of name"),
        (told("head.heads.0", []), "not a list of name"),
        (told("head.heads.0.0", "1"), "the name of a head"),
        (told("head.heads.1.0", "sums"), "two heads are called sums"),
        (told("head.heads.0.1", 551), "outputs"),
        (told("head.heads.0.1", 2**31), "expected a whole number"),
        (told("head.heads.0.1", True), "expected a whole number"),
        (told("head.heads.0.2", None), "expected popcounts or integers"),
        (told("head.heads.0.2.kind", "several"), "expected popcounts or integers"),
        (told("head.heads.0.2.words.0", ["a", 2**40, True]), "the bits of a word"),
        (told("head.heads.0.2.words.0", ["a"]), "positional argument"),
        (told("head.heads.0.2.words.0.0", "word_1"), "same name"),
        (told("head.heads.0.2.words.0.2", 1), "expected True or False"),
        (told("head.heads.0.2.shape", [2**31]), "input_shape|shape"),
        (told("head.heads.0.2.shape", [[]]), "shape"),
        (told("head.heads.0.2.shape", None), "iterable"),
        (told("head.heads.1.2.arrays", ["scale", "scale"]), "expected of weights, bias"),
        (told("head.heads.1.2.arrays", ["weights", "names"]), "expected of weights, bias"),
        (told("head.heads.1.2.arrays", []), "no head has it"),
        (told("head.heads.1.2.num_classes", 2**31 - 1), "has shape"),
        (told("head.heads.1.2.classes", "abc"), "classes are not a list"),
        (told("head.heads.1.2.objective", "dance"), "objective"),
        (told("parts", {}), "not a list of name and sizes"),
        (told("parts", []), "0 parts, and of their tensors"),
        (told("parts.0", ["cell"]), "not a list of name and sizes"),
        (told("parts.0.0", "CELL_2"), "same name"),
        (told("parts.0.0", None), "the name of a part"),
        (told("parts.0.1", 2**31 - 100), "is read by nothing"),
        (told("parts.0.1", 2**31), "expected a whole number"),
        (told("parts.0.1", 2), "outputs holds 5, expected integers in"),
        (told("parts.0.2", 2), "part_rank has shape"),
        (told("parts.0.3", 1), "part_level_size has shape"),
        (told("parts.0.4", 3), "part_outputs has shape"),
        (told("parts.0.5", 1), "part_register_next has shape"),
        (told("parts.0.6", 1), "part_nodes has shape"),
        (told("parts.0.6", -1), "expected a whole number"),
        (told("parts.0.6", 2**31 - 1), "part_nodes has shape"),
    ],
)
def test_documents_that_lie_are_refused(change: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        from_bytes(rebuilt(change_document=change, data=DATA))


@pytest.mark.parametrize(
    "path", ["head.kind", "head.heads", *(f"head.heads.1.2.{key}" for key in ("shape", "classes", "objective", "kind"))]
)
def test_documents_that_lack_something_are_refused(path: str) -> None:
    def change(document: Any) -> None:
        *outer, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        for key in outer:
            document = document[key]
        del document[last]

    with pytest.raises(ModelFileError, match=r"has no|expected"):
        from_bytes(rebuilt(change_document=change, data=DATA))


def test_messages_quote_little_of_a_file() -> None:
    with pytest.raises(ModelFileError) as caught:
        from_bytes(rebuilt(change_document=told("parts.0.0", "a\n" * 10_000), data=DATA))
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_more_instances_than_nodes_are_refused_before_they_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node that a file names takes a byte there, and a hundred where its fan-in is looked up."""
    looked_up = SharedPart.problem
    monkeypatch.setattr(
        SharedPart, "problem", lambda part, netlist: pytest.fail(f"{part} of {looked_up(part, netlist)}")
    )
    part = RICH.parts[0]
    many = replace(part, nodes=np.repeat(part.nodes, 99, axis=0), registers=np.repeat(part.registers, 99, axis=0))
    with pytest.raises(ValueError, match="two instances"):
        checked_parts(RICH.netlist, [many])


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_damage_raises_model_file_errors_alone(data: st.DataObject) -> None:
    """With a right checksum: numbers of tensors and of the document are changed, and the rest is left."""
    names = sorted(name for name in header_of(DATA) if name != "__metadata__")
    name = data.draw(st.sampled_from(names))

    def change(tensors: dict[str, np.ndarray]) -> None:
        values = tensors[name] = tensors[name].copy()
        octets = values.view(np.uint8)
        octets[data.draw(st.integers(0, octets.size - 1))] = data.draw(st.integers(0, 255))

    try:
        circuit = from_bytes(rebuilt(change_tensors=change, data=DATA))
    except ModelFileError:
        return
    again = from_bytes(to_bytes(circuit))  # whatever was made is a circuit, and a whole one
    rows = random_rich_rows(1, circuit, 3)
    np.testing.assert_array_equal(again.evaluate(rows), circuit.evaluate(rows))


@pytest.mark.parametrize("size", [0, 7, 8, 100, len(DATA) // 2, len(DATA) - 1])
def test_truncated_files_are_refused(size: int) -> None:
    with pytest.raises(ModelFileError):
        from_bytes(DATA[:size])
