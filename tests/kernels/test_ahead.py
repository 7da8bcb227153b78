"""Kernels are compiled by another process while this one is busy; whatever happens to it, this one has its kernels."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lutsmith.kernels import threads
from lutsmith.kernels.training import ahead, build
from lutsmith.nn import Architecture
from lutsmith.runs.methods import gradients

BOTH = ("backward", 1, "float32"), ("lookup", 1, "float32")
SCRIPT = """
import hashlib, sys, torch
from lutsmith.kernels.training import ahead, build
from lutsmith.kernels.training.ops import Reads, fold
{before}
torch.manual_seed(0)
x, tables = torch.rand(9, 70, requires_grad=True), torch.rand(30, 2, requires_grad=True)
reads = Reads(torch.randint(9, (30, 1), dtype=torch.int32))
out = fold(x, tables, reads)
helped = ahead._helper is not None
for each in (out, *torch.autograd.grad(out.sum(), (x, tables))):
    print(hashlib.sha256(each.detach().numpy().tobytes()).hexdigest())
print("helped", helped)
"""


@pytest.fixture(autouse=True)
def no_helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ahead, "_helper", None)
    monkeypatch.setattr(threads, "get_num_threads", lambda: 2)
    yield
    ahead._end()


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\nshift 2\n{text}\n")
    path.chmod(0o755)
    return str(path)


def until(true: object) -> None:
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.01)
    assert true()  # type: ignore[operator]


@pytest.mark.skipif(os.name != "posix", reason="the other process is a shell script")
class TestHelper:
    def test_it_says_what_is_done(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = f'echo "$1"; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo "$2"'
        monkeypatch.setattr(sys, "executable", program(tmp_path / "python", text))
        ahead.begin(BOTH)
        ahead.wait(BOTH[0])
        assert not ahead.pending(BOTH[0])
        assert ahead.pending(BOTH[1])
        assert ahead.take_back(BOTH) == [BOTH[1]]
        assert not ahead.pending(BOTH[1])
        ahead.wait(BOTH[1])  # at once
        (tmp_path / "go").touch()

    @pytest.mark.parametrize("text", ["exit 1", "echo nonsense", "kill -9 $$", 'echo "$2"'])
    def test_nobody_waits_for_one_that_failed(self, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", program(tmp_path / "python", text))
        ahead.begin(BOTH)
        for kernel in BOTH:
            ahead.wait(kernel)
            assert not ahead.pending(kernel)

    def test_one_that_never_ends_is_not_waited_for_for_ever(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", program(tmp_path / "python", "exec sleep 100"))
        monkeypatch.setattr(ahead, "TIMEOUT", 0.1)
        ahead.begin(BOTH)
        ahead.wait(BOTH[0])
        assert ahead._helper is not None
        ahead._end()
        ahead._helper.process.wait(10)

    def test_one_at_a_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", program(tmp_path / "python", "exec sleep 100"))
        ahead.begin(BOTH[:1])
        first = ahead._helper
        ahead.begin(BOTH[1:])
        assert ahead._helper is first
        assert first is not None
        first.end()
        until(lambda: first.process.poll() is not None)
        ahead.begin(BOTH[1:])
        assert ahead._helper is not first


@pytest.mark.parametrize("executable", ["", None, "/no/such/program"])
def test_without_a_python_to_start_nothing_is_begun(executable: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    ahead.begin(BOTH)
    assert ahead._helper is None


def test_one_core_and_programs_that_are_frozen_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    ahead.begin(BOTH)
    monkeypatch.setattr(sys, "frozen", False)
    monkeypatch.setattr(threads, "get_num_threads", lambda: 1)
    ahead.begin(BOTH)
    assert ahead._helper is None


def test_what_is_cached_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ahead.Kernel] = []
    monkeypatch.setattr(ahead, "begin", asked.extend)
    monkeypatch.setattr(build, "_is_made", lambda kernel: kernel[0] == "lookup")
    build.expect(BOTH)
    assert asked == [BOTH[0]]
    asked.clear()
    gradients.expect_kernels({"rank": [4, 6, 4], "luts": (200, 100)})
    assert asked == [("backward", 4, "float32"), ("backward", 6, "float32")]
    asked.clear()
    for nothing in ({"luts": []}, {"rank": "six"}, {"rank": 99}, {"rank": None}, {"rank": 6.0}, {"rank": True}):
        gradients.expect_kernels(nothing)
    assert asked == []
    gradients.expect_kernels({})
    assert asked == [("backward", Architecture().rank, "float32")]


def run(cache: Path, before: str = "", **variables: str) -> list[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "NUMBA_NUM_THREADS": "2", **variables}
    command = [sys.executable, "-c", SCRIPT.format(before=before)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_same_bits_by_whoever_compiles(tmp_path: Path) -> None:
    *alone, helped = run(tmp_path / "one", NUMBA_NUM_THREADS="1")
    assert helped == "helped False"
    *together, helped = run(tmp_path / "two")
    assert helped == "helped True"
    *again, helped = run(tmp_path / "two")
    assert helped == "helped False"  # all is cached
    assert alone == together == again


KILLED = """
import os
old = ahead.begin
def begin(kernels):
    old(kernels)
    os.kill(ahead._helper.process.pid, 9)
ahead.begin = begin
"""


@pytest.mark.slow
@pytest.mark.parametrize("fault", [KILLED, "ahead.TIMEOUT = 0.0", "sys.executable = '/bin/false'"])
def test_this_process_compiles_what_the_other_does_not(fault: str, tmp_path: Path) -> None:
    assert len(run(tmp_path, fault)) == 4
