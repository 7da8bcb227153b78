"""What one of several processes makes of its rows of a batch is what one process would make of them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import lutsmith
from lutsmith.data.augmentation.images import Affine, ColourJitter, Crop, Cutout, Flip, Shift
from lutsmith.data.augmentation.portion import Portion
from lutsmith.ground.interrupts import TrainingInterrupted
from lutsmith.training import Settings, Trainer
from lutsmith.training.augmentation.bits import flip_bits
from lutsmith.training.loop.agreement import Agreement
from lutsmith.training.loop.checkpointing import Checkpointing
from lutsmith.training.ranks import launching, shared_sums, worker
from lutsmith.training.ranks.gradients import GradientSum
from lutsmith.training.ranks.handing import hand, take_over, taken
from lutsmith.training.ranks.launching import _result
from lutsmith.training.ranks.ranks import ALONE, ProcessLostError, Ranks
from lutsmith.training.ranks.shared_sums import SharedSums
from lutsmith.training.ranks.worker import Outcome

from .models import images, network, same_state
from .together import state_of

CHANGES = (
    Shift(2), Crop(2, "reflect"), Flip(0.5), Affine(20, 0.2, 5, 1.0), Affine(rotate=9), ColourJitter(0.2, 0.2, 0.2),
    Cutout(3),
)  # fmt: skip


@settings(deadline=None)
@given(total=st.integers(0, 40), parts=st.integers(1, 7))
def test_portions_cover_a_batch_in_order_and_differ_by_one_row_at_most(total: int, parts: int) -> None:
    portions = [Portion.of(number, parts, total) for number in range(parts)]
    rows = np.arange(total)
    assert np.array_equal(np.concatenate([rows[portion.rows] for portion in portions]), rows)
    assert max(p.count for p in portions) - min(p.count for p in portions) <= 1
    assert sum(portion.share for portion in portions) == pytest.approx(1.0 if total else 0.0)


@pytest.mark.parametrize("change", CHANGES, ids=repr)
@settings(max_examples=20, deadline=None)
@given(total=st.integers(1, 9), parts=st.integers(1, 4), dtype=st.sampled_from(["uint8", "float32"]))
def test_a_portion_is_augmented_as_with_the_whole_batch(change: Any, total: int, parts: int, dtype: str) -> None:
    batch = np.random.default_rng(0).integers(0, 255, (total, 2, 8, 8)).astype(dtype)
    generator = np.random.default_rng(1)
    whole, after = change(batch, generator), generator.random()
    for number in range(parts):
        portion, own = Portion.of(number, parts, total), np.random.default_rng(1)
        assert np.array_equal(change.of_portion(batch[portion.rows], own, portion), whole[portion.rows])
        assert own.random() == after  # what is drawn next is the same too


@settings(deadline=None)
@given(total=st.integers(1, 9), parts=st.integers(1, 4), probability=st.sampled_from([0.01, 0.2, 0.5]))
def test_bits_of_a_portion_are_flipped_as_with_the_whole_batch(total: int, parts: int, probability: float) -> None:
    bits = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (total, 30)).astype(np.float32))
    whole = flip_bits(bits, probability, np.random.default_rng(1))
    for number in range(parts):
        portion = Portion.of(number, parts, total)
        own = flip_bits(bits[portion.rows], probability, np.random.default_rng(1), portion)
        assert torch.equal(own, whole[portion.rows])


def test_gradients_keep_their_shapes_memory_and_absence_in_the_sum() -> None:
    parameters = [nn.Parameter(torch.rand(3, 4).t()), nn.Parameter(torch.rand(2)), nn.Parameter(torch.rand(5).double())]
    total = GradientSum(ALONE, parameters)
    for _ in range(2):
        wanted = [torch.rand(4, 3), None, torch.rand(5).double()]
        for parameter, gradient in zip(parameters, wanted, strict=True):
            parameter.grad = None if gradient is None else gradient.clone()
        loss, marks = total.add(torch.tensor(3.0), (1.0, 0.0))
        assert float(loss) == 3.0
        assert marks.tolist() == [1.0, 0.0]
        assert parameters[1].grad is None
        for parameter, gradient in zip(parameters, wanted, strict=True):
            if gradient is not None:
                assert parameter.grad is not None
                assert torch.equal(parameter.grad, gradient)
                assert parameter.grad.stride() == parameter.stride()
    assert total.bytes == (3 + 12) * 4 + 5 * 8


def test_arrays_are_handed_over_as_files_that_are_mapped(tmp_path: Path) -> None:
    large = np.arange(1 << 18, dtype=np.int64)
    mapped = np.lib.format.open_memmap(tmp_path / "given.npy", "w+", np.int64, large.shape)
    mapped[:] = large
    mapped.flush()
    reading = np.load(tmp_path / "given.npy", mmap_mode="r")
    hand(tmp_path / "work", {"twice": (large, large), "mapped": reading, "view": reading[5:], "few": large[:3]})
    found = taken(tmp_path / "work")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["array-0.npy", "array-2.npy", "given.npy", "work"]
    assert isinstance(found["mapped"], np.memmap)
    assert Path(found["mapped"].filename).name == "given.npy"  # not copied
    for array in (*found["twice"], found["mapped"]):
        assert np.array_equal(array, large)
    assert np.array_equal(found["view"], large[5:])
    assert np.array_equal(found["few"], large[:3])


def test_what_cannot_be_handed_over_is_said_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"top of a module or script, or start the script itself .* torchrun"):
        Trainer(Settings(epochs=1), devices=2, quiet=True, loss=lambda outputs, targets: outputs.sum()).fit(
            network(), *images(100)
        )


def test_a_network_takes_over_what_its_copy_has_become_in_place() -> None:
    mine, theirs = network(), network()
    weight = mine[2].weight
    Trainer(Settings(epochs=1, batch_size=32, lr=0.1), quiet=True).fit(theirs, *images(100))
    theirs[2].noise = 0.25
    take_over(mine, theirs)
    assert same_state(mine, theirs)
    assert mine[2].weight is weight
    assert mine[2].noise == 0.25
    assert mine.training == theirs.training


class Aliased(nn.Module):
    """Reads its children by another name than theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()
        self.layers, self.weight_of = [self.inner], {"last": self.inner[2].weight}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layers[0](x)
        return result


