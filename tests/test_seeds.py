"""One seed gives one model file, bit for bit, whatever the threads, other programs, and where a run was stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lutsmith.training.files import checkpoint

ARCHITECTURES = {
    "fixed": {"connections": "fixed", "rank": 6},
    "learnable": {"connections": "learnable", "rank": 4, "num_candidates": 8, "parametrization": "warp"},
    "dense": {"connections": "dense", "rank": 4, "parametrization": "dwn"},
}
LEVERS = {
    "resample": 0.5,
    "score_every": 2,
    "freeze_wires": 0.5,
    "freeze": [0.5],
    "sampling_final": "hard",
    "sampling_from": 0.5,
    "teacher": "cnn",
    "teacher_epochs": 1,
}
"""Of the run with connections that learn among candidates."""

# Sizes at which the gradients of two layers are cut, and torch has sums of its own to form.
CODE = """
import json, sys, signal, torch
from lutsmith.runs import train
from lutsmith.training import TrainingInterrupted
from lutsmith.training.loop import loop
threads, folder, stop, do = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(threads)
step, left = loop.Loop.step, 0
def stopping(self, chosen):
    global left
    left -= 1
    if left == 0: signal.raise_signal(signal.SIGINT)
    if do == "vary": kernels.limit_num_threads(1 + -left % threads)  # as on a machine that is busy now and then
    step(self, chosen)
loop.Loop.step = stopping
from lutsmith.kernels import threads as kernels; from lutsmith.kernels.training.fold import cpu
split = []
parts = cpu._parts
cpu._parts = lambda *a, **k: split.append(parts(*a, **k)) or split[-1]
for name, (architecture, settings) in json.loads(sys.argv[5]).items():
    left = stop
    split.clear()
    out = f"{folder}/{name}"
    try:
        if do != "resume":
            train("digits", preset="digits-fast", out=out, epochs=2, quiet=True, luts=(300, 200),
                  architecture=architecture, settings=settings)
        else:
            train("digits", out=out, resume=True, quiet=True)
    except TrainingInterrupted:
        pass
    assert kernels.get_num_threads() == threads
    assert max(a * b for a, b in split) > 1, (name, split)
"""


def sit(threads: int, folder: Path, stop: int = 0, do: str = "begin") -> None:
    """One sitting of a run of each architecture, in one process, on so many threads, stopped after so many steps; with
    "vary" for `do` each step has another number of threads, and two processes hold the cores.
    """
    folder.mkdir(exist_ok=True)
    runs = {name: (each, LEVERS if name == "learnable" else {}) for name, each in ARCHITECTURES.items()}
    number = str(threads)
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (do == "vary"))]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "NUMBA_NUM_THREADS": number,
        "OMP_NUM_THREADS": number,
        "MKL_NUM_THREADS": number,
        "OMP_WAIT_POLICY": "passive",
    }
    command = [sys.executable, "-c", CODE, number, str(folder), str(stop), do, json.dumps(runs)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert done.returncode == 0, done.stderr


def kept(folder: Path) -> dict[str, bytes]:
    """The model file, and the weights to their last bit: a difference there may not have turned a table's entry yet."""
    weights = checkpoint.load(folder / "checkpoint.pt")["model"]
    bits = {name: tensor.numpy().tobytes() for name, tensor in weights.items()}
    return {"model.lut": (folder / "model.lut").read_bytes(), **bits}


@pytest.fixture(scope="module")
def sittings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all runs: on 1 thread, on 3, on 5 until they were stopped and on 2 from there on, and on 1 to 4 by
    turns while two other programs hold the cores.
    """
    folder = tmp_path_factory.mktemp("sittings")
    for threads in (1, 3):
        sit(threads, folder / str(threads))
    sit(5, folder / "stopped", stop=14)
    assert not list(folder.glob("stopped/*/model.lut"))
    sit(2, folder / "stopped", do="resume")
    sit(4, folder / "busy", do="vary")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_one_seed_gives_one_file_whatever_the_threads_and_other_programs(sittings: Path, name: str) -> None:
    first, *others = (kept(sittings / sitting / name) for sitting in ("1", "3", "stopped", "busy"))
    for key, value in first.items():
        assert all(other[key] == value for other in others), key
