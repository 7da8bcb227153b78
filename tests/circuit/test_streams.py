"""Streams: what batches give is what the whole gives, whatever the source, and no more than a batch is held."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith.circuit import Circuit, CircuitBuilder, Metadata, OutOfRangeWarning
from lutsmith.circuit.circuit import METHODS
from tests.tools import module

from .examples import random_circuit, random_images

CIRCUIT = random_circuit(0)
IMAGES = random_images(0, CIRCUIT, 1000)
FLAT = IMAGES.reshape(1000, -1)


def joined(batches: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate(list(batches))


def named(names: list[str], **metadata: object) -> Circuit:
    """A circuit of one feature a name."""
    builder = CircuitBuilder((len(names),))
    bits = builder.compare(builder.features, 100.5)
    builder.popcount(builder.lut(np.stack([bits, np.roll(bits, 1)], 1), [[0, 1, 1, 1]] * len(names)), len(names))
    return builder.build(metadata=Metadata.from_json({"feature_names": names, **metadata}))


@pytest.mark.parametrize("method", METHODS)
@given(samples=st.integers(0, 70), batch=st.integers(1, 80))
@settings(deadline=None, max_examples=15)
def test_batches_together_are_the_whole(method: str, samples: int, batch: int) -> None:
    expected = getattr(CIRCUIT, method)(IMAGES[:samples])
    parts = list(CIRCUIT.predict_batches(IMAGES[:samples], batch=batch, method=method))
    assert all(len(part) <= batch for part in parts)
    result = np.concatenate(parts)
    assert result.dtype == expected.dtype
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("objective", ["multilabel", "regression"])
def test_each_objective_says_what_predict_says(objective: str) -> None:
    affine = {"bias": np.array([-2, -3, 1])} | ({"scale": np.array([0.5, 2, 1])} if objective == "regression" else {})
    circuit = random_circuit(1, objective=objective, affine=affine)
    assert np.array_equal(joined(circuit.predict_batches(IMAGES, batch=300)), circuit.predict(IMAGES))


def test_iterables_of_arrays_give_a_result_each() -> None:
    expected = CIRCUIT.predict(IMAGES)
    parts = [IMAGES[:10], FLAT[10:10], FLAT[10:400].astype(np.float64), IMAGES[400:].tolist()]
    for source in (parts, tuple(parts), iter(parts), (part for part in parts)):
        results = list(CIRCUIT.predict_batches(source))
        assert [len(result) for result in results] == [10, 0, 390, 600]
        assert np.array_equal(np.concatenate(results), expected)
    assert [len(result) for result in CIRCUIT.predict_batches(parts, batch=300)] == [10, 0, 300, 90, 300, 300]
    assert list(CIRCUIT.predict_batches([])) == []


def test_memory_maps_and_files_are_read_in_place(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    expected = CIRCUIT.predict(IMAGES)
    for source in (tmp_path / "x.npy", str(tmp_path / "x.npy"), np.load(tmp_path / "x.npy", mmap_mode="r")):
        assert np.array_equal(joined(CIRCUIT.predict_batches(source, batch=300)), expected)


def test_whatever_has_a_shape_and_slices_is_an_array() -> None:
    class Lazy:
        shape = IMAGES.shape

        def __init__(self) -> None:
            self.read: list[slice] = []

        def __getitem__(self, part: slice) -> np.ndarray:
            self.read.append(part)
            return IMAGES[part]

    source = Lazy()
    results = CIRCUIT.predict_batches(source, batch=400)
    assert source.read == []
    next(results)
    assert source.read == [slice(0, 400)]
    assert len(joined(results)) == 600


def test_torch_tensors_are_taken() -> None:
    torch = module("torch")
    assert np.array_equal(joined(CIRCUIT.predict_batches(torch.from_numpy(IMAGES), batch=300)), CIRCUIT.predict(IMAGES))


def test_no_more_than_a_batch_is_held() -> None:
    """A gigabyte of samples in all; tracemalloc sees what NumPy allocates."""
    circuit = random_circuit(3, input_shape=(50, 50))
    block = random_images(3, circuit, 4096).astype(np.float32)
    labels = circuit.predict(block)

    def samples() -> Iterator[np.ndarray]:
        for _ in range(25):
            yield block.copy()

    list(circuit.predict_batches([block]))
    tracemalloc.start()
    try:
        for result in circuit.predict_batches(samples()):
            assert np.array_equal(result, labels)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 25 * block.nbytes > 1_000_000_000
    assert peak < 2.5 * block.nbytes  # the generator makes the next while it still holds the last


def test_a_memory_map_larger_than_the_limit_is_predicted(tmp_path: Path) -> None:
    """800 MB of samples in a sparse file, in a process that may not allocate 300 MB beyond what it starts with."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the limit on data segments is Linux's")
    circuit = random_circuit(4, input_shape=(1000,))
    lutsmith.save(circuit, tmp_path / "model.lut")
    array = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float64, shape=(100_000, 1000))
    array[-1] = 200
    array.flush()
    del array
    script = """
        import resource, sys, warnings, numpy as np, lutsmith
        circuit = lutsmith.load(sys.argv[1])
        circuit.predict(np.zeros((100, 1000)))
        used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (used + 300_000_000, used + 300_000_000))
        total = 0
        for labels in circuit.predict_batches(sys.argv[2], batch=5000):
            total += len(labels)
        print(total, labels[-1] == circuit.predict(np.full((1, 1000), 200.0))[0])
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "model.lut"), str(tmp_path / "x.npy")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "LUTSMITH_NUM_THREADS": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("100000 True\n", 0), done.stderr


def test_a_generator_is_closed_with_the_stream() -> None:
    closed = []

    def samples() -> Iterator[np.ndarray]:
        try:
            while True:
                yield IMAGES
        finally:
            closed.append(True)

    results = CIRCUIT.predict_batches(samples())
    next(results)
    results.close()
    assert closed == [True]

    for labels in CIRCUIT.predict_batches(samples()):
        assert len(labels) == 1000
        break
    gc.collect()
    assert closed == [True, True]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, RuntimeError])
def test_errors_of_a_source_come_through_and_close_it(error: type[BaseException]) -> None:
    closed = []

    def samples() -> Iterator[np.ndarray]:
        try:
            yield IMAGES
            raise error("stop")
        finally:
            closed.append(True)

    results = CIRCUIT.predict_batches(samples())
    next(results)
    with pytest.raises(error, match="stop"):
        next(results)
    assert closed == [True]
    with pytest.raises(StopIteration):
        next(results)


def test_ctrl_c_ends_a_stream_and_closes_its_source(tmp_path: Path) -> None:
    script = """
        import signal, sys, threading, numpy as np
        sys.path.insert(0, sys.argv[1])
        from circuit.test_streams import CIRCUIT, IMAGES
        def samples():
            try:
                while True:
                    yield IMAGES
            finally:
                print("closed", flush=True)
        CIRCUIT.predict(IMAGES)  # imports are over: one that is interrupted may swallow it
        threading.Timer(0.5, signal.raise_signal, [signal.SIGINT]).start()
        try:
            for labels in CIRCUIT.predict_batches(samples()):
                pass
        except KeyboardInterrupt:
            print("interrupted", len(CIRCUIT.predict(IMAGES)))
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(Path(__file__).parent.parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "closed\ninterrupted 1000\n", done.stderr


def test_the_range_is_warned_about_once_a_call() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(CIRCUIT.predict_batches([IMAGES, IMAGES / 255.0, IMAGES / 255.0]))
    assert [item.category for item in caught] == [OutOfRangeWarning]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (3, TypeError, "source is a int, expected an array"),
        (None, TypeError, "source is a NoneType"),
        (b"abc", TypeError, "source is a bytes"),
        ({"x": IMAGES}, TypeError, "source is a dict"),
        ("x.csv", ValueError, r"x\.csv: unknown kind of file, expected \.npy, \.parquet or"),
        ("none.npy", FileNotFoundError, r"none\.npy does not exist"),
    ],
)
def test_what_is_no_source_is_refused_at_once(source: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CIRCUIT.predict_batches(source)


def test_wrong_arguments_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="method is 'scores'; expected one of"):
        CIRCUIT.predict_batches(IMAGES, method="scores")
    with pytest.raises(ValueError, match="batch holds 0"):
        CIRCUIT.predict_batches(IMAGES, batch=0)
    with pytest.raises(TypeError, match="batch must be integers"):
        CIRCUIT.predict_batches(IMAGES, batch=1.5)
    builder = CircuitBuilder((2,))
    headless = builder.build(builder.compare([0, 1], 0.5))
    with pytest.raises(ValueError, match="needs a head"):
        headless.predict_batches(np.zeros((3, 2)))
    assert joined(headless.predict_batches(np.ones((3, 2)), method="outputs")).all()


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (np.zeros((5, 7)), ValueError, r"X has shape \(5, 7\), expected"),
        (np.zeros(12), ValueError, "X has shape"),
        (np.float32(3), ValueError, "X has shape"),
        (np.zeros((5, 12), complex), TypeError, "real numbers"),
        ([IMAGES, np.zeros((5, 7))], ValueError, r"item 1 of the source: X has shape \(5, 7\)"),
        ([[1, 2], [3, 4]], ValueError, r"item 0 of the source: X has shape \(2,\)"),
        ([IMAGES, "text"], TypeError, "item 1 of the source: .*real numbers"),
        ([[[1, 2], [3]]], ValueError, "item 0 of the source"),
    ],
)
def test_content_that_does_not_fit_is_refused(source: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        list(CIRCUIT.predict_batches(source))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4',", b"hello" * 100])
def test_damaged_npy_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"not a sound \.npy file"):
        CIRCUIT.predict_batches(tmp_path / "x.npy")


