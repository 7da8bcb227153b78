"""Refreshing candidates: when, which, and that the optimizer and the average forget the old ones."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from lutsmith.nn import Architecture, build
from lutsmith.training import CandidateRefresh, Settings, Stage, Trainer, WeightAverage

from .models import candidates_network, images, network


def trained(model: nn.Sequential) -> torch.optim.Optimizer:
    optimizer = torch.optim.Adam(model.parameters(), amsgrad=True)
    x, y = images(100)
    for _ in range(3):
        nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y)).backward()
        optimizer.step()
    return optimizer


def test_the_moments_and_the_average_of_replaced_scores_are_forgotten_and_no_others() -> None:
    model: Any = candidates_network()
    optimizer, connections = trained(model), model[2].connections
    average = WeightAverage(model, 0.9)
    before = connections.candidates.clone(), connections.scores.detach().clone()
    moments = {name: value.clone() for name, value in optimizer.state[connections.scores].items()}
    tables = {name: value.clone() for name, value in optimizer.state[model[2].weight].items()}
    run = Stage(model, optimizer, epochs=10, seed=1, epoch=3, average=average)
    count = CandidateRefresh(0.5, (3,)).refresh(run)
    changed = connections.scores == 0.25
    assert count == int(changed.sum()) == connections.scores.numel() // 2
    assert torch.equal(connections.candidates[~changed], before[0][~changed])
    assert (connections.candidates != before[0])[changed].float().mean() > 0.9
    for name in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"):
        assert moments[name].any()
        assert torch.equal(optimizer.state[connections.scores][name], moments[name].masked_fill(changed, 0))
    assert optimizer.state[connections.scores]["step"] == 3
    assert all(torch.equal(optimizer.state[model[2].weight][name], tables[name]) for name in tables)
    with average.applied():
        assert torch.equal(connections.scores, before[1].masked_fill(changed, 0.25))


def test_the_new_candidates_follow_from_seed_and_epoch() -> None:
    def after(seed: int, epoch: int) -> torch.Tensor:
        model: Any = candidates_network()
        run = Stage(model, torch.optim.SGD(model.parameters(), lr=0.1), epochs=10, seed=seed, epoch=epoch)
        torch.rand(3)
        CandidateRefresh(0.5, (1,)).refresh(run)
        return model[2].connections.candidates

    assert torch.equal(after(0, 1), after(0, 1))
    assert not torch.equal(after(0, 1), after(1, 1))
    assert not torch.equal(after(0, 1), after(0, 2))


def test_it_happens_once_at_the_beginning_of_the_named_epochs() -> None:
    model: Any = candidates_network()
    run = Stage(model, torch.optim.SGD(model.parameters(), lr=0.1), epochs=6)
    refresh, changes = CandidateRefresh(0.5, (2, 4)), []
    for run.epoch in range(6):
        for run.batch in (0, 7):  # 7: a sitting that goes on within the epoch
            before = model[2].connections.candidates.clone()
            refresh.before_epoch(run)
            if not torch.equal(before, model[2].connections.candidates):
                changes.append((run.epoch, run.batch))
    assert changes == [(2, 0), (4, 0)]


def test_frozen_connections_keep_their_candidates() -> None:
    model: Any = candidates_network()
    model[2].connections.freeze()
    run = Stage(model, torch.optim.SGD([model[2].weight], lr=0.1), epochs=6)
    assert CandidateRefresh(0.5, (2,)).refresh(run) == 0


def lut_network(**settings: Any) -> nn.Sequential:
    return build(Architecture(luts=(40, 20), rank=3, bits=1, num_candidates=4, **settings), images()[0], 2)


def test_a_lut_network_gets_new_candidates_and_keeps_what_it_reads_and_learns_on() -> None:
    model: Any = lut_network()
    optimizer = trained(model)
    x = torch.from_numpy(images(100)[0])
    model.eval()
    before, outputs = [layer.connections.candidates.clone() for layer in model[2:4]], model(x)
    count = CandidateRefresh(0.5, (1,)).refresh(Stage(model, optimizer, epochs=2, epoch=1))
    after = [layer.connections.candidates for layer in model[2:4]]
    assert count == sum(int((a != b).sum()) for a, b in zip(after, before, strict=True)) == (40 + 20) * 3 * 2
    assert torch.equal(model(x), outputs)
    settings = Settings(epochs=4, batch_size=32, lr=0.05, validation=0.2, refresh=0.25, refresh_epochs=(1, 2))
    assert Trainer(settings, quiet=True).fit(lut_network(), *images()).best.hard > 0.85


def test_a_model_without_candidates_is_refused() -> None:
    with pytest.raises(ValueError, match="no connections of the model have candidates"):
        Trainer(Settings(refresh=0.5, refresh_epochs=(1,)), quiet=True).fit(network(), *images())


@pytest.mark.parametrize(
    ("share", "epochs", "says"),
    [
        (0.0, (1,), r"share=0.0\): expected a share between 0 and 1"),
        (1.0, (1,), "share=1.0"),
        (0.5, (), r"epochs=\(\)\): expected epochs >= 1"),
        (0.5, (0,), r"epochs=\(0,\)"),
    ],
)
def test_shares_and_epochs_that_cannot_be_are_refused(share: float, epochs: tuple[int, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        CandidateRefresh(share, epochs)
