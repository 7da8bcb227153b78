"""The rows that are held out by a seed of their own, the score on them, and what seeds share."""

from __future__ import annotations

import numpy as np
import pytest

import lutsmith
from lutsmith.circuit.file import to_bytes
from lutsmith.data.split import validation_split
from lutsmith.runs import held_out
from lutsmith.runs.methods import METHODS
from lutsmith.runs.plan import Plan
from lutsmith.runs.requesting import requested
from lutsmith.runs.shared import SharedData

SMALL = {
    "additive": {"max_luts": 30, "rank": 4},
    "evolve": {"settings": {"steps": 4, "every": 2, "candidates": 10}},
    "gradients": {"preset": "digits-fast", "epochs": 2, "luts": (60,), "settings": {"validate_every": 1}},
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("method", SMALL)
def test_with_one_seed_of_rows_all_seeds_are_measured_on_the_same(method):
    data, more = lutsmith.data.load("digits"), dict(SMALL[method])
    settings = {**more.pop("settings", {}), "split_seed": 5}
    for seed in (0, 1):
        told = [] if method == "gradients" else [method]
        named = {"method": told[0]} if told else {}
        run = lutsmith.train("digits", **named, **more, settings=settings, seed=seed, quiet=True)
        training = run.circuit.metadata.training
        share = training.settings["validation"]
        _, rows = validation_split(data.y_train, share, 5)
        assert run.validation == pytest.approx(np.mean(run.circuit.predict(data.x_train[rows]) == data.y_train[rows]))
        assert (training.seed, training.rows_seed) == (seed, 5)


def test_without_it_the_rows_follow_the_seed_and_nothing_else_changes():
    plain = lutsmith.train("digits", method="additive", max_luts=30, seed=3, quiet=True)
    same = lutsmith.train("digits", method="additive", max_luts=30, seed=3, settings={"split_seed": 3}, quiet=True)
    assert plain.circuit.metadata.training.rows_seed == 3
    assert plain.circuit.netlist.tables().tobytes() == same.circuit.netlist.tables().tobytes()
    assert plain.validation == same.validation


def test_a_table_holds_its_test_part_out_by_the_seed_of_rows():
    X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    y = (X.sum(axis=1) > 0).astype(int)
    runs = [lutsmith.train(X, y, max_luts=8, seed=seed, settings={"split_seed": 7}, quiet=True) for seed in (0, 1)]
    told = [run.circuit.metadata.training.held_out for run in runs]
    assert told[0] == told[1]
    assert told[0].seed == 7
    assert held_out.split_again(told[0], X, y) is not None


@pytest.mark.parametrize("missing", [False, True])
def test_what_seeds_share_gives_the_circuits_of_runs_alone(missing):
    X = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    if missing:
        X[::5, 2] = np.nan
    shared, data = SharedData(), lutsmith.data.from_arrays(X, y)
    for seed in (0, 1, 2):
        request = requested(data, settings={"split_seed": 0, "max_luts": 12}, seed=seed)
        plan = Plan.of(request)
        dataset, kept = shared.parted(plan, request)
        ready = shared.ready(plan, dataset, None)
        alone = METHODS["additive"].ready(dataset, plan.parts)
        facts = lutsmith.Metadata()
        given = {"resume": False, "metadata": facts, "folder": None, "quiet": True}
        assert to_bytes(ready.fit(**given).circuit) == to_bytes(alone.fit(**given).circuit)
        assert kept is not None
    assert shared.preparations == 1


def test_a_method_is_told_of_each_look_and_may_be_ended():
    class EnoughError(Exception):
        pass

    for method, more in SMALL.items():
        if method == "gradients":
            pytest.importorskip("torch")
        told = []

        def tell(step, score, told=told):
            told.append((step, score))
            if len(told) == 2:
                raise EnoughError

        request = requested("digits", **({} if method == "gradients" else {"method": method}), **more)
        plan, shared = Plan.of(request), SharedData()
        dataset, _ = shared.parted(plan, request)
        ready = shared.ready(plan, dataset, None)
        with pytest.raises(EnoughError):
            ready.fit(resume=False, metadata=lutsmith.Metadata(), folder=None, quiet=True, told=tell)
        assert told[0][0] < told[1][0]
        assert all(0 < score < 1 for _, score in told)
