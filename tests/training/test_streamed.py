"""Rows that are not in memory: every row once an epoch, an order that only the seed decides, runs that go on bit for
bit, and no more memory than a few blocks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.format import header_data_from_array_1_0, write_array_header_1_0
from torch import nn

import lutsmith
from lutsmith.circuit.file import to_bytes
from lutsmith.data import DataError, from_arrays, stream_arrays
from lutsmith.data.large import arrays, source
from lutsmith.data.large.arrays import ArrayRows, streamed
from lutsmith.data.targets import Targets
from lutsmith.training import Settings, Trainer, TrainingInterrupted, fit
from lutsmith.training.loop import loop
from lutsmith.training.loop.order import BlockOrder
from lutsmith.training.loop.streamed import Streamed, _Blocks
from lutsmith.training.samples import Samples
from tests.tools import module, needs

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 256, (900, 12)).astype(np.uint8)
Y = (X[:, 0].astype(int) + X[:, 1] > 255).astype(np.int64) + (X[:, 2] > 200)
SMALL = {"luts": (60, 24), "rank": 4, "bits": 2, "epochs": 3, "settings": {"batch_size": 64}, "method": "gradients"}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of 300 rows, where the data have more; blocks and buffers of a few rows."""
    monkeypatch.setattr(source, "SAMPLE_ROWS", 300)
    monkeypatch.setattr("lutsmith.training.loop.streamed.BUFFER_BYTES", 150 * 12)


# The order


sizes_of_blocks = st.lists(st.integers(1, 40), min_size=1, max_size=12).map(np.array)


@st.composite
def orders(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int, int, int]:
    sizes = draw(sizes_of_blocks)
    rows = int(sizes.sum())
    held_out = draw(st.sets(st.integers(0, rows - 1), max_size=rows - 1))
    chosen = np.array(sorted(held_out), np.int64)
    return sizes, chosen, draw(st.integers(1, 30)), draw(st.integers(1, 100)), draw(st.integers(0, 5))


