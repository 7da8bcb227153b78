"""The operation is not told: fabrics from simple to complex, and the evidence against those that it is not."""

from __future__ import annotations

import numpy as np
import pytest

from lutsmith.cells import Bitwise, SerialCell
from lutsmith.cells.learning.examples import ContradictionError
from lutsmith.cells.learning.sat import learn_sat
from lutsmith.cells.learning.templates import TEMPLATES, named, search_templates
from lutsmith.cells.textbook import TEXTBOOK
from lutsmith.data.alu.operations import operation
from lutsmith.data.alu.samplers import draw

NAMED = {"+": "serial, one bit more", "-": "serial, one bit more", "*": "array", "AND": "bitwise", ">": "final state",
         "=": "final state", "min": "two passes", "/": "quotient", "isqrt": "root", "popcount": "counter",
         "ROL": "rotate left", "SHR": "shift right", "N": "last of a stream", "V": "last of a stream"}  # fmt: skip


def examples(name: str, count: int, bits: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    truth = operation(name)
    a, b = draw({"uniform": 1, "edge": 1}, truth, 2 * count, bits, rng=seed)
    if name in {"ROL", "SHR"}:
        b = b % bits
    keep = np.flatnonzero(truth.defined(a, b) if truth.arity == 2 else truth.defined(a))[:count]
    two = truth.arity == 2
    return a[keep], b[keep] if two else None, truth.evaluate(a[keep], b[keep] if two else None, bits)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_an_operation_is_found_by_its_examples_and_named_by_a_proof(name: str) -> None:
    bits = 8 if name == "ROL" else 16  # 4 rows of a rotation may invert, each
    found = search_templates(*examples(name, 1000, bits), bits)
    assert found.name == NAMED[name]
    assert name in found.operations
    assert all(proof.outcome == "proved" for proof in found.operations.values())
    assert found.trials[-1].verdict == "agrees"
    assert found.used == len(found.trials[-1].examples) <= 60
    assert found.cell is not None
    a, b, z = examples(name, 2000, 32, seed=1)
    bits = found.cell.fabric.result_bits(32)
    assert (np.asarray(found.cell.evaluate(a, b, 32)) == (z & (1 << bits) - 1)).all()


def test_the_evidence_against_a_fabric_can_be_asked_again() -> None:
    a, b, z = examples("-", 300, 6)
    found = search_templates(a, b, z, 6)
    refuted = [trial for trial in found.trials if trial.verdict == "refuted"]
    assert [trial.name for trial in refuted] == list(TEMPLATES)[: len(refuted)]
    for trial in refuted:
        chosen = list(trial.examples)
        fabric = TEMPLATES[trial.name]
        if "do not hold" in trial.reason:
            assert not -(1 << fabric.result_bits(6) - 1) <= z[chosen[0]] < 1 << fabric.result_bits(6) - 1
        else:
            with pytest.raises(ContradictionError) as error:
                learn_sat(fabric, a[chosen], b[chosen], z[chosen], 6)  # type: ignore[index]
            assert set(error.value.numbers) <= set(range(len(chosen)))


def test_noise_is_nothing_and_every_fabric_is_refuted() -> None:
    draw_ = np.random.default_rng(3)
    a, b, z = draw_.integers(0, 16, (3, 200))
    found = search_templates(a, b, z, 4)
    assert found.cell is None
    assert found.name is None
    assert not found.operations
    assert found.used == 0
    assert [trial.name for trial in found.trials] == list(TEMPLATES)
    assert {trial.verdict for trial in found.trials} == {"refuted"}


def test_what_is_not_decided_is_said_to_be_so() -> None:
    a, b, z = examples("%", 500, 24)
    found = search_templates(a, b, z, 24, templates={"only": TEMPLATES["quotient"]}, max_seconds=1e-3)
    assert found.cell is None
    assert [trial.verdict for trial in found.trials] in (["not decided"], [])


def test_names_are_those_that_were_proved() -> None:
    assert set(named(TEXTBOOK["<"])) == {"<"}
    assert set(named(TEXTBOOK["%"])) == {"%"}
    assert set(named(TEXTBOOK["N"])) == {"N"}
    assert not named(TEXTBOOK["<"].flipped("cell", 0, 1))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="max_seconds"):
        search_templates([1], [1], [1], 4, max_seconds=0)
    with pytest.raises(TypeError, match="template 'x'"):
        search_templates([1], [1], [1], 4, templates={"x": "bitwise"})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="no examples"):
        search_templates([], [], [], 4)
    with pytest.raises(ValueError, match="rows"):
        search_templates([1, 2], [1], [1], 4)
    assert search_templates([3], [1], [1], 2, templates={"a": Bitwise(), "b": SerialCell()}).name == "a"