def test_a_network_that_took_over_still_reads_its_own_modules_and_not_those_of_the_copy() -> None:
    mine = Aliased()
    theirs = pickle.loads(pickle.dumps(mine))
    Trainer(Settings(epochs=1, batch_size=32, lr=0.1), quiet=True).fit(theirs, *images(100))
    take_over(mine, theirs)
    assert same_state(mine, theirs)
    assert mine.layers[0] is mine.inner
    assert mine.weight_of["last"] is mine.inner[2].weight


def test_a_step_in_which_a_process_is_lost_leaves_no_trace_in_the_checkpoint(tmp_path: Path) -> None:
    model, saved = nn.BatchNorm1d(3), list[dict[str, Any]]()
    state: Any = SimpleNamespace(
        model=model, position=SimpleNamespace(mean_loss=lambda: 0.0),
        to_checkpoint=lambda: {"model": {name: value.clone() for name, value in model.state_dict().items()}},
    )  # fmt: skip
    folder: Any = SimpleNamespace(path=tmp_path, save=saved.append)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    keeping = Checkpointing(folder, state, {}, "", 30.0, Ranks(0, 2))

    @keeping.step_kept_if_others_are_lost()
    def step() -> None:
        model(torch.rand(5, 3))
        raise ProcessLostError("lost")

    with pytest.raises(ProcessLostError):
        step()
    assert all(torch.equal(saved[0]["model"][name], value) for name, value in before.items())


def test_a_process_that_is_lost_after_the_last_step_of_an_epoch_costs_no_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, after = Settings(epochs=2, batch_size=32, lr=0.1), Agreement.after

    def lost(self: Any, name: str) -> None:
        if name == "after_step" and (self._stage.epoch, self._stage.batch) == (1, 2):
            raise ProcessLostError("lost")
        after(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(Agreement, "after", lost)
        with pytest.raises(ProcessLostError):
            Trainer(settings, folder=tmp_path, quiet=True).fit(network(), *images(100))
    assert state_of(tmp_path / "checkpoint.pt") == (1, 2)  # of 2
    resumed, whole = network(), network()
    fits = [
        Trainer(settings, folder=tmp_path, quiet=True).fit(resumed, *images(100), resume=True),
        Trainer(settings, quiet=True).fit(whole, *images(100)),
    ]
    assert same_state(resumed, whole)
    assert [epoch.loss for epoch in fits[0].history] == [epoch.loss for epoch in fits[1].history]


def test_a_full_temporary_folder_and_full_shared_memory_are_told_or_done_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any) -> None:
        raise OSError("9 requested and 5 written")

    monkeypatch.setattr(launching, "hand", full)
    with pytest.raises(OSError, match=r"cannot be written to .*9 requested.*TMPDIR"):
        launching.launch(list, 2, None)
    monkeypatch.setattr(shared_sums.shutil, "disk_usage", lambda _: SimpleNamespace(free=shared_sums.SLOT))
    monkeypatch.setattr(shared_sums, "_MEMORY", Path("/"))
    assert SharedSums.make(2) is None


