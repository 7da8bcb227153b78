"""Tables to begin with that memorise labels: what they are, by counting one by one, and that training takes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import lutsmith
from lutsmith.circuit import CircuitBuilder
from lutsmith.data.split import validation_split
from lutsmith.nn import LogicDense
from lutsmith.nn.from_circuit import from_circuit
from lutsmith.nn.heads import HEADS, setup_head
from lutsmith.nn.memorised import memorise
from lutsmith.nn.network import Architecture
from lutsmith.nn.parametrizations import list_parametrizations
from lutsmith.training.fitting import Preparation

WORDS = [[0, 0, 1, 1], [1, 1, 0, 1], [0, 1, 0, 0]]


def expected(bits, reads, wanted):
    """The entries that counting tells, and their values: (2**n,) each."""
    address = (bits[:, reads].astype(int) << np.arange(len(reads))).sum(axis=1)
    ones, zeros = (np.bincount(address[wanted == said], minlength=1 << len(reads)) for said in (True, False))
    gains = ones * max(1, zeros.sum()) - zeros * max(1, ones.sum())
    return gains != 0, gains > 0


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["group-sum", "affine", "multi-label", "output-code"]),
    st.integers(1, 4),
    st.sampled_from([1, 64, 130]),
    st.booleans(),
)
def test_entries_are_those_that_counting_tells(seed, name, rank, samples, permute):
    draw, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    x, labels = draw.random((samples, 9)) < 0.5, draw.integers(0, 3, samples)
    truth = draw.integers(0, 2, (samples, 3)) if name == "multi-label" else labels
    options = {"code_words": torch.tensor(WORDS)} if name == "output-code" else {}
    head = setup_head(name, 3, in_dim=12, permute=permute, generator=generator, **options)
    first = LogicDense(9, 10, rank, generator=generator, connections="fixed")
    last = LogicDense(10, 12, rank, generator=generator, connections="learnable", num_candidates=4)
    model = nn.Sequential(nn.Flatten(), first, last, head)
    memorise(model, x.astype(np.float32), truth, seed)
    asked = {"multi-label": lambda: truth == 1, "output-code": lambda: np.array(WORDS)[labels] == 1}
    bits = asked.get(name, lambda: labels[:, None] == np.arange(3))()
    order = np.arange(12) if head.permutation is None else head.permutation.numpy()
    hidden = model.eval()[:2](torch.from_numpy(x).float()).numpy() > 0.5
    for place, lut in enumerate(order):
        told, table = expected(hidden, last.connections.inputs()[lut].numpy(), bits[:, place // (12 // bits.shape[1])])
        assert np.array_equal(last.hard_tables()[lut].numpy()[told], table[told])
    reads = last.connections.inputs().numpy()
    for lut in range(10):  # a LUT that is read has learned the target of a reader
        readers = [place // (12 // bits.shape[1]) for place, of in enumerate(order) if lut in reads[of]]
        tries = [expected(x, first.connections.inputs()[lut].numpy(), bits[:, target]) for target in readers]
        own = first.hard_tables()[lut].numpy()
        assert not tries or any(np.array_equal(own[told], table[told]) for told, table in tries)


def test_training_begins_with_what_was_memorised(tmp_path):
    data = lutsmith.data.load("digits")
    _, held_out = validation_split(data.y_train, 0.1, 0)
    architecture = {"luts": [100, 50], "rank": 4, "weight_init": "memorize"}
    began = Preparation.of(data, Architecture.from_json(architecture))
    said = began.model.eval()(torch.from_numpy(data.x_train[held_out])).argmax(dim=1).numpy()
    run = lutsmith.train(
        "digits", architecture=Architecture.from_json(architecture).to_json(), method="gradients",
        settings={"epochs": 8, "validate_every": 4, "validation": 0.1}, out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    first, *epochs = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    assert (first["epoch"], first["hard"]) == (0, np.mean(said == data.y_train[held_out]))
    assert first["hard"] > 0.6  # a tenth, where nothing was memorised
    assert epochs[-1]["hard"] > first["hard"] + 0.05
    assert run.circuit.metadata.training.architecture["weight_init"] == "memorize"


def test_parametrizations_and_heads_that_can_memorise_are_those_that_the_documentation_names():
    x, y = np.random.default_rng(0).random((40, 6)).astype(np.float32), np.arange(40) % 2
    targets = {"multi-label": ("multilabel", np.eye(2, dtype=np.int64)[y]), "regression": ("regression", y * 1.0)}
    refused = {"fourier", "linear", "neural", "poly", "grouped-dsp", "reduction", "regression"}
    kinds = [("parametrization", name) for name in list_parametrizations()] + [("head", name) for name in HEADS]
    for field, name in kinds:
        objective, truth = targets.get(name, ("classification", y))
        options = {"head_options": {"length": 8}} if name == "output-code" else {}
        asked = Architecture(luts=(12, 16), rank=2, bits=2, weight_init="memorize", **{field: name}, **options)
        data = lutsmith.data.from_arrays(x, truth, objective=objective)
        if name in refused:
            with pytest.raises(ValueError, match=r"cannot be given any table|take 'residual' or 'random'"):
                Preparation.of(data, asked)
        else:
            assert Preparation.of(data, asked).started
    text = Path(__file__).parents[2].joinpath("docs/searching.md").read_text("utf-8")
    told = re.search(r"architecture.weight_init=memorize` counts(.*?)Others are refused", text, re.DOTALL)
    assert told is not None
    assert set(re.findall(r"`([a-z-]+)`", told[1])) == {name for _, name in kinds} - refused


def test_mistakes_are_one_line():
    data = lutsmith.data.from_arrays(np.eye(20, dtype=np.float32), np.arange(20.0), objective="regression")
    asked = Architecture(luts=(20,), rank=2, bits=1, weight_init="memorize", head="regression")
    with pytest.raises(ValueError, match="a Regression head asks for none: take 'residual' or 'random'"):
        Preparation.of(data, asked)
    builder = CircuitBuilder((20,))
    builder.popcount(builder.lut(builder.compare(range(20), 0.5).reshape(10, 2), [[0, 1, 1, 0]] * 10), 2)
    start, labelled = builder.build(), lutsmith.data.from_arrays(np.eye(20, dtype=np.float32), np.arange(20) % 2)
    with pytest.raises(ValueError, match="weight_init is 'memorize', and training begins with the tables of"):
        lutsmith.train(labelled, start=start, architecture={"weight_init": "memorize"}, quiet=True)
    with pytest.raises(ValueError, match="leave one out"):
        from_circuit(start, Architecture(weight_init="memorize"))
    with pytest.raises(ValueError, match="weight_init is 'counted'; expected one of residual, random, memorize"):
        Architecture(weight_init="counted")
