"""JSON documents: there and back, and what is not one."""

from __future__ import annotations

import importlib
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, Head, Metadata, Netlist
from lutsmith.circuit.file import to_bytes
from lutsmith.circuit.traits import TRAITS
from lutsmith.export import ExportError, from_json_text, to_json_text
from lutsmith.export.registry import FORMATS

from ..circuit.examples import (
    JSON,
    assert_same_inputs_and_parts,
    random_circuit,
    random_netlist,
    random_rich_circuit,
)
from .cases import CASES, ranks, with_range

GOLDEN = Path(__file__).with_name("golden")


def assert_same(one: Circuit, other: Circuit) -> None:
    for mine, theirs in ((one.netlist, other.netlist), (one.encoder, other.encoder)):
        for item in fields(mine):
            if item.name not in ("table_pool", "table_index"):
                np.testing.assert_array_equal(getattr(mine, item.name), getattr(theirs, item.name), err_msg=item.name)
    np.testing.assert_array_equal(one.netlist.tables(), other.netlist.tables())
    np.testing.assert_array_equal(np.signbit(one.encoder.threshold), np.signbit(other.encoder.threshold))
    assert one.head == other.head
    assert_same_inputs_and_parts(one, other)
    assert (one.input_shape, one.classes, one.objective, one.metadata) == (
        other.input_shape, other.classes, other.objective, other.metadata,
    )  # fmt: skip
    assert [type(label) for label in one.classes or ()] == [type(label) for label in other.classes or ()]
    assert (one.fitted_range is None) == (other.fitted_range is None)
    if one.fitted_range and other.fitted_range:
        np.testing.assert_array_equal(one.fitted_range, other.fitted_range)


@pytest.mark.parametrize("case", CASES)
def test_json_gives_the_circuit_back(case: str) -> None:
    assert_same(from_json_text(to_json_text(CASES[case])), CASES[case])


def test_registers_and_ranges_come_back() -> None:
    circuit = with_range(ranks(registers=3), -0.1, np.inf)
    assert_same(from_json_text(to_json_text(circuit)), circuit)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), facts=st.dictionaries(st.text(), JSON, max_size=3))
def test_random_circuits_come_back(seed: int, facts: dict[str, Any]) -> None:
    netlist = random_netlist(seed, inputs=24, outputs=12, registers=seed % 3, max_rank=6)
    rng = np.random.default_rng(seed)
    circuit = replace(
        ranks(head=False), netlist=netlist, head=Head(3), metadata=Metadata.from_json(facts), classes=(1, 1.5, "1")
    )
    thresholds = rng.integers(0, 2**32, 24, np.uint32).view(np.float32)
    encoder = replace(circuit.encoder, threshold=np.where(np.isnan(thresholds), np.float32(0), thresholds))
    circuit = replace(circuit, encoder=encoder)
    assert_same(from_json_text(to_json_text(circuit)), circuit)


def test_the_document_is_what_its_description_says() -> None:
    circuit = ranks()
    document = json.loads(to_json_text(circuit))
    netlist = circuit.netlist
    assert document["feature_names"] == list(circuit.schema.names)
    assert document["classes"] == list(circuit.classes or ())
    assert sum(document["netlist"]["level_sizes"]) == netlist.num_nodes
    bits = np.random.default_rng(0).integers(0, 2, (1, netlist.num_inputs))
    values = bits[0].tolist()
    for table, reads in document["netlist"]["nodes"]:
        address = sum(values[signal] << place for place, signal in enumerate(reads))
        values.append(int(table, 16) >> address & 1)
    np.testing.assert_array_equal([values], netlist.evaluate(bits, keep="all"))


def test_text_is_as_it_was() -> None:
    circuit = random_circuit(5, input_shape=(2,), classes=2, group=2, luts=3)
    assert to_json_text(circuit) == (GOLDEN / "small.json").read_text()


