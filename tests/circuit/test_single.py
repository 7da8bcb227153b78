"""One sample at a time: what the specification says, at every rank and objective, from any thread, in microseconds."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import CircuitBuilder, Comparators, Head, NetlistBuilder, OutOfRangeWarning
from lutsmith.circuit.engine import plan as plans
from lutsmith.circuit.engine.blocks import Blocks
from lutsmith.circuit.engine.engine import FEW

from .examples import random_circuit, random_images, random_netlist

ROOT = Path(__file__).parents[2]


def wired(netlist, head=None) -> Blocks:
    """Features are the netlist's inputs."""
    count = netlist.num_inputs
    return Blocks(Comparators(np.arange(count), np.full(count, 0.5), max(count, 1)), netlist, head)


@given(
    seed=st.integers(0, 2**32),
    inputs=st.integers(0, 40),
    luts=st.integers(0, 100),
    registers=st.integers(0, 3),
    outputs=st.integers(0, 40),
    samples=st.integers(0, FEW),
)
@settings(deadline=None, max_examples=80)
def test_outputs_are_those_of_the_netlist_at_every_rank(seed, inputs, luts, registers, outputs, samples) -> None:
    netlist = random_netlist(seed, inputs=inputs, luts=luts, registers=registers, outputs=outputs, max_rank=6)
    bits = np.random.default_rng(seed).integers(0, 2, (samples, max(inputs, 1)), dtype=np.uint8)
    tables = np.random.default_rng(seed).integers(0, 2**64, netlist.num_nodes, dtype=np.uint64)
    single = wired(netlist)
    for other in (None, tables):
        expected = netlist.evaluate(bits[:, :inputs], tables=other)
        assert np.array_equal(single.outputs(bits, tables=other), expected)


@given(seed=st.integers(0, 2**32), near=st.integers(1, 80), luts=st.integers(0, 100), pooled=st.booleans())
@settings(deadline=None, max_examples=60)
def test_wires_of_any_width_are_the_same(seed, near, luts, pooled) -> None:
    """Rows beyond those that 16 bits name: counted from the lowest that a group reads, or as 32 bits."""
    netlist = random_netlist(seed, luts=luts, outputs=20, max_rank=6)
    if pooled:
        builder = NetlistBuilder(50)
        leaves = builder.lut(np.random.default_rng(seed).integers(0, 50, (60, 5)), np.eye(60, 32, dtype=int))
        netlist = builder.build(builder.lut(leaves.reshape(20, 3), [[0] + 7 * [1]], np.zeros(20, np.int64)))
    bits = np.random.default_rng(seed).integers(0, 2, (3, netlist.num_inputs), dtype=np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "_NEAR", near)
        found = wired(netlist).outputs(bits)
    assert np.array_equal(found, netlist.evaluate(bits))


@given(seed=st.integers(0, 2**32), classes=st.integers(1, 9), group=st.integers(1, 20))
@settings(deadline=None, max_examples=40)
def test_counts_and_labels_are_those_of_the_head(seed, classes, group) -> None:
    netlist, head = random_netlist(seed, outputs=classes * group, max_rank=6), Head(classes)
    bits = np.random.default_rng(seed).integers(0, 2, (3, max(netlist.num_inputs, 1)), dtype=np.uint8)
    scores = head.scores(netlist.evaluate(bits[:, : netlist.num_inputs]))
    single = wired(netlist, head)
    assert np.array_equal(single.counts(bits), scores)
    assert np.array_equal(single.predict(bits), head.labels(scores))  # many ties: the lowest class wins


def test_a_thousand_classes_and_repeated_outputs() -> None:
    netlist, head = random_netlist(1, luts=50, outputs=2000, max_rank=6), Head(1000)
    bits = np.random.default_rng(1).integers(0, 2, (4, netlist.num_inputs), dtype=np.uint8)
    assert np.array_equal(wired(netlist, head).counts(bits), head.scores(netlist.evaluate(bits)))


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "i8", "f2", "f4", "f8", "g"])
def test_numbers_of_every_type_are_compared_as_float32(dtype: str) -> None:
    values = np.array([[0, 1, 2, 100, 16777217, 1e300, np.nan, -np.inf]])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = values.astype(dtype)
    encoder = Comparators(np.arange(8), np.float32([0, 0.5, 1.5, 99.5, 16777216, 3e38, 0, 0]), 8)
    builder = NetlistBuilder(8)
    single = Blocks(encoder, builder.build(np.arange(8)))
    for given_rows in (rows, np.asfortranarray(np.tile(rows, (3, 1))), np.tile(rows, (2, 2))[:, ::2]):
        assert np.array_equal(single.outputs(given_rows), encoder.encode(given_rows))


