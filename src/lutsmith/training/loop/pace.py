"""Fewer threads while other processes hold the cores.

The threads of a kernel wait for the slowest. If one of them has no core, a step takes 10 to 50 times as long as on one
thread. Results do not depend on the number of threads, so it may change at any step: now and then a few steps are timed
on all threads, a half, a quarter, ... of them, and the fastest number is used from then on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from lutsmith.kernels.threads import get_num_threads, limit_num_threads

STEPS = 4  # timed on each number of threads
SECONDS = 5.0  # from one look to the next
SHARE = 20  # and at least so many times as long as the look took
FEWER, MORE = 1.3, 1.1  # times as long on the present number as on fewer, or on more: enough to change
CROWDED = 2.0  # times as long as on fewer threads: others must hold the cores


class Pace:
    """Chooses the number of threads for each step of a training run.

    Args:
        say: shows a line the first time that fewer threads are used because there are not enough cores.
        clock: seconds.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.perf_counter) -> None:
        self._say, self._clock = say, clock
        self._most = self.threads = get_num_threads()
        self._times: dict[int, list[float]] = {}  # of the present look, by number of threads
        self._left: list[int] = []  # numbers of threads that the present look has yet to time
        self._fewer: float | None = None  # a step on fewer threads, by the last look
        self._window: list[float] = []
        self._next = self._began_look = clock()
        self._said = False

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Run the step in the block with the number of threads that is due, and learn from the time it takes."""
        if self._most == 1:
            yield
            return
        if not self._left and (self._clock() >= self._next or self._crowded()):
            self._begin_look()
        count = self._left[0] if self._left else self.threads
        limit_num_threads(count)
        began = self._clock()
        yield
        self._took(count, self._clock() - began)

    def stop(self) -> None:
        """Give the kernels back all their threads."""
        limit_num_threads(None)

    def _crowded(self) -> bool:
        """Whether the last steps took far longer than on fewer threads."""
        if self._fewer is None or len(self._window) < STEPS or self._clock() < self._began_look + SECONDS / 10:
            return False
        return sum(self._window) > CROWDED * STEPS * self._fewer

    def _begin_look(self) -> None:
        numbers = [max(1, self._most >> halvings) for halvings in range(self._most.bit_length())]
        self._left = [self.threads, *(count for count in numbers if count != self.threads)]
        self._times, self._window, self._began_look = {}, [], self._clock()

    def _took(self, count: int, seconds: float) -> None:
        if not self._left:
            self._window = [*self._window[1 - STEPS :], seconds]
            return
        times = self._times.setdefault(count, [])
        times.append(seconds)
        quickest = min(sum(other) / len(other) for other in self._times.values())
        if len(times) == STEPS or seconds > CROWDED * quickest:  # or this number is out of the question
            self._left.pop(0)
            if not self._left:
                self._decide()

    def _decide(self) -> None:
        mean = {count: sum(times) / len(times) for count, times in self._times.items()}
        now, before = self._clock(), self.threads
        present = mean[before]
        best = min(mean, key=lambda count: mean[count])
        if present > (FEWER if best < before else MORE) * mean[best]:
            self.threads = best
        if self.threads < before and present > CROWDED * mean[best] and not self._said:
            self._said = True
            self._say(
                f"a step takes {present / mean[best]:.0f} times as long on {before} threads as on {best}: other "
                f"processes hold the cores, training goes on with {best}"
            )
        fewer = [mean[count] for count in mean if count < self.threads]
        self._fewer = min(fewer, default=None)
        self._next = now + max(SECONDS, SHARE * (now - self._began_look))
