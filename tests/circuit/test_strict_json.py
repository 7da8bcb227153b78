"""JSON that cannot break its reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from lutsmith.ground.strict_json import strict_loads
from tests.circuit.examples import JSON


@settings(deadline=None, max_examples=60)
@given(JSON)
def test_strict_json_reads_what_json_writes(value: object) -> None:
    assert strict_loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "nan", "NaN", "[Infinity]", '{"a":1,"a":1}', "1e400", "[" * 65 + "]" * 65]
)
def test_strict_json_refuses_the_rest(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        strict_loads(text)
