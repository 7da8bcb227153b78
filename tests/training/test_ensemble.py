"""Ensembles: their members are single runs, and their vote is what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.nn import Architecture, build
from lutsmith.training import Settings, Trainer, train_ensemble
from lutsmith.training.metrics import logits

from .models import images, same_state

SETTINGS = Settings(epochs=2, batch_size=32, lr=0.05, validation=0.2)


def network(seed: int) -> nn.Sequential:
    return build(Architecture(luts=(20,), rank=3, bits=1, num_candidates=4), images()[0], 2, seed)


def test_members_are_what_single_runs_give_and_the_vote_is_of_their_sums() -> None:
    test = images(300, seed=9)
    ensemble = train_ensemble(network, *images(), (0, 1, 5), SETTINGS, test=test, quiet=True)
    alone = network(5)
    Trainer(Settings.from_json({**SETTINGS.to_json(), "seed": 5}), quiet=True).fit(alone, *images())
    assert same_state(ensemble.models[2], alone)
    assert not same_state(ensemble.models[0], ensemble.models[1])
    outputs = [logits(model, test[0], np.arange(300), hardened=True) for model in ensemble.models]
    assert ensemble.scores == tuple(float(np.mean(output.argmax(1) == test[1])) for output in outputs)
    assert ensemble.vote == float(np.mean(sum(outputs).argmax(1) == test[1]))  # type: ignore[attr-defined]
    assert np.array_equal(ensemble.outputs(test[0]).argmax(1), sum(outputs).argmax(1))  # type: ignore[attr-defined]
    assert ensemble.vote >= min(ensemble.scores)
    assert len(ensemble.fits) == 3


def test_many_small_networks_vote_better_than_one() -> None:
    ensemble = train_ensemble(network, *images(), range(7), SETTINGS, test=images(2000, seed=9), quiet=True)
    assert ensemble.vote is not None
    assert ensemble.vote > np.mean(ensemble.scores)


def test_without_test_rows_nothing_is_measured() -> None:
    ensemble = train_ensemble(network, *images(), [3], SETTINGS, quiet=True)
    assert (ensemble.scores, ensemble.vote) == ((), None)
    assert ensemble.outputs(images()[0][:0]).shape == (0, 2)


def test_each_member_has_a_folder_and_finished_ones_are_read_again(tmp_path: Path) -> None:
    first = train_ensemble(network, *images(), (0, 1), SETTINGS, folder=tmp_path, quiet=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed-0", "seed-1"]
    more = train_ensemble(network, *images(), (0, 1, 2), SETTINGS, folder=tmp_path, resume=True, quiet=True)
    assert all(same_state(a, b) for a, b in zip(first.models, more.models, strict=False))
    assert torch.equal(first.models[0][2].weight, more.models[0][2].weight)  # type: ignore[index]


@pytest.mark.parametrize("seeds", [(), (1, 2, 1)])
def test_seeds_are_distinct(seeds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected at least one seed, and none twice"):
        train_ensemble(network, *images(), seeds, SETTINGS)
