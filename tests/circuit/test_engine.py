"""Engine: what comparators, netlist and popcounts say, bit for bit, at any batch size, from any thread."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import Comparators, Head, Netlist, NetlistBuilder
from lutsmith.circuit.engine.engine import Engine
from lutsmith.circuit.engine.plan import EnginePlan
from lutsmith.circuit.engine.workers import num_threads, share
from tests.circuit.examples import random_circuit, random_head, random_images, random_netlist

BATCHES = (0, 1, 4, 5, 63, 64, 65, 1023, 1024, 1025, 2100)


def wired(netlist: Netlist, head: Head | None = None) -> Engine:
    """An engine whose features are the netlist's inputs."""
    count = netlist.num_inputs
    return loaded(Comparators(np.arange(count), np.full(count, 0.5), max(count, 1)), netlist, head)


def loaded(encoder: Comparators, netlist: Netlist, head: Head | None) -> Engine:
    engine = Engine(encoder, netlist, head)
    assert engine.interpreter is engine.interpreter
    return engine


def random_bits(seed: int, netlist: Netlist, samples: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (samples, max(netlist.num_inputs, 1)), dtype=np.uint8)


def engine_of(seed: int, **options: int) -> tuple[Engine, np.ndarray, np.ndarray]:
    """An engine, images for it, and their scores by the specification."""
    circuit = random_circuit(seed, **options)
    images = random_images(seed, circuit, 5000).reshape(5000, -1)
    scores = circuit.head.scores(circuit.evaluate(images))
    return loaded(circuit.encoder, circuit.netlist, circuit.head), images, scores


@given(
    seed=st.integers(0, 2**32),
    inputs=st.integers(0, 70),
    luts=st.integers(0, 150),
    registers=st.integers(0, 3),
    outputs=st.integers(0, 70),
    samples=st.sampled_from(BATCHES),
)
@settings(deadline=None, max_examples=80)
def test_outputs_are_those_of_the_netlist_at_every_rank(seed, inputs, luts, registers, outputs, samples):
    netlist = random_netlist(seed, inputs=inputs, luts=luts, registers=registers, outputs=outputs, max_rank=6)
    bits = random_bits(seed, netlist, samples)
    expected = netlist.evaluate(bits[:, : netlist.num_inputs])
    assert (wired(netlist).outputs(bits) == expected).all()


@given(
    seed=st.integers(0, 2**32), classes=st.integers(1, 9), group=st.integers(1, 30), samples=st.sampled_from(BATCHES)
)
@settings(deadline=None, max_examples=50)
def test_scores_and_labels_are_those_of_the_head(seed, classes, group, samples):
    netlist = random_netlist(seed, outputs=classes * group, max_rank=6)
    head = Head(classes)
    engine, bits = wired(netlist, head), random_bits(seed, netlist, samples)
    scores = head.scores(netlist.evaluate(bits))
    assert (engine.decision_function(bits) == scores).all()
    labels = engine.predict(bits)
    assert labels.dtype == np.int64
    assert (labels == head.labels(scores)).all()


@given(
    seed=st.integers(0, 2**32),
    groups=st.integers(1, 9),
    scores=st.integers(1, 9),
    size=st.integers(1, 12),
    samples=st.sampled_from(BATCHES),
)
@settings(deadline=None, max_examples=50)
def test_affine_heads_are_mapped_as_specified(seed, groups, scores, size, samples):
    netlist = random_netlist(seed, outputs=groups * size, max_rank=6)
    head, bits = random_head(seed, groups, scores, "classification"), random_bits(seed, netlist, samples)
    expected = head.scores(netlist.evaluate(bits))
    engine = wired(netlist, head)
    given_scores = engine.decision_function(bits)
    assert given_scores.dtype == np.int32
    assert (given_scores == expected).all()
    assert (engine.predict(bits) == expected.argmax(1)).all()