def test_files_of_objects_are_refused_unread(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[print]]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"not a sound \.npy file"):
        CIRCUIT.predict_batches(tmp_path / "x.npy")


@pytest.mark.parametrize("kind", ["feather", "parquet"])
def test_a_compressed_file_is_not_read_as_a_whole(kind: str, tmp_path: Path) -> None:
    pa = module("pyarrow")
    from pyarrow import feather, parquet

    from lutsmith.circuit.engine.streams import SampleStream
    from lutsmith.circuit.tabular import Schema

    x = np.random.default_rng(0).random((1_500_000, 8), dtype=np.float32)
    table = pa.table({f"x{number}": x[:, number] for number in range(8)})
    path = tmp_path / f"x.{kind}"
    if kind == "feather":
        feather.write_feather(table, path, compression="lz4", chunksize=10_000)
    else:
        parquet.write_table(table, path, row_group_size=len(x), data_page_size=1 << 16, use_dictionary=False)
    size = table.nbytes
    del table
    gc.collect()
    before, most, rows = pa.total_allocated_bytes(), 0, []
    for batch in SampleStream((8,), Schema(8)).batches(path, 10_000):
        most = max(most, pa.total_allocated_bytes() - before)
        rows.append(batch.copy())
    assert np.array_equal(np.concatenate(rows), x)
    assert most < size / 2