RICH = random_rich_circuit(10, TRAITS)
"""Heads "sums" and "head_0", parts "cell" and "Cell_2"."""


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_words_missing_values_heads_places_and_parts_come_back(seed: int) -> None:
    circuit = random_rich_circuit(seed)
    text = to_json_text(circuit)
    again = from_json_text(text)
    assert_same(again, circuit)
    assert to_json_text(again) == text
    pool = replace(circuit, netlist=again.netlist)  # tables are numbered anew
    assert to_bytes(again) == to_bytes(pool)


def test_the_document_of_version_2_is_what_its_description_says() -> None:
    document = json.loads(to_json_text(RICH))
    words, netlist = document["words"], document["netlist"]
    assert document["version"] == 2
    bits = dict(zip(words["formats"]["feature"], words["formats"]["bits"], strict=True))
    assert all(bit < bits[feature] for feature, bit in zip(words["feature"], words["bit"], strict=True))
    inputs = len(document["encoder"]["feature"]) + len(words["bit"]) + len(document["missing"])
    assert netlist["num_inputs"] == inputs
    assert document["head"]["kind"] == "several"
    assert sum(outputs for _, outputs, _ in document["head"]["heads"]) == len(netlist["outputs"])
    first = inputs + len(netlist["registers"]["next"])
    for part in document["parts"]:
        own, ends = part["netlist"], part["netlist"]["num_inputs"] + len(part["netlist"]["registers"]["next"])
        for nodes in part["nodes"]:
            for place, (table, reads) in enumerate(own["nodes"]):
                found = netlist["nodes"][nodes[place]]
                assert found[0] == table
                assert all(
                    there == first + nodes[here - ends]
                    for here, there in zip(reads, found[1], strict=True)
                    if here >= ends
                )


