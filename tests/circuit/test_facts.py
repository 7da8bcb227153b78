"""Facts that lutsmith reads have their types: a crafted file is refused when it is loaded, in one clear line."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import ModelFileError, from_bytes, to_bytes

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
CIRCUIT = replace(named(["p", "q"]), facts=GOOD)


def crafted(facts: Any) -> bytes:
    """The bytes of a model file with other facts, its checksum made right."""
    data = to_bytes(CIRCUIT)
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    document = {**json.loads(header["__metadata__"]["lutsmith"]), "facts": facts, "checksum": "0" * 64}
    header["__metadata__"]["lutsmith"] = json.dumps(document)
    text = json.dumps(header).encode()
    made = len(text).to_bytes(8, "little") + text + data[8 + size :]
    return made.replace(b"0" * 64, hashlib.sha256(made).hexdigest().encode(), 1)


def test_facts_of_the_right_types_are_kept() -> None:
    assert from_bytes(to_bytes(CIRCUIT)).facts == GOOD
    assert from_bytes(crafted(GOOD)).facts == GOOD
    assert from_bytes(crafted(dict.fromkeys(GOOD))).schema.names is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"categories": [["a"], 5]}, r"facts: categories is \[\['a'\], 5\], expected 2 lists of names"),
        ({"categories": [["a"]]}, "expected 2 lists of names"),
        ({"categories": [["a", 1], None]}, "expected 2 lists of names"),
        ({"categories": {"a": 1}}, "facts: categories is .*, expected a list"),
        ({"feature_names": "pq"}, "facts: feature_names is 'pq', expected a list of names"),
        ({"feature_names": ["p", 5]}, "feature_names"),
        ({"target": [1]}, "target is .*, expected the name or the place of a column"),
        ({"target": 1.5}, "target"),
        ({"target": True}, "target"),
        ({"task": ["csv"]}, "task is .*, expected text"),
        ({"seed": "0"}, "seed is '0', expected an integer"),
        ({"accuracy": "high"}, "accuracy is 'high', expected a number"),
        ({"integer_features": 1}, "expected true or false"),
        ({"architecture": []}, "architecture is .*, expected an object"),
        ({"held_out": {"share": "x", "seed": 0, "rows": 1, "table": ""}}, "held_out is .*, expected an object with"),
        ({"held_out": {"share": 0.2}}, "held_out is"),
        ({"table": 5}, "table is 5, expected an object"),
        ({"table": {"colour": 1}}, "table is"),
        ({"table": {"delimiter": ",,"}}, "delimiter of the table is ',,'"),
        ({"table": {"header": 1}}, "header of the table is 1"),
        ({"table": {"width": 1}}, "width of the table is 1"),
        ({"table": {"width": 3, "label": 3}}, "label of the table is 3"),
        ({"table": {"width": 9}}, "width of the table is 9, with 2 features"),
        ({"table": {"width": 9, "places": [1, 1]}}, "places of the table"),
        ({"table": {"width": 9, "places": [1, 9]}}, "places of the table"),
        ({"table": {"width": 9, "places": ["a", "b"]}}, "places of the table"),
        ({"table": {"missing": "?"}}, "missing of the table is '[?]'"),
        ({"table": {"missing": ["?"]}}, "missing of the table"),
        ({"table": {"numerals": {"2": {}}}}, "numerals of the table"),
        ({"table": {"numerals": {"0": {"decimal": "x"}}}}, "is not a way to write numbers"),
        ({"table": {"label_name": 5}}, "label_name of the table is 5"),
    ],
)
def test_facts_of_wrong_types_are_refused_on_loading(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelFileError, match=says) as raised:
        from_bytes(crafted({**GOOD, **change}))
    assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match=says):
        replace(CIRCUIT, facts={**GOOD, **change})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["delimiter", "width", "0", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200)
@given(name=st.sampled_from(sorted(GOOD)), value=JSON)
def test_whatever_passes_loading_predicts_or_is_a_value_error(name: str, value: Any) -> None:
    try:
        circuit = from_bytes(crafted({**GOOD, name: value}))
    except ModelFileError:
        return
    assert isinstance(circuit, Circuit)
    try:
        circuit.predict([{"p": "a", "q": 1}])
    except ValueError as error:
        assert "column" in str(error)  # noqa: PT017 - names of other columns
