"""Circuits go to workers: small, made once in a process, and with the threads that the worker was given."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit
from lutsmith.circuit.engine.workers import cores_given, num_threads
from lutsmith.circuit.file import to_bytes
from tests.circuit.examples import random_circuit

X = np.random.default_rng(1).random((3000, 20)).astype(np.float32)


@pytest.fixture
def circuit() -> Circuit:
    return random_circuit(0)


def test_a_pickle_is_as_small_as_the_file_and_holds_no_engine(circuit: Circuit) -> None:
    before = pickle.dumps(circuit)
    circuit.predict(np.zeros((3000, *circuit.input_shape), np.float32))
    assert pickle.dumps(circuit) == before
    assert len(before) < 1.5 * len(to_bytes(circuit)) + 4096


def test_a_process_makes_a_circuit_once_however_often_it_is_sent(circuit: Circuit) -> None:
    data = pickle.dumps(circuit)
    first, second = pickle.loads(data), pickle.loads(pickle.dumps(circuit))
    assert first is second
    assert first is not circuit
    assert to_bytes(first) == to_bytes(circuit)
    assert to_bytes(copy.deepcopy(circuit)) == to_bytes(circuit)
    other = random_circuit(1)
    assert to_bytes(pickle.loads(pickle.dumps(other))) == to_bytes(other)


def test_few_circuits_are_kept() -> None:
    sent = [pickle.dumps(random_circuit(seed)) for seed in range(6)]
    first = pickle.loads(sent[0])
    for data in sent[1:]:
        pickle.loads(data)
    assert pickle.loads(sent[0]) is not first


@settings(deadline=None)
@given(st.integers(1, 10_000), st.sampled_from(["{}", " {} ", "{},7", "{}, 1"]))
def test_the_threads_are_the_cores_that_a_worker_was_given(share: int, written: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LUTSMITH_NUM_THREADS", raising=False)
        patch.delenv("OMP_NUM_THREADS", raising=False)
        cores = cores_given()
        patch.setenv("OMP_NUM_THREADS", written.format(share))
        assert num_threads() == cores_given() == min(cores, share)
        patch.setenv("LUTSMITH_NUM_THREADS", "3")
        assert num_threads() == 3


@pytest.mark.parametrize("nonsense", ["", "0", "-2", "two", "1.5", "²", ",2"])
def test_what_is_not_a_number_of_threads_is_not_one(nonsense: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUTSMITH_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", nonsense)
    assert num_threads() == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to cores")
def test_a_process_that_is_bound_to_a_core_uses_one_thread() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from lutsmith.circuit.engine.workers import num_threads; print(num_threads())"
    )
    plain = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=plain) == "1\n"