@settings(deadline=None)
@given(orders())
def test_every_row_comes_once_an_epoch_whatever_the_blocks(given_order) -> None:
    sizes, held_out, batch_size, buffer, seed = given_order
    order = BlockOrder(sizes, held_out, Settings(batch_size=batch_size, seed=seed), buffer)
    trained = np.setdiff1d(np.arange(sizes.sum()), held_out)
    assert order.rows == len(trained)
    for epoch in (0, 1):
        batches = list(order.batches(epoch))
        assert len(batches) == order.steps == max(1, len(trained) // batch_size)
        assert {len(batch) for batch in batches} == {min(batch_size, len(trained))}
        seen = np.concatenate(batches)
        assert len(np.unique(seen)) == len(seen)
        assert np.isin(seen, trained).all()
        if batch_size == 1:
            assert np.array_equal(np.sort(seen), trained)
        whole = np.concatenate([order._of([block]) for group in order._groups(epoch) for block in group])
        assert np.array_equal(np.sort(whole), trained)
        assert len(order.example()) == min(batch_size, len(trained))


@settings(deadline=None)
@given(orders(), st.data())
def test_an_epoch_can_be_begun_at_any_batch(given_order, data: st.DataObject) -> None:
    sizes, held_out, batch_size, buffer, seed = given_order
    order = BlockOrder(sizes, held_out, Settings(batch_size=batch_size, seed=seed), buffer)
    again = BlockOrder(sizes, held_out, Settings(batch_size=batch_size, seed=seed), buffer)
    batches = list(order.batches(1))
    start = data.draw(st.integers(0, len(batches)))
    rest = list(again.batches(1, start))
    assert len(rest) == len(batches) - start
    assert all(np.array_equal(one, other) for one, other in zip(batches[start:], rest, strict=True))


def test_the_order_follows_the_seed_and_the_epoch_and_mixes_blocks() -> None:
    sizes, none = np.full(20, 50), np.zeros(0, np.int64)

    def first(seed: int, epoch: int) -> np.ndarray:
        return next(BlockOrder(sizes, none, Settings(batch_size=100, seed=seed), 250).batches(epoch))

    assert np.array_equal(first(0, 0), first(0, 0))
    assert not np.array_equal(first(0, 0), first(1, 0))
    assert not np.array_equal(first(0, 0), first(0, 1))
    assert len(np.unique(first(0, 0) // 50)) == 5  # of the blocks that a buffer holds
    assert (np.diff(first(0, 0)) < 0).any()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 80), st.integers(1, 200), st.randoms())
def test_rows_taken_from_blocks_are_the_rows(rows: int, block: int, most: int, random) -> None:
    x, y = X[:rows], Y[:rows]
    blocks = _Blocks(ArrayRows(x, y, None, block), most)
    for _ in range(4):
        chosen = np.array([random.randrange(rows) for _ in range(random.randrange(1, 30))])
        taken, targets = blocks.take(chosen)
        assert np.array_equal(taken, x[chosen])
        assert np.array_equal(targets, y[chosen])
    assert sum(len(part) for part, _ in blocks._held.values()) <= max(most, rows)
    every = np.arange(rows)
    assert np.array_equal(blocks._source.take(every)[0], x)


def test_few_blocks_are_held_in_an_epoch(few: None) -> None:
    dataset = stream_arrays(X, Y, block=20)
    assert dataset.stream is not None
    feed = Streamed(Samples.of(dataset.x_train, dataset.y_train), dataset.stream, Settings(batch_size=32))
    most = 0
    for rows in feed.batches(0):
        x, y, _ = feed.batch(rows)
        assert np.array_equal(x, X[rows])
        assert np.array_equal(y, Y[rows])
        most = max(most, sum(len(part) for part, _ in feed._read._held.values()))
    assert most <= 300 + 20
    validated = dataset.stream.sample[feed.held_out]
    assert not np.intersect1d(np.concatenate(list(feed.batches(0))), validated).size


# The sample


def test_a_sample_is_uniform_and_the_same_for_a_seed(few: None) -> None:
    one, other = (source.sample_rows(3000, 1, seed) for seed in (0, 1))
    assert len(one) == len(np.unique(one)) == 300
    assert (np.diff(one) > 0).all()
    assert np.array_equal(one, source.sample_rows(3000, 1, 0))
    assert not np.array_equal(one, other)
    counts = np.zeros(30)
    for seed in range(100):
        counts += np.bincount(source.sample_rows(3000, 1, seed) // 100, minlength=30)
    assert abs(counts / counts.mean() - 1).max() < 0.15
    assert np.array_equal(source.sample_rows(200, 1, 0), np.arange(200))


def test_a_sample_has_so_many_bytes() -> None:
    assert source.sample_size(10**9, 1) == 100_000
    assert source.sample_size(10**9, 1 << 14) == 1 << 14
    assert source.sample_size(10**9, 1 << 30) == 1000
    assert source.sample_size(10, 1 << 30) == 10


def test_a_data_set_of_few_rows_is_the_one_in_memory() -> None:
    streamed, whole = stream_arrays(X, Y), from_arrays(X, Y)
    assert streamed.stream is None
    assert np.array_equal(streamed.x_train, whole.x_train)
    assert np.array_equal(streamed.y_train, whole.y_train)
    assert streamed.classes == whole.classes


@pytest.mark.parametrize(
    "y",
    [Y, Y.astype(str), Y.astype(float), Y > 0, Y / 7, np.stack([Y > 0, Y > 1], 1), np.stack([Y / 3, Y / 7], 1)],
    ids=["integers", "text", "whole floats", "truth values", "numbers", "labels", "several numbers"],
)
def test_targets_are_those_of_arrays_in_memory(few: None, y: np.ndarray) -> None:
    y = np.concatenate([y, y[:1]]).copy()
    whole, streamed = from_arrays(np.concatenate([X, X[:1]]), y), stream_arrays(np.concatenate([X, X[:1]]), y, block=77)
    assert streamed.stream is not None
    assert (streamed.objective, streamed.classes) == (whole.objective, whole.classes)
    _, targets = streamed.stream.source.take(np.arange(901))
    assert targets.dtype == whole.y_train.dtype
    assert np.array_equal(targets, whole.y_train)
    assert np.array_equal(streamed.y_train, whole.y_train[streamed.stream.sample])


def test_a_class_that_the_sample_does_not_have_is_a_class(few: None) -> None:
    y = Y.copy()
    y[np.setdiff1d(np.arange(900), source.sample_rows(900, 12, 0))[:2]] = 9
    dataset = stream_arrays(X, y)
    assert dataset.classes == (0, 1, 2, 9)
    assert 3 not in dataset.y_train
    run = lutsmith.train(dataset, quiet=True, **SMALL)
    assert run.circuit.classes == (0, 1, 2, 9)


def _outside() -> np.ndarray:
    """The rows that the sample does not have."""
    return np.setdiff1d(np.arange(900), source.sample_rows(900, 12, 0))


@pytest.mark.parametrize("kind", ["objects", "column", "series"])
def test_a_rare_class_is_found_in_targets_of_any_kind(few: None, kind: str) -> None:
    y = np.array(["n", "y", "z"], object)[Y]
    y[_outside()[:2]] = "rare"
    if kind == "column":
        y = y.astype(str)[:, None]
    elif kind == "series":
        needs("pyarrow", "narwhals")
        y = module("pyarrow").chunked_array([y])
    dataset = stream_arrays(X, y)
    assert dataset.classes == ("n", "rare", "y", "z")
    assert dataset.stream is not None
    assert len(dataset.stream.source.block(0)[1])  # every label is known


def test_targets_outside_the_sample_say_what_all_are(few: None) -> None:
    y = (Y > 0).astype(float)
    for whole in (y.copy(), np.stack([y, 1 - y], 1)):
        whole[_outside()[0]] = 0.5
        dataset = stream_arrays(X, whole)
        assert dataset.objective == from_arrays(X, whole).objective == "regression"
        assert dataset.stream is not None
        assert np.array_equal(dataset.stream.source.block(0)[1], whole)


def test_masked_targets_and_impossible_blocks_are_refused(few: None) -> None:
    with pytest.raises(DataError, match="y has masked values"):
        stream_arrays(X, np.ma.masked_array(Y, mask=np.arange(900) == 3))
    for block in (0, -3):
        with pytest.raises(ValueError, match=f"block is {block}, expected 1 row or more"):
            stream_arrays(X, Y, block=block)


# Training


def test_a_run_on_streamed_rows_is_checked_and_as_good(few: None) -> None:
    held = lutsmith.train(X, Y, quiet=True, seed=1, **{**SMALL, "epochs": 10})
    dataset = stream_arrays(X, Y, block=50)
    run = lutsmith.train(dataset, quiet=True, seed=1, **{**SMALL, "epochs": 10})
    assert run.lowering == "proved"
    assert abs(run.accuracy - held.accuracy) < 0.1
    assert run.measured_on == "held-out"
    again = lutsmith.train(stream_arrays(X, Y, block=50), quiet=True, seed=1, **{**SMALL, "epochs": 10})
    assert to_bytes(again.circuit) == to_bytes(run.circuit)


@pytest.mark.parametrize("stop", [1, 7, 8, 13])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    few: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    def dataset() -> lutsmith.Dataset:
        return stream_arrays(X, Y, block=50)

    whole = lutsmith.train(dataset(), out=tmp_path / "whole", quiet=True, **SMALL)
    left, step = stop, loop.Loop.step

    def interrupting(self: loop.Loop, chosen: np.ndarray) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
        step(self, chosen)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Loop, "step", interrupting)
        with pytest.raises(TrainingInterrupted):
            lutsmith.train(dataset(), out=tmp_path / "run", quiet=True, **SMALL)
    with pytest.raises(ValueError, match="are not those of the run"):
        lutsmith.train(stream_arrays(X, Y, block=60), out=tmp_path / "run", resume=True, quiet=True)
    run = lutsmith.train(dataset(), out=tmp_path / "run", resume=True, quiet=True)
    assert run.accuracy == whole.accuracy
    assert (tmp_path / "run" / "model.lut").read_bytes() == (tmp_path / "whole" / "model.lut").read_bytes()


def test_numbers_and_several_labels_are_trained_on(few: None) -> None:
    for y in (X[:, 0] / 7.0, np.stack([X[:, 0] > 99, X[:, 1] > 99], 1)):
        run = lutsmith.train(stream_arrays(X, y, block=64), quiet=True, **{**SMALL, "epochs": 8})
        assert run.lowering == "proved"


def test_an_infinite_value_outside_of_the_sample_is_refused(few: None) -> None:
    x, sampled = X.astype(np.float32), set(source.sample_rows(900, 48, 0).tolist())
    row = next(row for row in range(450, 900) if row not in sampled)
    x[row, 3] = np.inf
    for block in (1, 7, 900):
        with pytest.raises(DataError, match=f"row {row} of X has an infinite value"):
            lutsmith.train(stream_arrays(x, Y, block=block), quiet=True, **SMALL)


def test_large_maps_are_streamed_by_every_way_in(few: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "LARGE", 1000)
    monkeypatch.setattr("lutsmith.data.tasks.LARGE", 1000)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y)
    x = np.load(tmp_path / "X.npy", mmap_mode="r")
    for mapped in (x, np.asarray(x), x[5:]):  # a view of a map is one
        dataset = from_arrays(mapped, Y[: len(mapped)])
        assert dataset.stream is None  # additive learning reads all rows
        assert streamed(dataset).stream is not None
    held = from_arrays(np.array(x), Y)
    assert streamed(held) is held
    weighted = from_arrays(x, Y, sample_weight=np.ones(900))
    assert streamed(weighted) is weighted
    by_fit = fit(from_arrays(x, Y), None, Settings(epochs=1, batch_size=64), quiet=True)
    assert by_fit.report.rows < 60  # validation rows of the sample
    assert lutsmith.train(x, Y, method="additive", max_luts=9, quiet=True).method == "additive"
    by_array = lutsmith.train(x, Y, quiet=True, **{**SMALL, "method": None})
    by_path = lutsmith.train(tmp_path / "X.npy", quiet=True, **{**SMALL, "method": None})
    assert np.array_equal(by_array.circuit.decision_function(X), by_path.circuit.decision_function(X))
    assert (by_path.method, by_path.lowering) == ("gradients", "proved")
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    found = Trainer(Settings(epochs=2, batch_size=64, validation=0.2), quiet=True).fit(
        nn.Sequential(_AsFloat(), model), x, Y
    )
    assert set(found.validation_rows) <= set(source.sample_rows(900, 12, 0))
    assert len(found.validation_rows) == 60