def test_a_process_that_cannot_write_its_outcome_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> None:
        raise OSError("9 requested and 5 written")

    def leave(code: int) -> None:
        raise SystemExit(code)

    hand(tmp_path / worker.WORK, list)
    monkeypatch.setattr(worker, "hand", full)
    monkeypatch.setattr(worker.os, "_exit", leave)
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    monkeypatch.setattr(worker, "join", lambda *_: None)
    monkeypatch.setattr(worker.os, "environ", dict(os.environ))
    with pytest.raises(SystemExit, match="1"):
        worker.work(0, str(tmp_path), {}, None)
    assert "process 0 cannot write what it reached" in capsys.readouterr().err


def test_a_daemon_cannot_start_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching.multiprocessing, "current_process", lambda: SimpleNamespace(daemon=True))
    with pytest.raises(RuntimeError, match=r"devices=2 .*daemonic"):
        Trainer(devices=2, quiet=True).fit(network(), *images(100))


def test_new_processes_are_not_told_of_a_start_method_that_they_do_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[str]()
    monkeypatch.setattr(launching.multiprocessing, "get_start_method", lambda allow_none: "loky")
    monkeypatch.setattr(launching.multiprocessing, "set_start_method", lambda name, force: told.append(name))
    with launching._start_method_known():
        assert told == ["spawn"]
    assert told == ["spawn", "loky"]


def test_variables_of_torchrun_that_are_left_in_a_shell_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "some")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ValueError, match=r"TORCHELASTIC_RUN_ID .* without RANK, .*unset them"):
        Trainer(quiet=True).fit(network(), *images(100))


def test_a_lost_process_is_told_by_the_first_sentence_of_torch() -> None:
    said = "[/pytorch/gloo/pair.cc:534] Connection closed by peer [127.0.0.1]:4. This may be anything\nat all"
    with (
        pytest.raises(ProcessLostError, match=r"\(Connection closed by peer \[127.0.0.1\]:4\)$"),
        Ranks(0, 2)._talking(),
    ):
        raise RuntimeError(said)


def test_the_cause_is_raised_and_not_what_followed_from_it(tmp_path: Path) -> None:
    followed, cause = ProcessLostError("lost"), KeyError("cause")
    with pytest.raises(KeyError, match="cause"):
        _result([Outcome(1.0, error=followed), Outcome(2.0, error=cause)], [1, 1], [0], None, None)
    with pytest.raises(ProcessLostError, match=r"process 1 of 2 was killed by SIGKILL.*no folder"):
        _result([Outcome(1.0, error=followed), None], [1, -9], [1], None, None)
    with pytest.raises(ProcessLostError, match="no checkpoint yet"):
        _result([None, None], [-9, -9], [1], None, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingInterrupted, match="after batch 3"):
        _result([Outcome(1.0, error=TrainingInterrupted("after batch 3")), None], [0, -9], [1], None, None)
    assert _result([Outcome(1.0, 5), Outcome(1.0)], [0, 0], [], None, None) == 5


@pytest.mark.parametrize("given", [{"devices": 0}, {"devices": 1.5}, {"num_nodes": 2}, {"devices": True}])
def test_numbers_of_processes_that_cannot_be_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=r"devices|num_nodes"):
        Trainer(**given)


def test_a_method_of_one_process_refuses_several(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="devices=2 is of gradients, and the method is additive"):
        lutsmith.train("digits", method="additive", devices=2)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "some")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="give devices=N, without torchrun"):
        lutsmith.train("digits")
