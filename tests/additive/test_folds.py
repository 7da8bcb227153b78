"""Few rows choose how many LUTs are best by networks that leave some of them out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.additive.folds import parts_of
from lutsmith.data import from_arrays


def test_few_rows_choose_the_luts_by_folds() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6)).astype(np.float32)
    y = (x[:, 0] + 0.8 * rng.normal(size=300) > 0).astype(int)
    data = from_arrays(x[:200], y[:200], x[200:], y[200:])
    settings = AdditiveSettings(max_luts=100)
    trainer = AdditiveTrainer(settings)
    report = trainer.fit(data).report
    assert trainer.prepare(data).settings.folds == 5
    assert trainer.prepare(data).held_out.size == 0
    assert report.luts < 60  # noise: few LUTs are best
    assert trainer.history[-1].total == 100
    assert trainer.history[-1].luts == report.luts
    told: list[str] = []
    AdditiveTrainer(settings).fit(data, watch=lambda step: told.append(step.stage))
    assert list(dict.fromkeys(told)) == ["fold 1", "fold 2", "fold 3", "fold 4", "fold 5", "growing"]
    by_score = replace(settings, chosen_by="score")
    assert AdditiveTrainer(by_score).fit(data).report.luts != report.luts
    three = replace(data, x_train=x[:3], y_train=np.array([0, 1, 0]))  # folds that have no row tell nothing
    circuits = [AdditiveTrainer(replace(settings, folds=folds)).fit(three).circuit for folds in (3, 5)]
    assert np.array_equal(*(circuit.decision_function(x) for circuit in circuits))
    parts = parts_of(y, 5, 0)
    for kind in (0, 1):
        counts = np.bincount(parts[y == kind], minlength=5)
        assert counts.max() - counts.min() <= 1