class _AsFloat(nn.Module):
    def forward(self, x):
        return x.float()


def test_what_needs_all_rows_says_so(few: None, tmp_path: Path) -> None:
    dataset = stream_arrays(X, Y)
    for method in ("additive", "evolve"):
        with pytest.raises(DataError, match="840 training rows that are read block by block, and "):
            lutsmith.train(dataset, method=method, quiet=True)
    with pytest.raises(DataError, match="a teacher reads all at once"):
        lutsmith.train(dataset, quiet=True, **{**SMALL, "settings": {"teacher": "cnn", "batch_size": 64}})
    with pytest.raises(DataError, match="all count the same"):
        replace(dataset, sample_weight=np.ones(300))
    with pytest.raises(DataError, match="900 samples, and numbers of 300 rows of the stream"):
        replace(dataset, x_train=X, y_train=Y)
    with pytest.raises(TypeError, match="X is a list; expected an array"):
        stream_arrays([[1, 2]], [0])
    with pytest.raises(DataError, match="expected numbers"):
        stream_arrays(np.array([["a"]]), Y[:1])
    with pytest.raises(DataError, match="900 samples and 3 labels"):
        stream_arrays(X, Y[:3])
    spoilt = Y.astype(float)
    spoilt[123] = np.nan
    with pytest.raises(DataError, match=r"y is nan in row 123|y is nan in row"):
        stream_arrays(X, spoilt)
    with pytest.raises(DataError, match="more than 10,000 different labels"):
        stream_arrays(np.zeros((30_000, 2), np.uint8), np.arange(30_000))
    np.save(tmp_path / "X.npy", X)
    with pytest.raises(DataError, match=r"X.npy: its targets are missing; expected y.npy beside X.npy"):
        lutsmith.train(tmp_path / "X.npy", quiet=True)
    (tmp_path / "y.npy").write_text("no array")
    with pytest.raises(DataError, match=r"y.npy: not a sound .npy file"):
        lutsmith.train(tmp_path / "X.npy", quiet=True)


