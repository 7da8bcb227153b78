"""Additive learning at its edges: units, weights, votes and files that hardly anyone has."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lutsmith.additive import AdditiveSettings, AdditiveTrainer, checkpoint
from lutsmith.additive.codes import draw_codes
from lutsmith.data import Dataset
from tests.additive.test_trainer import SMALL, blobs, numbers


@pytest.mark.parametrize("unit", [1e-30, 1e-18, 1e30])
def test_units_of_targets_do_not_matter_and_a_constant_is_met(unit: float) -> None:
    plain, data = numbers(), replace(numbers(), y_train=numbers().y_train.astype(np.float64) * unit)
    reached = [AdditiveTrainer(SMALL).fit(each).report.score for each in (plain, data)]
    assert reached[1] == pytest.approx(reached[0], abs=0.01)
    always = replace(data, y_train=np.full(800, np.float64(np.float32(unit))))
    assert set(AdditiveTrainer(SMALL).fit(always).circuit.predict(data.x_train)) == {float(np.float32(unit))}


def test_of_as_many_codes_as_there_are_all_are_drawn_at_once() -> None:
    assert len(draw_codes(4, 2, 1, 10**6, 0)) == 12


@pytest.mark.parametrize(("tau", "weights"), [(0.001, (1,)), (0.02, (1, 2)), (2.0, (1, 1000))])
def test_steep_votes_lower_the_loss(tau: float, weights: tuple[int, ...]) -> None:
    trainer = AdditiveTrainer(
        AdditiveSettings(max_luts=60, rank=3, tau=tau, tau_start=1.0, z=0.0, plus=1, minus=1, weights=weights)
    )
    trainer.fit(blobs())
    lost = [step.loss for step in trainer.history]
    assert np.all(np.diff(lost) <= 1e-3 * np.array(lost[:-1]))
    assert lost[-1] < lost[0] / 2


@pytest.mark.parametrize("data", [blobs(300), numbers()], ids=["classes", "numbers"])
def test_validation_rows_without_weight_choose_as_if_all_had_some(data: Dataset) -> None:
    weights = np.ones(len(data.y_train))
    weights[AdditiveTrainer(SMALL).prepare(data).held_out] = 0
    trainer = AdditiveTrainer(SMALL)
    assert trainer.fit(replace(data, sample_weight=weights)).report.score > 0.75
    assert np.isfinite([step.validation_loss for step in trainer.history]).all()


def vast(good: bytes) -> bytes:
    """A checkpoint whose tables are said to take petabytes."""
    arrays, out = dict(np.load(io.BytesIO(good))), io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, array in arrays.items():
            part = io.BytesIO()
            if name == "tables":
                header = {"descr": "|b1", "fortran_order": False, "shape": (1 << 40, 1000)}
                np.lib.format.write_array_header_1_0(part, header)
            else:
                np.save(part, array)
            file.writestr(f"{name}.npy", part.getvalue())
    return out.getvalue()


def test_damage_that_readers_of_zip_files_choke_on_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    file = tmp_path / "state"
    AdditiveTrainer(SMALL).fit(blobs(), checkpoint=file)
    good = file.read_bytes()
    strange = bytearray(good)
    strange[good.index(b"PK\x01\x02") + 10] ^= 64  # how the first part is compressed
    for bad in (bytes(strange), vast(good)):
        file.write_bytes(bad)
        with pytest.raises(ValueError, match="holds no state of additive training"):
            AdditiveTrainer(SMALL).fit(blobs(), checkpoint=file)
