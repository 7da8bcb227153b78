"""Checkpoints: whole or not at all, and never executed."""

from __future__ import annotations

import os
import pickle
import random
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lutsmith.training.files import checkpoint
from lutsmith.training.files.checkpoint import CheckpointError
from lutsmith.training.isolation import generator_states, no_trace, own_generators, set_generator_states

from .models import network

STATE: dict[str, Any] = {
    "settings": {"lr": 0.1},
    "data": "3x2 uint8 00000000",
    "position": [1, 2],
    "loss": torch.tensor(0.5),
    "seconds": [1.0, 0.5],
    "model": {"weight": torch.arange(5000.0)},
    "parts": {"loss": []},
    "callbacks": [],
    "average": None,
    "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.99)}]},
    "generators": generator_states(),
    "best": None,
    "history": [{"epoch": 1}],
    "stopped": None,
}


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c.pt", STATE)
    state = checkpoint.load(tmp_path / "c.pt")
    assert torch.equal(state["model"]["weight"], STATE["model"]["weight"])
    assert state["optimizer"]["param_groups"] == STATE["optimizer"]["param_groups"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.pt"]


class Hostile:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_hostile_checkpoint_runs_nothing(tmp_path: Path, write: Any) -> None:
    write({**STATE, "format": 2, "best": Hostile(tmp_path / "owned")}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="is not a whole checkpoint"):
        checkpoint.load(tmp_path / "c.pt")
    assert not (tmp_path / "owned").exists()


def test_a_truncated_checkpoint_gives_one_error(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    checkpoint.save(path, STATE)
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40).astype(int):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"is not a whole checkpoint .* delete it"):
            checkpoint.load(path)


def test_a_corrupt_byte_gives_one_error_or_no_difference(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    checkpoint.save(path, STATE)
    whole = path.read_bytes()
    found = 0
    for place in np.linspace(0, len(whole) - 1, 150).astype(int):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        path.write_bytes(broken)
        try:
            state = checkpoint.load(path)
        except CheckpointError:
            found += 1
        else:  # padding and the zip's own notes
            assert torch.equal(state["model"]["weight"], STATE["model"]["weight"])
    assert found > 100


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1, 2], "not a checkpoint of a training run"),
        ({"weight": torch.zeros(2)}, "not a checkpoint of a training run"),
        ({**STATE, "format": 99}, "format 99, this version reads 2, 3"),
        ({"format": 3, "model": {}}, "lacks average, best, callbacks, data, generators, history, loss, .*, stopped"),
        ({"format": 2, "model": {}}, "lacks average, best, callbacks, data"),
    ],
)
def test_another_file_is_told_from_a_checkpoint(tmp_path: Path, value: Any, says: str) -> None:
    torch.save(value, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match=says):
        checkpoint.load(tmp_path / "c.pt")


def test_a_checkpoint_of_the_format_before_is_of_a_run_that_nothing_stopped(tmp_path: Path) -> None:
    before = {"format": 2, **{name: value for name, value in STATE.items() if name != "stopped"}}
    torch.save(before, tmp_path / "c.pt")
    state = checkpoint.load(tmp_path / "c.pt")
    assert state["stopped"] is None
    assert state["position"] == STATE["position"]


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        checkpoint.load(tmp_path / "c.pt")


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    checkpoint.save(path, STATE)
    before = path.read_bytes()
    child = os.fork()
    if child == 0:  # in a process of its own: a limit on file sizes is as good as a full disk
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
        try:
            checkpoint.save(path, STATE)
        except CheckpointError as error:
            os._exit(0 if "the one saved before is untouched" in str(error) else 3)
        except BaseException:
            os._exit(4)
        os._exit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.pt"]


def test_a_folder_that_is_gone_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="could not be written"):
        checkpoint.save(tmp_path / "gone" / "c.pt", STATE)


def draws() -> list[float]:
    return [random.random(), float(np.random.standard_normal()), float(torch.rand(()))]  # noqa: NPY002


def test_generator_states_bring_back_the_same_draws() -> None:
    np.random.standard_normal()  # noqa: NPY002 - leaves a cached second value
    states = generator_states()
    first = draws()
    set_generator_states(states)
    assert draws() == first


def test_own_generators_are_seeded_inside_and_untouched_outside() -> None:
    states = generator_states()
    with own_generators(7):
        inside = draws()
    with own_generators(7):
        assert draws() == inside
    after = draws()
    set_generator_states(states)
    assert draws() == after


def test_no_trace_takes_back_buffers_modes_gradients_and_draws() -> None:
    model = network(noise=1.0).eval()
    before, states = int(model[2].calls), draws
    with own_generators(0), no_trace(model):
        model.train()
        model(torch.zeros(3, 1, 8, 8)).sum().backward()
        assert int(model[2].calls) == before + 1
        assert states() != []
    assert int(model[2].calls) == before
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