def test_targets_of_no_source_are_as_given() -> None:
    x, y = ArrayRows(X, Y, Targets.of(Y), 100).block(8)
    assert len(x) == len(y) == 100


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not say what memory is anonymous")
def test_a_mapped_file_of_20_gb_trains_in_2_gb(tmp_path: Path) -> None:
    rows = 20 * 10**9 // 784
    with (tmp_path / "X.npy").open("wb") as file:  # sparse: zeros that take no disk
        header = header_data_from_array_1_0(np.zeros((1, 784), np.uint8))
        write_array_header_1_0(file, {**header, "shape": (rows, 784)})
        begin = file.tell()
        block = np.random.default_rng(0).integers(0, 256, (2000, 784)).astype(np.uint8)
        for start in np.linspace(0, rows - 2000, 20).astype(np.int64).tolist():  # and here and there some rows
            file.seek(begin + start * 784)
            file.write(block.tobytes())
        file.truncate(begin + rows * 784)
    y = np.lib.format.open_memmap(tmp_path / "y.npy", "w+", np.uint8, (rows,))
    y[::3], y[1::3] = 1, 2
    del y
    code = f"""
        import threading, time
        import lutsmith
        from lutsmith.training import Callback

        peak, over = 0, threading.Event()

        def watch():
            global peak
            while not over.wait(0.01):
                with open("/proc/self/status") as file:
                    peak = max(peak, *(int(line.split()[1]) for line in file if line.startswith("RssAnon")))

        class Few(Callback):
            def after_step(self, stage):
                if stage.batch == 30:
                    stage.stopped = "enough"

        threading.Thread(target=watch, daemon=True).start()
        from lutsmith.data.tasks import load
        from lutsmith.nn import Architecture
        from lutsmith.training import Settings, fit
        dataset = load("table", {str(tmp_path / "X.npy")!r})
        assert len(dataset.stream) == {rows}, len(dataset.stream)
        fitted = fit(dataset, Architecture(luts=(300,), rank=4, bits=1), Settings(epochs=2, batch_size=512),
                     callbacks=[Few()], quiet=True)
        over.set()
        print(fitted.report.rows, peak)
    """
    plain = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, env=plain)
    assert done.returncode == 0, done.stderr
    measured, peak = map(int, done.stdout.split()[-2:])
    assert measured > 1000
    assert peak < 2_000_000, f"{peak:,} kB of anonymous memory"
    print(f"{peak / 1e3:,.0f} MB of anonymous memory at most")
