"""Teachers: what each says of the training rows, and what of that a network learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lutsmith
from lutsmith.data.split import validation_split
from lutsmith.nn import Architecture
from lutsmith.training import Settings, fit
from lutsmith.training.samples import Samples
from lutsmith.training.teachers import lessons
from lutsmith.training.teachers.cnn import small_cnn

from .models import images

ARCHITECTURE = Architecture(luts=(40,), rank=3, bits=2, num_candidates=4)
SETTINGS = Settings(epochs=2, batch_size=32, validation=0.2, teacher="cnn", teacher_epochs=4)


def test_a_small_network_learns_the_training_rows_and_never_sees_the_others() -> None:
    x, y = images(400)
    rows, held_out = validation_split(y, SETTINGS.validation, SETTINGS.seed)
    own = lessons(SETTINGS, Samples.of(x, y), 2, folder=None, resume=False, quiet=True)
    assert own._table is not None
    assert (own._table.argmax(1) == y)[held_out].mean() > 0.9
    wrong, spoiled = y.copy(), x.copy()
    wrong[held_out] = 1 - y[held_out]
    spoiled[held_out] = 255 - x[held_out]
    other = lessons(SETTINGS, Samples(spoiled, y), 2, folder=None, resume=False, quiet=True)
    assert other._table is not None
    assert np.array_equal(own._table[rows], other._table[rows])
    assert not np.array_equal(own._table[held_out], other._table[held_out])


def test_a_teacher_is_trained_once_for_a_run_that_is_resumed(tmp_path: Path) -> None:
    samples = Samples.of(*images(200))
    first = lessons(SETTINGS, samples, 2, folder=tmp_path, resume=False, quiet=True)
    saved = (tmp_path / "teacher" / "checkpoint.pt").read_bytes()
    again = lessons(SETTINGS, samples, 2, folder=tmp_path, resume=True, quiet=True)
    assert again.source == first.source
    assert (tmp_path / "teacher" / "checkpoint.pt").read_bytes() == saved
    with pytest.raises(ValueError, match="holds a checkpoint"):
        lessons(SETTINGS, samples, 2, folder=tmp_path, resume=False, quiet=True)


def test_a_circuit_teaches_by_the_likeliest_factor_of_its_counts_and_leaves_no_path(tmp_path: Path) -> None:
    x, y = images(400)
    dataset = lutsmith.data.from_arrays(x, y, *images(50, seed=1))
    run = lutsmith.train(
        dataset,
        architecture=ARCHITECTURE,
        settings=replace(SETTINGS, teacher=None),
        method="gradients",
        out=tmp_path / "secret" / "run",
        quiet=True,
    )
    rows, _ = validation_split(y, 0.2, 0)
    scores = torch.from_numpy(run.circuit.decision_function(x).astype(np.float64))
    for teacher in (str(tmp_path / "secret" / "run"), str(run.model)):
        own = lessons(replace(SETTINGS, teacher=teacher), Samples.of(x, y), 2, folder=None, resume=False, quiet=True)
        assert own._table is not None
        factor = float((torch.from_numpy(own._table).double() / scores)[scores != 0].median())
        assert np.allclose(own._table, scores * factor)
        losses = [
            float(torch.nn.functional.cross_entropy(scores[rows] * factor * change, torch.from_numpy(y[rows])))
            for change in (0.7, 1.0, 1.4)
        ]
        assert losses[1] == min(losses)
    taught = fit(dataset, ARCHITECTURE, replace(SETTINGS, teacher=teacher), quiet=True)
    assert taught.circuit.metadata.training is not None
    assert taught.circuit.metadata.training.settings["teacher"] == "model.lut"
    assert "secret" not in str(taught.circuit.metadata.to_json())


def test_a_run_that_is_overwritten_has_another_teacher(tmp_path: Path) -> None:
    dataset = lutsmith.data.from_arrays(*images(200), *images(50, seed=1))
    options: Any = {"architecture": ARCHITECTURE, "method": "gradients", "out": tmp_path / "run", "quiet": True}
    lutsmith.train(dataset, settings=SETTINGS, **options)
    (tmp_path / "run" / "teacher" / "notes.txt").write_text("mine")
    again = lutsmith.train(dataset, settings=replace(SETTINGS, seed=1), overwrite=True, **options)
    assert again.seed == 1
    assert (tmp_path / "run" / "teacher" / "notes.txt").read_text() == "mine"
    (tmp_path / "run" / "model.lut").unlink()
    resumed = lutsmith.train(dataset, settings=replace(SETTINGS, seed=1), resume=True, **options)
    assert resumed.accuracy == again.accuracy
    (tmp_path / "run" / "teacher" / "notes.txt").unlink()
    lutsmith.train(dataset, settings=replace(SETTINGS, teacher=None), overwrite=True, **options)
    assert not (tmp_path / "run" / "teacher").exists()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"teacher": "none.lut"}, "there is no file none.lut"),
        ({"freeze": [0.1, 0.2, 0.3]}, "3 epochs for 1 LUT layers"),
        ({"score_every": 2}, "no layer of the model learns its connections"),
        ({"refresh": 0.5, "refresh_epochs": [1]}, "there is nothing to refresh"),
    ],
)
def test_what_a_network_has_no_place_for_is_refused_before_the_folder_is_touched(
    tmp_path: Path, settings: Any, says: str
) -> None:
    dataset = lutsmith.data.from_arrays(*images(100))
    options: Any = {"architecture": {"connections": "fixed", "luts": [20]}, "method": "gradients", "quiet": True}
    with pytest.raises(ValueError, match=says):
        lutsmith.train(dataset, settings=settings, out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_teachers_that_do_not_suit_are_refused(tmp_path: Path) -> None:
    x, y = images(100)
    small = lutsmith.train(x.reshape(100, -1)[:, :5], y, max_luts=4, quiet=True).circuit
    lutsmith.save(small, tmp_path / "small.lut")
    for teacher, says in (
        (str(tmp_path / "none.lut"), "there is no file"),
        (str(tmp_path), r"there is no file .*model\.lut"),
        (str(tmp_path / "small.lut"), r"is for samples of shape \(5,\)"),
    ):
        with pytest.raises(ValueError, match=says):
            lessons(replace(SETTINGS, teacher=teacher), Samples.of(x, y), 2, folder=None, resume=False, quiet=True)


@pytest.mark.parametrize("shape", [(2, 2), (1, 8, 8), (3, 5, 9), (28, 28)])
def test_the_small_network_takes_images_of_any_size(shape: tuple[int, ...]) -> None:
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, *shape)).astype(np.uint8))
    torch.manual_seed(7)
    before = torch.get_rng_state()
    model = small_cnn(x, 3, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert model(x).shape == (6, 3)
    constant = small_cnn(torch.zeros_like(x), 3, seed=1)
    assert torch.isfinite(constant(x)).all()
