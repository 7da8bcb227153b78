"""Training on a busy machine goes on with the threads that have cores."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lutsmith.kernels import threads
from lutsmith.training.loop.pace import SECONDS, Pace


class Machine:
    """Runs steps on a clock of its own: with more threads than free cores a step takes 20 times as long."""

    def __init__(self, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("lutsmith.training.loop.pace.get_num_threads", lambda: most)
        monkeypatch.setattr("lutsmith.training.loop.pace.limit_num_threads", self.limit)
        self.now, self.free, self.step = 0.0, most, 0.004
        self.limited: int | None = None
        self.used: list[int] = []
        self.lines: list[str] = []
        self.pace = Pace(self.lines.append, clock=lambda: self.now)

    def limit(self, most: int | None) -> None:
        self.limited = most

    def run(self, seconds: float) -> float:
        """Take steps for so long; return how many a second."""
        end, steps = self.now + seconds, 0
        while self.now < end:
            with self.pace.step():
                count = self.limited or 1
                self.used.append(count)
                self.now += self.step / count * (1 if count <= self.free else 20)
            steps += 1
        return steps / seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Machine]:
    return lambda most: Machine(most, monkeypatch)


def test_a_quiet_machine_keeps_all_threads_and_says_nothing(machine: Callable[[int], Machine]) -> None:
    quiet = machine(2)
    rate = quiet.run(60)
    assert rate > 0.97 * 500  # looking costs little
    assert quiet.used.count(2) > 0.97 * len(quiet.used)
    assert quiet.lines == []


def test_a_busy_core_costs_a_thread_and_one_line(machine: Callable[[int], Machine]) -> None:
    busy = machine(2)
    busy.run(7)
    busy.free = 1
    rate = busy.run(60)
    assert rate > 0.9 * 250  # as on one thread; all threads would make 25
    assert len(busy.lines) == 1
    assert "20 times" not in busy.lines[0]  # two threads halve the work: 10 times as long as on one
    assert "10 times as long on 2 threads as on 1" in busy.lines[0]


def test_a_core_that_is_free_again_is_used_again(machine: Callable[[int], Machine]) -> None:
    busy = machine(2)
    busy.free = 1
    busy.run(3 * SECONDS)
    busy.free = 2
    busy.run(2 * SECONDS)
    assert busy.pace.threads == 2
    busy.free = 1
    busy.run(1)
    assert busy.pace.threads == 1
    assert len(busy.lines) == 1


def test_of_many_cores_those_that_are_free_go_on(machine: Callable[[int], Machine]) -> None:
    busy = machine(16)
    busy.free = 5
    busy.run(20)
    assert busy.pace.threads == 4


def test_long_steps_are_not_looked_at_all_the_time(machine: Callable[[int], Machine]) -> None:
    slow = machine(2)
    slow.step = 4.0
    slow.run(3000)
    assert slow.used.count(2) > 0.9 * len(slow.used)


def test_the_kernels_get_their_threads_back() -> None:
    before = threads.get_num_threads()
    pace = Pace(lambda line: None)
    with pace.step():
        pass
    threads.limit_num_threads(1)
    assert threads.get_num_threads() == 1
    pace.stop()
    assert threads.get_num_threads() == before


def test_one_thread_is_never_timed(machine: Callable[[int], Machine]) -> None:
    single = machine(1)
    single.run(1)
    assert set(single.used) == {1}
    assert single.limited is None
