"""Requests that come together are answered as each by itself, whatever way they are split and interleaved."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.serving import RequestError, ServerLimits
from lutsmith.serving.batching import Batcher, Computed
from lutsmith.serving.loaded import LoadedModel
from lutsmith.serving.metrics import ModelMetrics

from .models import client, images, records, table

MODELS = [LoadedModel.of_circuit(images(seed), ServerLimits()) for seed in (0, 1)]


def batcher(**limits: Any) -> Batcher:
    return Batcher("m", ServerLimits(**limits), ModelMetrics())


def run(made: Batcher, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    try:
        return asyncio.run(work())
    finally:
        made.close()


NEEDED = st.sampled_from([("predictions",), ("scores",), ("predictions", "scores"), ("outputs",)])
REQUESTS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 40), NEEDED, st.integers(0, 2)), max_size=30)


@settings(max_examples=50, deadline=None)
@given(REQUESTS, st.integers(1, 64), st.sampled_from([0.0, 0.5]))
def test_every_request_is_answered_with_its_own_rows(requests: list[Any], batch_rows: int, batch_ms: float) -> None:
    made, random = batcher(batch_rows=batch_rows, batch_ms=batch_ms), np.random.default_rng(0)

    async def one(model: int, count: int, needed: tuple[str, ...], pause: int) -> None:
        rows = random.integers(0, 17, (count, 16)).astype(np.float32)
        for _ in range(pause):
            await asyncio.sleep(0)
        found = await made.answer(MODELS[model], rows, needed)
        circuit = MODELS[model].circuit
        wanted = {
            "predictions": circuit.predict(rows),
            "scores": circuit.decision_function(rows),
            "outputs": circuit.outputs(rows),
        }
        assert found.keys() == set(needed)
        for kind, values in found.items():
            np.testing.assert_array_equal(values, wanted[kind])

    async def every() -> None:
        await asyncio.gather(*(one(*request) for request in requests))

    run(made, every)
    assert made.waiting == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(0, 12), min_size=1, max_size=12))
def test_the_server_says_what_predict_says_however_rows_are_split(seed: int, sizes: list[int]) -> None:
    circuit, rows = table(), records(seed, sum(sizes))
    ends = np.cumsum([0, *sizes]).tolist()
    with client({"m": circuit}) as server:

        async def every() -> list[Any]:
            sent = [
                server.http.post("/models/m/predict", json={"rows": rows[start:stop]}) for start, stop in pairwise(ends)
            ]
            return [answer.json()["predictions"] for answer in await asyncio.gather(*sent)]

        told = [label for part in server.runner.run(every()) for label in part]
    assert told == (circuit.predict_labels(rows).tolist() if rows else [])


class Held:
    """A model whose answers wait until they are let go; it notes the rows of each batch."""

    def __init__(self) -> None:
        self.go, self.began, self.batches = threading.Event(), threading.Event(), list[int]()
        self.answers = self

    def compute(self, rows: Any, needed: tuple[str, ...]) -> Computed:
        self.batches.append(len(rows))
        self.began.set()
        assert self.go.wait(60)
        if (rows < 0).any():
            raise RuntimeError("a fault")
        return {kind: rows.copy() for kind in needed}


async def until(true: Callable[[], bool]) -> None:
    for _ in range(6000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def rows(count: int, value: float = 1) -> Any:
    return np.full((count, 1), value, np.float32)


def test_what_waits_while_a_batch_is_computed_becomes_the_next_batch() -> None:
    made, held = batcher(batch_rows=10), Held()

    async def work() -> None:
        first = asyncio.create_task(made.answer(held, rows(1), ("scores",)))
        await until(held.began.is_set)
        later = [asyncio.create_task(made.answer(held, rows(count), ("scores",))) for count in (3, 3, 3, 3, 20, 1)]
        await until(lambda: made.waiting == 34)
        held.go.set()
        await asyncio.gather(first, *later)

    run(made, work)
    assert held.batches == [1, 9, 3, 20, 1]  # alone at once; up to ten rows; a larger one by itself


def test_a_fault_is_told_to_its_batch_and_the_thread_goes_on() -> None:
    made, held = batcher(), Held()
    held.go.set()

    async def work() -> None:
        with pytest.raises(RuntimeError, match="a fault"):
            await made.answer(held, rows(2, -1), ("scores",))
        assert len((await made.answer(held, rows(2), ("scores",)))["scores"]) == 2

    run(made, work)


def test_too_many_waiting_rows_are_refused_and_late_answers_are_given_up() -> None:
    made, held = batcher(max_waiting=10, timeout=0.5), Held()

    async def work() -> None:
        first = asyncio.create_task(made.answer(held, rows(20), ("scores",)))  # always taken where none waits
        await until(held.began.is_set)
        with pytest.raises(RequestError) as refused:
            await made.answer(held, rows(1), ("scores",))
        assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "1")
        with pytest.raises(RequestError) as late:
            await first
        assert (late.value.status, late.value.headers["retry-after"]) == (504, "1")
        assert made.waiting == 0
        second = asyncio.create_task(made.answer(held, rows(3), ("scores",)))
        third = asyncio.create_task(made.answer(held, rows(4), ("scores",)))
        await until(lambda: made.waiting == 7)
        third.cancel()
        await asyncio.gather(third, return_exceptions=True)
        held.go.set()
        await second

    run(made, work)
    assert held.batches == [20, 3]  # what nobody waits for is not computed


def test_a_batch_waits_for_requests_that_are_being_read_and_for_nothing_else() -> None:
    made, held = batcher(batch_ms=10_000, batch_rows=8), Held()
    held.go.set()

    async def work() -> None:
        await made.answer(held, rows(1), ("scores",))  # nothing is being read: at once
        made.arriving = 1
        first = asyncio.create_task(made.answer(held, rows(4), ("scores",)))
        await asyncio.sleep(0.2)
        assert held.batches == [1]
        await asyncio.gather(first, made.answer(held, rows(4), ("scores",)))

    run(made, work)
    assert held.batches == [1, 8]


def test_closing_answers_what_waits_first() -> None:
    made, held = batcher(), Held()

    async def work() -> None:
        first = asyncio.create_task(made.answer(held, rows(1), ("scores",)))
        await until(held.began.is_set)
        second = asyncio.create_task(made.answer(held, rows(2), ("scores",)))
        await until(lambda: made.waiting == 3)
        closing = asyncio.create_task(asyncio.to_thread(made.close))
        held.go.set()
        await asyncio.gather(first, second, closing)
        await made.answer(held, rows(5), ("scores",))  # a new thread

    run(made, work)
    assert held.batches == [1, 2, 5]
