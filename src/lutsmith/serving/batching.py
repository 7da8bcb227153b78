"""Requests of one model that come together are predicted together, by a thread of the model's own.

While the thread predicts, further requests wait in a queue; then it takes what has come together. So a request that
comes alone is predicted at once, and the more there are, the larger the batches become. `naive` says what is computed:
each request by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.serving.answers import Values, part_of
from lutsmith.serving.limits import ServerLimits
from lutsmith.serving.loaded import LoadedModel
from lutsmith.serving.metrics import ModelMetrics
from lutsmith.serving.problems import busy, late

Computed = dict[str, Values]


@dataclass(eq=False)
class Waiting:
    """A request that waits for its answer.

    Attributes:
        model: as it was when the request came: a reload in between changes nothing.
        rows: (N, F), N at least 1.
        needed: what is computed: predictions, scores, outputs.
        loop: of the future.
        future: what the answer is set on, in `loop`.
    """

    model: LoadedModel
    rows: NDArray[Any]
    needed: tuple[str, ...]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Computed] = field(init=False)

    def __post_init__(self) -> None:
        self.future = self.loop.create_future()

    def goes_with(self, other: Waiting) -> bool:
        """Whether two requests may be computed together."""
        return self.model is other.model and self.needed == other.needed


def naive(request: Waiting) -> Computed:
    """Return what a request is answered with: the specification of `Batcher`."""
    return request.model.answers.compute(request.rows, request.needed)


class Batcher:
    """The queue of one model, and the thread that empties it.

    Attributes:
        waiting: rows in the queue or at work.
        arriving: requests whose bodies are being read.
    """

    def __init__(self, name: str, limits: ServerLimits, metrics: ModelMetrics) -> None:
        self.waiting = self.arriving = 0
        self._name, self._limits, self._metrics = name, limits, metrics
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._held: Waiting | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    async def answer(
        self, model: LoadedModel, rows: NDArray[Any], needed: tuple[str, ...], deadline: float | None = None
    ) -> Computed:
        """Return what is `needed` for rows (N, F), computed with those of other requests.

        Args:
            model: of the request.
            rows: of the request.
            needed: of the request.
            deadline: when its time is over, on the clock of the event loop; None: after the limit from now.

        Raises:
            RequestError: 503 where too much waits, 504 where the time is over.
        """
        count = len(rows)
        if self.waiting and self.waiting + count > self._limits.max_waiting:
            raise busy(f"{self.waiting:,} rows wait for the model {self._name}")
        request = Waiting(model, rows, needed, asyncio.get_running_loop())
        if count == 0:
            return naive(request)
        if self._thread is None:
            self._start()
        self.waiting += count
        end = request.loop.time() + self._limits.timeout if deadline is None else deadline
        timer = request.loop.call_at(end, _expire, request, self._limits.timeout)
        try:
            self._queue.put(request)
            return await request.future
        finally:
            timer.cancel()
            self.waiting -= count

    def close(self) -> None:
        """Let the thread end once the queue is empty."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"lutsmith-{self._name}", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            live = [request for request in batch if not request.future.done()]
            if live:
                self._compute(live)

    def _next(self) -> list[Waiting] | None:
        """Return the requests of the next batch; None at the end."""
        first, self._held = self._held, None
        if first is None:
            first = self._queue.get()
            if first is None:
                return None
        batch, rows = [first], len(first.rows)
        deadline = time.monotonic() + self._limits.batch_ms / 1000
        while rows < self._limits.batch_rows:
            wait = deadline - time.monotonic() if self.arriving and self._limits.batch_ms else 0.0
            try:
                further = self._queue.get(timeout=wait) if wait > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if further is None:
                self._queue.put(None)  # for the next round: what was taken is computed first
                break
            if not further.goes_with(first) or rows + len(further.rows) > self._limits.batch_rows:
                self._held = further
                break
            batch.append(further)
            rows += len(further.rows)
        return batch

    def _compute(self, batch: list[Waiting]) -> None:
        start = time.perf_counter()
        given = [request.rows for request in batch]
        results: list[Computed] | Exception
        try:
            model, needed = batch[0].model, batch[0].needed
            found = model.answers.compute(given[0] if len(given) == 1 else np.concatenate(given), needed)
            results = [found]
            if len(batch) > 1:
                ends = np.cumsum([0, *map(len, given)]).tolist()
                results = [
                    {kind: part_of(values, begin, end) for kind, values in found.items()}
                    for begin, end in pairwise(ends)
                ]
        except Exception as error:  # told to each of them; the thread goes on
            results = error
        self._metrics.predicted(sum(map(len, given)), time.perf_counter() - start)
        for loop in {request.loop for request in batch}:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                loop.call_soon_threadsafe(_deliver, loop, batch, results)


def _deliver(loop: asyncio.AbstractEventLoop, batch: list[Waiting], results: list[Computed] | Exception) -> None:
    for number, request in enumerate(batch):
        if request.loop is not loop or request.future.done():
            continue
        if isinstance(results, Exception):
            request.future.set_exception(results)
        else:
            request.future.set_result(results[number])


def _expire(request: Waiting, seconds: float) -> None:
    if not request.future.done():
        request.future.set_exception(late(seconds))