def changed(path: str, value: Any, circuit: Circuit | None = None) -> str:
    document = json.loads(to_json_text(circuit or with_range(CASES["regression"])))
    place = document
    *outer, last = path.split(".")
    for key in outer:
        place = place[int(key)] if key.isdigit() else place[key]
    place[int(last) if last.isdigit() else last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "other"),
        ("version", 3),
        ("version", 2),  # which has no task of its own
        ("version", True),
        ("input_shape", 6),
        ("input_shape", [7]),
        ("input_shape", [2**40, 2**40]),
        ("encoder", None),
        ("encoder.threshold", [1, 2]),
        ("encoder.threshold.0", "nan"),
        ("encoder.threshold.0", True),
        ("encoder.threshold.0", 1e300),
        ("encoder.feature.0", 6),
        ("encoder.feature.0", "0"),
        ("netlist.num_inputs", -1),
        ("netlist.nodes.0", ["10", 3]),
        ("netlist.nodes.3", ["0x1", [0]]),
        ("netlist.nodes.3", ["1" * 17, [0, 1, 2, 3, 4, 5]]),
        ("netlist.nodes.3", ["-1", [0]]),
        ("netlist.nodes.3", ["f", [0]]),
        ("netlist.nodes.3", [1, [0]]),
        ("netlist.nodes.3", ["3", [10**30]]),
        ("netlist.level_sizes.0", 0),
        ("netlist.outputs.0", 10_000),
        ("netlist.registers", {}),
        ("head.num_groups", "2"),
        ("head.weights", [[1], [2, 3]]),
        ("head", {}),
        ("head", []),
        ("head", None),  # and a task
        ("head.scale", [1, 2]),
        ("classes", 3),
        ("classes", "abc"),
        ("task", "dance"),
        ("fitted_range", [1]),
        ("facts", []),
    ],
)
def test_what_is_no_circuit_is_refused(path: str, value: Any) -> None:
    with pytest.raises(ExportError, match="not a circuit in JSON"):
        from_json_text(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("words", None),
        ("words", []),
        ("words.feature.0", 7),
        ("words.bit.0", 64),
        ("words.bit.0", 1.5),
        ("words.formats", None),
        ("words.formats.bits.0", 65),
        ("words.formats.signed.0", 2),
        ("words.formats.offset.0", "inf"),
        ("words.formats.per_unit.0", 0),
        ("words.formats.feature", [5, 0, 1, 2, 3]),
        ("missing", None),
        ("missing.0", 8),
        ("missing", [True]),
        ("head", "several"),
        ("head.kind", "many"),
        ("head.heads", {}),
        ("head.heads.0", ["sums", 3]),
        ("head.heads.0.0", "1st"),
        ("head.heads.0.0", ["sums"]),
        ("head.heads.0.1", 10**9),
        ("head.heads.0.1", "2"),
        ("head.heads.0.2", None),
        ("head.heads.0.2.kind", "several"),
        ("head.heads.0.2.shape", [2**31]),
        ("head.heads.0.2.shape", [[]]),
        ("head.heads.0.2.words.0", ["a", 1]),
        ("head.heads.0.2.words.0", ["a", 0, False]),
        ("head.heads.0.2.words.0", ["a", 10**12, False]),
        ("head.heads.0.2.words.0.2", 1),
        ("head.heads.1.0", "sums"),
        ("parts", None),
        ("parts", {}),
        ("parts.0", "cell"),
        ("parts.0.name", "CELL_2"),
        ("parts.0.name", ["cell"]),
        ("parts.0.nodes", []),
        ("parts.0.nodes", [0, 1, 2]),
        ("parts.0.nodes.0", [0, 1, 2]),
        ("parts.0.nodes.0.0", -1),
        ("parts.0.nodes.0.0", 10**6),
        ("parts.0.registers", [[0]]),
        ("parts.0.netlist.num_inputs", 2**31 - 10),
        ("parts.0.netlist.nodes.0.0", "5a"),
        ("parts.0.netlist.nodes.0.1", [1, 0, 2]),
        ("parts.1.netlist.registers.init", [2]),
        ("parts.1.registers.0.0", 0),
    ],
)
def test_what_is_no_circuit_of_version_2_is_refused(path: str, value: Any) -> None:
    with pytest.raises(ExportError, match="not a circuit in JSON"):
        from_json_text(changed(path, value, RICH))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"format": 1, "format": 1}', "[" * 100_000, "NaN"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ExportError, match="not a circuit in JSON"):
        from_json_text(text)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 10_000), size=st.integers(1, 30), inserted=st.text(max_size=3), rich=st.booleans())
def test_damage_raises_nothing_else(place: int, size: int, inserted: str, rich: bool) -> None:
    text = to_json_text(RICH if rich else random_circuit(5, input_shape=(2,), classes=2, group=2, luts=3))
    place %= len(text)
    try:
        circuit = from_json_text(text[:place] + inserted + text[place + size :])
    except ExportError:
        return
    assert isinstance(circuit.netlist, Netlist)


@pytest.mark.slow
def test_450_000_luts_are_written_in_seconds() -> None:
    from lutsmith.circuit import NetlistBuilder

    rng = np.random.default_rng(0)
    builder = NetlistBuilder(24)
    ends = builder.lut(rng.integers(0, 24, (450_000, 6)), rng.integers(0, 2**63, 450_000, np.uint64))
    assert len(to_json_text(replace(ranks(head=False), netlist=builder.build(ends)))) < 40_000_000


@pytest.mark.parametrize(("module", "export", "instead"), [
    ("json", "json", "model file"), ("graphviz", "graphviz", "export json"),
    pytest.param("onnx.model", "onnx", "c-compact", marks=pytest.mark.needs("onnx")),
])  # fmt: skip
def test_a_circuit_too_large_for_a_format_is_refused_with_its_size_and_what_to_use(
    module: str, export: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.import_module(f"lutsmith.export.{module}")
    monkeypatch.setattr(found, "MAX_SHAPES" if export == "graphviz" else "MAX_BYTES", 20)
    with pytest.raises(ExportError, match=rf"\d\d.*20.*{instead}"):
        FORMATS[export].files(random_circuit(5, input_shape=(3,), classes=2, group=20, luts=40))