@pytest.mark.parametrize("objective", ["classification", "multilabel", "regression"])
@pytest.mark.parametrize("method", ["predict", "decision_function", "outputs"])
def test_few_and_many_samples_have_equal_answers(objective: str, method: str) -> None:
    affine = {"weights": np.array([[1, -2, 3], [4, 5, -6], [0, 1, 1], [7, 7, -7]]), "bias": np.array([3, 0, -9, 1])}
    circuit = random_circuit(5, objective=objective, affine=affine)
    images = random_images(5, circuit, 40)
    many = getattr(circuit, method)(images)  # compiled code is loaded
    for size in range(1, FEW + 1):
        few = [getattr(circuit, method)(images[start : start + size]) for start in range(0, 40, size)]
        assert few[0].dtype == many.dtype
        assert np.array_equal(np.concatenate(few), many)


def test_concurrent_callers_have_their_own_answers() -> None:
    circuit = random_circuit(6, luts=500)
    images = random_images(6, circuit, 200)
    expected = circuit.predict(images)
    with ThreadPoolExecutor(8) as pool:
        labels = list(pool.map(lambda index: circuit.predict(images[index % 200][None])[0], range(4000)))
    assert np.array_equal(labels, np.tile(expected, 20))


def test_one_sample_is_checked_like_many() -> None:
    circuit = random_circuit(7, input_shape=(5, 8))
    images = random_images(7, circuit, 20)
    circuit.predict(images)
    with pytest.raises(ValueError, match=r"for a single sample give X\[None\]"):
        circuit.predict(images[0])
    with pytest.raises(TypeError, match="real numbers"):
        circuit.predict(images[:1].astype(str))
    with pytest.warns(OutOfRangeWarning):
        circuit.predict(images[:1] / 255)
    with pytest.warns(OutOfRangeWarning):
        circuit.predict(np.ones((1, 40), np.uint8))


def test_one_sample_of_3000_luts_takes_microseconds() -> None:
    """20 us on a quiet core of 2023; ten times that is a fault, not a slow machine."""
    rng, builder = np.random.default_rng(0), CircuitBuilder((784,))
    bits = builder.compare(rng.integers(0, 784, 1200), rng.uniform(0, 255, 1200).astype(np.float32))
    bits = builder.lut(rng.choice(bits, (2000, 6)), rng.integers(0, 2, (2000, 64)))
    builder.popcount(builder.lut(rng.choice(bits, (1000, 6)), rng.integers(0, 2, (1000, 64))), 10)
    circuit = builder.build(fitted_range=(np.zeros(784, np.float32), np.full(784, 255, np.float32)))
    images = rng.integers(0, 256, (10, 784), dtype=np.uint8)
    circuit.predict(images)
    seconds = []
    for _ in range(300):
        start = time.thread_time()
        circuit.predict(images[:1])
        seconds.append(time.thread_time() - start)
    assert statistics.median(seconds) < 200e-6


ANSWERS = """
import sys
import numpy as np
from tests.circuit.examples import random_netlist
from tests.circuit.test_single import wired
netlist = random_netlist(1, inputs=9, luts=60, max_rank=6)
blocks = wired(netlist)
bits = np.random.default_rng(0).integers(0, 2, (300, 9), dtype=np.uint8)
for step in sys.argv[1:]:
    rows = {"many": bits, "bytes": bits[:2], "floats": bits[:2].astype(np.float32)}[step]
    print(np.array_equal(blocks.outputs(rows), netlist.evaluate(rows > 0)))
"""


@pytest.mark.slow
def test_machine_code_that_several_processes_compiled_is_not_mixed_up(tmp_path) -> None:
    """Each process numbers functions in the order in which it compiles them, and the cache keeps these numbers."""
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": path}
    for steps in (["many", "bytes"], ["many", "floats"], ["bytes", "floats"], ["floats", "bytes"]):
        command = [sys.executable, "-c", ANSWERS, *steps]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["True", "True"], steps