@pytest.mark.parametrize("samples", [1, 500])
def test_an_engine_that_is_not_loaded_maps_the_same(samples):
    netlist, head = random_netlist(1, outputs=12), random_head(2, 4, 3, "classification")
    bits = random_bits(1, netlist, samples)
    engine = Engine(Comparators(np.arange(9), np.full(9, 0.5), 9), netlist, head)
    expected = head.scores(netlist.evaluate(bits))
    assert (engine.decision_function(bits) == expected).all()
    assert (engine.predict(bits) == expected.argmax(1)).all()


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("mapped", [4 * 1100, 4 * 300, 1])
def test_counts_are_mapped_part_by_part(size, mapped, monkeypatch):
    monkeypatch.setattr("lutsmith.circuit.engine.engine.MAPPED", mapped)
    netlist, head = random_netlist(1, outputs=4 * size, max_rank=6), random_head(2, 4, 3, "classification")
    bits = random_bits(1, netlist, 3500)
    assert (wired(netlist, head).decision_function(bits) == head.scores(netlist.evaluate(bits))).all()


def test_a_thousand_classes_are_counted():
    netlist = random_netlist(0, inputs=30, luts=3000, outputs=3000, max_rank=6)
    engine, bits, head = wired(netlist, Head(1000)), random_bits(0, netlist, 1100), Head(1000)
    scores = head.scores(netlist.evaluate(bits))
    assert (engine.decision_function(bits) == scores).all()
    assert (engine.predict(bits) == head.labels(scores)).all()


def test_outputs_may_be_inputs_repeated_and_constants():
    builder = NetlistBuilder(3)
    one = builder.constant(True)
    netlist = builder.build([2, 0, 0, one, builder.constant(False), 1])
    bits = np.array([[0, 1, 1], [1, 0, 0]] * 50, np.uint8)
    assert (wired(netlist).outputs(bits) == netlist.evaluate(bits)).all()


@pytest.mark.parametrize("samples", BATCHES)
def test_raw_features_give_the_specified_labels(samples):
    engine, images, scores = engine_of(3, input_shape=(5, 7), luts=60)
    for dtype in (np.uint8, np.float32, np.float64, np.int64):
        assert (engine.decision_function(images[:samples].astype(dtype)) == scores[:samples]).all()


def test_tables_can_be_exchanged():
    netlist = random_netlist(5, luts=80, outputs=20, max_rank=6)
    engine, bits, rng = wired(netlist), random_bits(5, netlist, 100), np.random.default_rng(5)
    for _ in range(3):
        tables = rng.integers(0, 2**64, netlist.num_nodes, dtype=np.uint64)
        for samples in (1, 100):
            part = bits[:samples]
            assert (engine.outputs(part, tables=tables) == netlist.evaluate(part, tables=tables)).all()
    assert (engine.outputs(bits) == netlist.evaluate(bits)).all()
    with pytest.raises(ValueError, match="one word a node"):
        engine.outputs(bits, tables=tables[1:])


def test_rows_are_used_again_and_outputs_kept():
    """A deep chain of layers needs the rows of two layers, not of all."""
    rng, builder = np.random.default_rng(0), NetlistBuilder(100)
    layer, early = np.arange(100), []
    for _ in range(50):
        layer = builder.lut(rng.choice(layer, (100, 3)), rng.integers(0, 2, (100, 8)))
        early.append(layer[0])
    deep = builder.build(layer)
    assert EnginePlan(deep).num_rows < 350
    kept = builder.build(np.concatenate([layer, early[:3], [5]]))
    for netlist in (deep, kept):
        bits = random_bits(0, netlist, 200)
        assert (wired(netlist).outputs(bits) == netlist.evaluate(bits)).all()


