"""BLIF is proved part by part where its names allow it, and as a whole where they do not."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lutsmith.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.export import to_blif
from lutsmith.formats import from_blif
from lutsmith.hardware import verify, verify_files
from lutsmith.hardware.verification.readers.parts import _edges, parts_of
from lutsmith.logic import elaborate, pipelined
from tests.circuit.examples import random_affine, random_circuit
from tests.hardware.examples import tiny

pytestmark = pytest.mark.needs("abc")

PARTS = {"encoder", "network", "popcount", "decision"}


def _proved(circuit: Circuit, text: str | None = None, **options: object) -> dict[str, str]:
    if text is None:
        found = verify(circuit, ("blif",), layers=("formal",), **options)
    else:
        found = verify_files(circuit, "blif", {"a.blif": text.encode()}, layers=("formal",), **options)
    return {check.part: check.verdict for check in found.of("blif", "formal")}


def _awkward() -> Circuit:
    """Outputs that are comparators, constants, and the same signal twice."""
    builder = CircuitBuilder((3,))
    bits = builder.compare([0, 1, 2], [0.5, 1.5, 2.5])
    both = builder.lut([[int(bits[0]), int(bits[1])]], np.array([8], np.uint64))
    one = builder.constant(True)
    builder.popcount([both[0], both[0], bits[2], bits[2], one, bits[0]], num_groups=3)
    return builder.build()


@pytest.mark.slow
@pytest.mark.parametrize("pipeline", [None, 1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_parts_of_blif_are_proved_each_alone(seed, pipeline):
    objective = ("classification", "multilabel", "regression")[seed]
    circuit = random_circuit(seed, classes=3, group=4, objective=objective, affine=random_affine(seed, 3, 3, objective))
    found = _proved(circuit, words=4, pipeline=pipeline)
    assert set(found) - {"registers"} == PARTS
    assert set(found.values()) == {"proved"}


@pytest.mark.parametrize("pipeline", [None, 1])
def test_signals_that_are_several_inputs_of_a_part_are_one(pipeline):
    found = _proved(_awkward(), pipeline=pipeline)
    assert set(found) - {"registers"} == PARTS
    assert set(found.values()) == {"proved"}


def test_a_file_with_other_names_is_proved_as_a_whole():
    renamed = re.sub(r"\bn(\d+)\b", r"wire\1", to_blif(tiny()))
    assert _proved(tiny(), renamed) == {"all": "proved"}


def test_parts_may_differ_where_the_whole_is_the_same():
    text = to_blif(tiny())
    a, b = list(dict.fromkeys(_edges(text, elaborate(tiny()))[1]))[:2]
    swapped = re.sub(rf"\b({a}|{b})\b", lambda match: b if match[0] == a else a, text)
    assert swapped != text
    assert _proved(tiny(), swapped) == {"all": "proved"}


def test_a_part_reads_nothing_but_the_part_before():
    """A wire from the samples into the network is seen even if the signals' names are right."""
    text = to_blif(tiny())
    first = from_blif(text).inputs[0]
    outputs = _edges(text, elaborate(tiny()))[2]
    line = next(line for line in text.splitlines() if line.startswith(".names ") and line.split()[-1] == outputs[0])
    words = line.split()
    found = parts_of(text.replace(line, " ".join([words[0], first, *words[2:]])), text, elaborate(tiny()), 60)
    assert found is not None
    assert [pair is None for pair in found] == [False, True, False, False]


@pytest.mark.parametrize("part", range(4))
def test_a_fault_in_any_part_of_a_pipeline_is_found(part):
    circuit = random_circuit(4, classes=3, group=5)
    text = to_blif(circuit, words=4, pipeline=2)
    name = _edges(text, pipelined(elaborate(circuit, words=4), 2))[part + 1][0]
    while latch := re.search(rf"^\.latch (\S+) {re.escape(name)} ", text, re.MULTILINE):
        name = latch[1]
    inverted = re.sub(
        rf"(^\.names .*{re.escape(name)}\n)((?:[01-]+ [01]\n)+)",
        lambda match: match[1] + re.sub(r"[01]$", lambda bit: "10"[int(bit[0])], match[2], flags=re.MULTILINE),
        text,
        flags=re.MULTILINE,
    )
    assert inverted != text
    assert "failed" in _proved(circuit, inverted, words=4, pipeline=2).values()
