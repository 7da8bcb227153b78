"""Time that bodies may take to come and to be read, and what goes on meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import numpy as np
import pytest

from lutsmith.serving import RequestError, ServerLimits
from lutsmith.serving.answers import ModelAnswers
from lutsmith.serving.body import Bodies
from lutsmith.serving.json_rows import JsonRows
from lutsmith.serving.predicting import FEW_VALUES, READERS, SMALL

from .models import client, images

LIMITS = ServerLimits(read_timeout=1.0, max_body_bytes=1 << 20)


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time goes on only where it is told."""

    now = 0.0

    def time(self) -> float:
        return self.now


def received(parts: Iterator[tuple[float, bytes]], bodies: Bodies | None = None) -> bytes:
    """The body of parts that come after so many seconds each."""
    loop = Clock()

    async def receive() -> dict[str, Any]:
        seconds, part = next(parts, (0.0, b""))
        loop.now += seconds
        for _ in range(5):  # timers have their turn
            await asyncio.sleep(0)
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    async def read() -> bytes:
        async with (bodies or Bodies()).read({}, receive, LIMITS) as body:
            return bytes(body)

    try:
        return loop.run_until_complete(read())
    finally:
        loop.close()


def test_a_body_that_keeps_coming_has_more_time_and_one_that_does_not_has_none() -> None:
    assert len(received((0.9, b"x" * 32_768) for _ in range(100))) == 3_276_800
    assert len(received((0.09, b"x") for _ in range(10))) == 10
    late: list[list[tuple[float, bytes]]] = [
        [(1.1, b"x")],
        [(0.1, b"x")] * 12,  # a byte at a time
        [(0.0, b"x" * (1 << 20)), (1.1, b"x")],  # what came at first buys no time to hold it
        [(0.9, b"x" * 4096)] * 100,
    ]
    for parts in late:
        with pytest.raises(RequestError) as refused:
            received(iter(parts))
        assert refused.value.status == 408


def test_long_bodies_do_not_lock_out_short_ones() -> None:
    bodies = Bodies()
    bodies.held = LIMITS.max_body_bytes
    assert received(iter([(0.0, b"x" * 1000)] * 16), bodies) == b"x" * 16_000
    with pytest.raises(RequestError) as refused:
        received(iter([(0.0, b"x" * 1000)] * 20), bodies)
    assert refused.value.status == 503
    assert bodies.held == LIMITS.max_body_bytes


def test_the_time_to_an_answer_counts_the_time_that_reading_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    go, read = threading.Event(), JsonRows.read

    def held(self: JsonRows, body: bytes) -> Any:
        assert len(body) <= SMALL or go.wait(60)
        return read(self, body)

    monkeypatch.setattr(JsonRows, "read", held)
    short = json.dumps({"rows": [[1] * 16]}).encode()
    head = {"content-type": "application/json"}
    with client({"m": images()}, limits=ServerLimits(timeout=0.5)) as server:

        async def work() -> None:
            def post(body: bytes) -> Coroutine[Any, Any, Any]:
                return server.http.post("/models/m/predict", content=body, headers=head)

            try:
                late = await asyncio.gather(*(post(short + b" " * SMALL) for _ in range(READERS + 2)))
                assert [(answer.status_code, answer.headers["retry-after"]) for answer in late] == [(504, "1")] * len(
                    late
                )
                assert (await post(short)).status_code == 200  # others go on
                assert (await server.http.get("/healthz")).status_code == 200
            finally:
                go.set()
            answer = await post(short + b" " * SMALL)
            assert answer.status_code in (200, 504)  # as soon as a reader is free

        server.runner.run(work())


def test_long_answers_are_made_and_written_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    told: Callable[..., Any] = ModelAnswers.told

    def noted(*arguments: Any) -> Any:
        threads.append(threading.current_thread())
        return told(*arguments)

    monkeypatch.setattr(ModelAnswers, "told", noted)
    rows = np.zeros((FEW_VALUES, 16), int).tolist()
    with client({"m": images()}) as server:
        assert server.predict(rows[:5], query="?temperature=1").status_code == 200
        assert server.predict(rows, query="?temperature=1").status_code == 200
    assert [thread is threading.main_thread() for thread in threads] == [True, False]