@pytest.mark.parametrize("seed", range(3))
def test_rows_do_not_clash_with_more_gaps_than_are_remembered(seed):
    """Levels of 1 to 9 LUTs that live for long leave gaps of every size."""
    rng, builder = np.random.default_rng(seed), NetlistBuilder(20)
    signals, made = np.arange(20), np.arange(20)
    for _ in range(400):
        fanin = rng.choice(signals[-1500:], (int(rng.integers(1, 10)), 3))
        fanin[:, 0] = made[0]  # so that each layer is a level
        made = builder.lut(fanin, rng.integers(0, 2, (len(fanin), 8)))
        signals = np.concatenate([signals, made])
    netlist = builder.build(signals[::10])
    bits = random_bits(seed, netlist, 100)
    assert EnginePlan(netlist).num_rows < netlist.num_signals
    assert (wired(netlist).outputs(bits) == netlist.evaluate(bits)).all()


def test_deep_netlists_are_compiled_for_a_single_sample():
    """NumPy takes some 20 us a level."""
    builder = NetlistBuilder(1)
    signal = np.array([0])
    for _ in range(1200):
        signal = builder.lut(signal[None], [[1, 0]])
    engine = Engine(Comparators([0], [0.5], 1), builder.build(signal))
    assert engine.outputs(np.ones((1, 1), np.uint8)).tolist() == [[True]]
    assert "interpreter" in vars(engine)


def test_a_few_samples_are_known_before_compiled_code_is_loaded(monkeypatch):
    circuit = random_circuit(7)
    images = random_images(7, circuit, 5).reshape(5, -1)
    scores = circuit.head.scores(circuit.evaluate(images))
    tables = np.random.default_rng(7).integers(0, 2**64, circuit.netlist.num_nodes, dtype=np.uint64)
    other = circuit.netlist.evaluate(circuit.encoder.encode(images), tables=tables)
    engine = Engine(circuit.encoder, circuit.netlist, circuit.head)
    assert (engine.decision_function(images[:4]) == scores[:4]).all()
    assert (engine.predict(images[:4]) == scores[:4].argmax(axis=1)).all()
    assert (engine.outputs(images[:4], tables=tables) == other[:4]).all()
    assert "interpreter" not in vars(engine)
    assert (engine.decision_function(images) == scores).all()
    assert "interpreter" in vars(engine)

    engine = Engine(circuit.encoder, circuit.netlist, circuit.head)
    monkeypatch.setattr("lutsmith.circuit.engine.engine.LOADING", 0.0)
    assert (engine.decision_function(images[:1]) == scores[:1]).all()
    assert "interpreter" in vars(engine)


