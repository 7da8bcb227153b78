"""One seed gives one model file, bit for bit: whatever the threads, and wherever a run was stopped and resumed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lutsmith.training.files import checkpoint

# Sizes at which the gradients of two layers are cut, and torch has sums of its own to form.
CODE = """
import sys, signal, torch
from lutsmith.runs import train
from lutsmith.training import TrainingInterrupted
from lutsmith.training.loop import loop
threads, folder, stop = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
step, left = loop.Loop.step, stop
def stopping(self, chosen):
    global left
    left -= 1
    if left == 0: signal.raise_signal(signal.SIGINT)
    step(self, chosen)
loop.Loop.step = stopping
from lutsmith.kernels import threads as kernels; from lutsmith.kernels.training.fold import cpu
split = []
parts = cpu._parts
cpu._parts = lambda *a, **k: split.append(parts(*a, **k)) or split[-1]
try:
    if sys.argv[4] == "begin":
        train("digits", preset=PRESET, out=folder, epochs=2, quiet=True, luts=(300, 200), architecture=ARCHITECTURE,
              settings=SETTINGS)
    else:
        train("digits", out=folder, resume=True, quiet=True)
except TrainingInterrupted:
    pass
assert kernels.get_num_threads() == threads
assert max(a * b for a, b in split) > 1, split
"""


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


def sit(architecture: dict[str, object], threads: int, folder: Path, stop: int = 0, do: str = "begin") -> None:
    """One sitting of a run on so many threads, stopped after so many steps."""
    code = CODE.replace("PRESET", "'digits-fast'").replace("ARCHITECTURE", repr(architecture))
    code = code.replace("SETTINGS", repr(LEVERS if architecture["connections"] == "learnable" else {}))
    number = str(threads)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "NUMBA_NUM_THREADS": number,
        "OMP_NUM_THREADS": number,
        "MKL_NUM_THREADS": number,
        "OMP_WAIT_POLICY": "passive",
    }
    command = [sys.executable, "-c", code, number, str(folder), str(stop), do]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def kept(folder: Path) -> dict[str, bytes]:
    """The model file, and the weights to their last bit: a difference there may not have turned a table's entry yet."""
    weights = checkpoint.load(folder / "checkpoint.pt")["model"]
    bits = {name: tensor.numpy().tobytes() for name, tensor in weights.items()}
    return {"model.lut": (folder / "model.lut").read_bytes(), **bits}


@pytest.mark.parametrize(
    "architecture",
    [
        {"connections": "fixed", "rank": 6},
        {"connections": "learnable", "rank": 4, "num_candidates": 8, "parametrization": "warp"},
        {"connections": "dense", "rank": 4, "parametrization": "dwn"},
    ],
    ids=["fixed", "learnable", "dense"],
)
def test_one_seed_gives_one_file_for_any_number_of_threads(tmp_path: Path, architecture: dict[str, object]) -> None:
    files = []
    for threads in (1, 3):  # and 5 and 2 below
        sit(architecture, threads, tmp_path / str(threads))
        files.append(kept(tmp_path / str(threads)))
    sit(architecture, 5, tmp_path / "stopped", stop=14)
    assert not (tmp_path / "stopped" / "model.lut").exists()
    sit(architecture, 2, tmp_path / "stopped", do="resume")
    files.append(kept(tmp_path / "stopped"))
    for name, value in files[0].items():
        assert all(file[name] == value for file in files), name