def test_one_sample_needs_no_compiled_code_in_a_new_process(tmp_path):
    circuit = random_circuit(0)
    lutsmith.save(circuit, tmp_path / "model.lut")
    script = """
        import sys, numpy as np, lutsmith
        circuit = lutsmith.load(sys.argv[1])
        print(circuit.predict(np.zeros((1, 4, 3)))[0], *{"numba", "torch"} & set(sys.modules))
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "model.lut")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(circuit.predict(np.zeros((1, 4, 3)))[0])]


@pytest.mark.parametrize("samples", [2, 20])
def test_wrong_arguments_are_refused(samples):
    engine, images, _ = engine_of(0)
    images = images[:samples]
    with pytest.raises(ValueError, match=r"expected \(samples, 12\)"):
        engine.predict(images[:, 1:])
    with pytest.raises(TypeError, match="real numbers"):
        engine.predict(images.astype(complex))
    with pytest.raises(ValueError, match="positive integer"):
        engine.predict(np.tile(images, (20, 1)), threads=0)
    with pytest.raises(ValueError, match="outputs"):
        wired(random_netlist(0)).predict(np.zeros((10, 9)))
    with pytest.raises(ValueError, match="comparators"):
        Engine(Comparators([0], [0], 1), random_netlist(0))


def test_a_memory_map_is_read_in_place(tmp_path):
    engine, images, scores = engine_of(1)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert (engine.decision_function(mapped) == scores).all()
    assert (engine.decision_function(mapped[:3]) == scores[:3]).all()


def test_any_number_of_threads_gives_the_same():
    engine, images, scores = engine_of(2)
    for threads in (1, 2, 3, 16):
        assert (engine.decision_function(images, threads=threads) == scores).all()


def test_concurrent_callers_share_one_engine():
    engine, images, scores = engine_of(4)
    starts = np.random.default_rng(0).integers(0, 3000, 60)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda start: engine.decision_function(images[start:], threads=3), starts))
    for start, result in zip(starts, results, strict=True):
        assert (result == scores[start:]).all()


def _labels_of(images: np.ndarray) -> np.ndarray:
    return engine_of(6)[0].predict(images, threads=2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_predicts_after_its_parent_did():
    engine, images, scores = engine_of(6)
    assert (engine.predict(images, threads=2) == scores.argmax(axis=1)).all()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for labels in pool.map_async(_labels_of, [images] * 4).get(timeout=60):
            assert (labels == scores.argmax(axis=1)).all()


def test_prediction_at_the_end_of_python_works():
    """Threads can no longer be started then."""
    script = """
        import atexit
        from circuit.test_engine import engine_of
        engine, images, scores = engine_of(0)
        atexit.register(lambda: print((engine.decision_function(images, threads=2) == scores).all()))
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_the_number_of_threads_comes_from_argument_environment_or_machine(monkeypatch):
    monkeypatch.setenv("LUTSMITH_NUM_THREADS", "3")
    assert num_threads() == 3
    assert num_threads(2) == 2
    monkeypatch.setenv("LUTSMITH_NUM_THREADS", "many")
    with pytest.raises(ValueError, match="LUTSMITH_NUM_THREADS is 'many'"):
        num_threads()
    with pytest.raises(TypeError, match=r"threads is 1\.5"):
        num_threads(1.5)
    monkeypatch.delenv("LUTSMITH_NUM_THREADS")
    assert 1 <= num_threads() <= (os.cpu_count() or 1)


def test_every_piece_is_taken_once_even_from_within_a_piece():
    done, lock = [], threading.Lock()

    def work(take, outer=True):
        while (piece := take()) is not None:
            with lock:
                done.append(piece)
            if outer:
                share(5, 4, lambda inner: work(inner, outer=False))

    share(20, 4, work)
    assert sorted(done) == sorted(list(range(20)) + list(range(5)) * 20)


def test_work_is_not_kept_by_a_pool_that_never_came_to_it():
    barrier, kept = threading.Barrier(2), []

    class Arrays:
        def take_all(self, take):
            while take() is not None:
                pass

    def work(take):
        while take() is not None:
            barrier.wait(10)  # both threads are busy: the inner calls stay in the queue
            arrays = Arrays()
            share(5, 2, arrays.take_all)
            kept.append(weakref.ref(arrays))
            del arrays
            barrier.wait(10)
            assert kept[-1]() is None
            barrier.wait(10)

    share(2, 2, work)


def test_an_error_in_a_thread_reaches_the_caller():
    barrier = threading.Barrier(2)

    def work(take):
        while take() is not None:
            if threading.current_thread() is not threading.main_thread():
                barrier.wait(10)
                raise RuntimeError("in a helper")
            barrier.wait(10)

    with pytest.raises(RuntimeError, match="in a helper"):
        share(2, 2, work)


SCRIPT = """
import numpy as np
from lutsmith.circuit import Comparators, NetlistBuilder
from lutsmith.circuit.engine.engine import Engine
builder = NetlistBuilder(1)
engine = Engine(Comparators([0], [0.5], 1), builder.build(builder.lut([[0]], [[1, 0]])))
print(engine.outputs(np.zeros((100, 1), np.uint8)).sum(), engine.outputs(np.zeros((100, 1))).sum())
"""


@pytest.mark.slow
def test_compiling_the_engine_is_said_once_and_loading_is_silent(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for expected in ("lutsmith: compiling the engine, once per machine, about 2 s\n", ""):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=100, check=True
        )
        assert (done.stdout, done.stderr) == ("100 100\n", expected)
