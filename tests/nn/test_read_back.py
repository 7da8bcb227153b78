"""Circuits are read back and compared with the model they were lowered from; every planted fault is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import lutsmith
import lutsmith.dwn as dwn
from lutsmith.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.heads import Head
from lutsmith.nn import (
    Binary,
    Categorical,
    Columns,
    DistributiveThermometer,
    GroupSum,
    LearnableThermometer,
    LogicDense,
    MultiLabel,
    Regression,
    Thermometer,
    UniformFixedPoint,
    prove_lowering,
    to_circuit,
)
from lutsmith.nn.connections import list_connections
from lutsmith.nn.encoders import ENCODERS
from lutsmith.nn.heads import HEADS, setup_head
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization
from lutsmith.nn.read_back.functions import Functions
from lutsmith.nn.read_back.points import points_of
from lutsmith.nn.read_back.statements import Bits, Luts, Scores, speaker_of

SHAPE = (3, 2, 2)
F32 = np.float32
OPTIONS: dict[str, dict[str, Any]] = {"output-code": {"length": 15}, "reduction": {"bits": 2}}


def layer(name: str, kind: str, rank: int, in_dim: int, out_dim: int, generator: torch.Generator) -> LogicDense:
    rank = rank if rank in setup_parametrization(name, 2).ranks else 2
    extra = {"num_candidates": 3} if kind in ("learnable", "top-k") else {}
    return LogicDense(
        in_dim,
        out_dim,
        rank,
        parametrization=name,
        connections=kind,
        weight_init="random",
        generator=generator,
        **extra,
    )


def model_of(
    encoder: str = "distributive",
    head: str = "group-sum",
    name: str = "light",
    kind: str = "fixed",
    rank: int = 4,
    seed: int = 0,
    **encoding: Any,
) -> nn.Sequential:
    """Encoder, two layers, head over samples of SHAPE, all of it random."""
    generator = torch.Generator().manual_seed(seed)
    samples = torch.randint(-20, 20, (60, *SHAPE), generator=generator).float()
    fitted = ENCODERS[encoder](3, **encoding).fit(samples)
    width = fitted.usable.numel()
    model = nn.Sequential(
        fitted,
        nn.Flatten(),
        layer(name, kind, rank, width, 40, generator),
        layer(name, kind, rank, 40, 30, generator),
        setup_head(head, 3, in_dim=30, generator=generator, **OPTIONS.get(head, {})),
    )
    with torch.no_grad():
        for parameter in [*fitted.parameters(), *model[-1].parameters()]:
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(list_parametrizations()),
    st.sampled_from(list_connections()),
    st.integers(1, 8),
    st.sampled_from(sorted(ENCODERS)),
    st.sampled_from(sorted(HEADS)),
    st.sampled_from([{}, {"unique": True}, {"per": "global"}, {"per": "channel", "encode_axis": -1}]),
    st.integers(0, 99),
)
def test_every_lowered_model_is_proved_and_equal(
    name: str, kind: str, rank: int, encoder: str, head: str, encoding: dict[str, Any], seed: int
) -> None:
    model = model_of(encoder, head, name, kind, rank, seed, **encoding)
    circuit = to_circuit(model, SHAPE, classes=["a", "b", "c"])
    proof = prove_lowering(model, circuit, classes=["a", "b", "c"])
    assert proof.ok, proof
    assert [row.verdict for row in proof.rows] == ["proved"] * len(proof.rows)
    x = torch.randint(-25, 25, (65, *SHAPE)).float()
    if head != "regression":
        assert np.array_equal(circuit.decision_function(x.numpy()), model.eval()(x).detach().numpy())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from(sorted(ENCODERS)), st.data())
def test_one_changed_bit_wire_or_threshold_anywhere_is_found(
    seed: int, rank: int, encoder: str, data: st.DataObject
) -> None:
    """Every fault in what the outputs depend on is found, unless the circuit is still equal, bit for bit."""
    model = model_of(encoder, rank=rank, seed=seed)
    circuit = to_circuit(model, SHAPE)
    netlist, comparators = circuit.netlist, circuit.encoder
    inputs = [*["threshold", "feature"] * (len(comparators) > 0), *["bit", "format"] * (circuit.words is not None)]
    kind = data.draw(st.sampled_from(["table", "wire", "outputs", *inputs]))
    if kind == "table":
        tables = netlist.tables().copy()
        node = data.draw(st.integers(0, tables.size - 1))
        bit = data.draw(st.integers(0, (1 << int(netlist.ranks[node])) - 1))
        tables[node] ^= np.uint64(1 << bit)
        broken = with_netlist(circuit, table_pool=tables, table_index=np.arange(tables.size))
    elif kind == "wire":
        fanin = netlist.fanin.copy()
        slot = data.draw(st.integers(0, fanin.size - 1))
        fanin[slot] = data.draw(st.integers(0, netlist.num_inputs - 1).filter(lambda signal: signal != fanin[slot]))
        broken = with_netlist(circuit, fanin=fanin)
    elif kind == "outputs":
        outputs = netlist.outputs.copy()
        one, two = data.draw(st.permutations(range(outputs.size)))[:2]
        outputs[[one, two]] = outputs[[two, one]]
        broken = with_netlist(circuit, outputs=outputs)
    elif kind == "bit":
        assert circuit.words is not None
        broken = word_bit(circuit, data.draw(st.integers(0, len(circuit.words) - 1)))
    elif kind == "format":
        assert circuit.words is not None
        field = data.draw(st.sampled_from(["bits", "signed", "offset", "per_unit"]))
        broken = word_format(circuit, field, data.draw(st.integers(0, len(circuit.words.formats) - 1)))
    else:
        feature, threshold = comparators.feature.copy(), comparators.threshold.copy()
        place = data.draw(st.integers(0, feature.size - 1))
        if kind == "threshold":
            threshold[place] = np.nextafter(threshold[place], np.float32(data.draw(st.sampled_from([-np.inf, np.inf]))))
        else:
            feature[place] = (feature[place] + 1) % comparators.num_features
        broken = replace(circuit, encoder=Comparators(feature, threshold, comparators.num_features))
    proof = prove_lowering(model, broken)
    if proof.ok:  # two nodes of one function, or a bit that makes no difference at any number
        places = model[0].thresholds.detach().numpy().reshape(-1)
        edges = np.concatenate([[t, np.nextafter(t, np.float32(-np.inf))] for t in places])
        x = np.random.default_rng(seed).choice(edges, (4000, *SHAPE)).astype(np.float32)
        assert np.array_equal(broken.evaluate(x), circuit.evaluate(x)), kind
    else:
        assert proof.verdict == "failed"


def with_netlist(circuit: Circuit, **arrays: Any) -> Circuit:
    return replace(circuit, netlist=replace(circuit.netlist, **arrays))


def with_head(circuit: Circuit, **fields: Any) -> Circuit:
    head = circuit.head
    assert head is not None
    now = {name: getattr(head, name) for name in ("num_groups", "weights", "bias", "scale", "offset")}
    return replace(circuit, head=Head(**{**now, **fields}))


def flipped(circuit: Circuit, node: int, bit: int) -> Circuit:
    tables = circuit.netlist.tables().copy()
    tables[node] ^= np.uint64(1 << bit)
    return with_netlist(circuit, table_pool=tables, table_index=np.arange(tables.size))


def table_bit(circuit: Circuit) -> Circuit:
    return flipped(circuit, 7, 5)


def swapped_wires(circuit: Circuit) -> Circuit:
    fanin, start = circuit.netlist.fanin.copy(), circuit.netlist.fanin_ptr[45]
    fanin[[start, start + 1]] = fanin[[start + 1, start]]
    return with_netlist(circuit, fanin=fanin)


def swapped_outputs(circuit: Circuit) -> Circuit:
    outputs = circuit.netlist.outputs.copy()
    outputs[[3, 20]] = outputs[[20, 3]]
    return with_netlist(circuit, outputs=outputs)


def comparator(circuit: Circuit, place: int, feature: int = 0, ulps: float = 0) -> Circuit:
    features, thresholds = circuit.encoder.feature.copy(), circuit.encoder.threshold.copy()
    features[place] = (features[place] + feature) % circuit.encoder.num_features
    if ulps:
        thresholds[place] = np.nextafter(thresholds[place], np.float32(ulps))
    return replace(circuit, encoder=Comparators(features, thresholds, circuit.encoder.num_features))


def word_bit(circuit: Circuit, place: int) -> Circuit:
    """Another bit of the same word."""
    words = circuit.words
    assert words is not None
    bit = words.bit.copy()
    bit[place] = (bit[place] + 1) % words.formats.bits[words.place[place]]
    return replace(circuit, words=replace(words, bit=bit))


def word_format(circuit: Circuit, field: str, place: int = 0) -> Circuit:
    """A word of another kind: longer, signed, moved or scaled by a little."""
    words = circuit.words
    assert words is not None
    values = getattr(words.formats, field).copy()
    if field == "bits":
        values[place] += 1
    elif field == "signed":
        values[place] ^= True
    else:
        values[place] = np.float32(values[place] * (1 + 2**-20) + 2**-20)
    return replace(circuit, words=replace(words, formats=replace(words.formats, **{field: values})))


FAULTS: list[tuple[str, dict[str, Any], Callable[[Circuit], Circuit], str, str]] = [
    (
        "a table bit",
        {},
        table_bit,
        "model.2",
        r"1 of 40 LUTs .* LUT 7, .* the node that reads them has the table",
    ),
    ("two swapped wires", {}, swapped_wires, "model.3", r"1 of 30 LUTs .* first LUT 5, .* no node reads just these"),
    ("two swapped outputs", {}, swapped_outputs, "model.4", r"2 of 30 outputs .* first output 3"),
    ("a threshold up one ulp", {}, lambda c: comparator(c, 3, ulps=np.inf), "model.0", r"1 of 36 bits are read"),
    ("a threshold down one ulp", {}, lambda c: comparator(c, 3, ulps=-np.inf), "model.0", r"1 of 36 bits are read"),
    ("a comparator's feature", {}, lambda c: comparator(c, 3, feature=1), "model.0", r"1 of 36 bits are read"),
    ("the same, equal thresholds", {"per": "global"}, lambda c: comparator(c, 3, feature=1), "model.0", "1 of 36 bits"),
    ("a bit of a word", {"encoder": "binary"}, lambda c: word_bit(c, 3), "model.0", r"1 of 36 bits are read"),
    ("a longer word", {"encoder": "binary"}, lambda c: word_format(c, "bits"), "model.0", r"3 of 36 bits are read"),
    ("a signed word", {"encoder": "fixed-point"}, lambda c: word_format(c, "signed"), "model.0", r"3 of 36 bits"),
    ("a moved word", {"encoder": "fixed-point"}, lambda c: word_format(c, "offset", 5), "model.0", r"3 of 36 bits"),
    ("a scaled word", {"encoder": "gray"}, lambda c: word_format(c, "per_unit", 2), "model.0", r"3 of 36 bits"),
    ("a code bit", {"encoder": "gray"}, lambda c: flipped(c, 2, 0), "model.0", r"1 of 36 bits are read .* of feature"),
    (
        "groups",
        {},
        lambda c: with_head(c, num_groups=6, weights=np.eye(3, 6, dtype=int)),
        "model.4",
        "has 6 groups, the head 3",
    ),
    ("a bias", {}, lambda c: with_head(c, bias=[0, 1, 0]), "model.4", "its bias"),
    ("a head's weight", {"head": "affine"}, lambda c: changed(c, "weights", (1, 1)), "model.4", "its weights"),
    ("a dsp weight", {"head": "grouped-dsp"}, lambda c: changed(c, "weights", (2, 0)), "model.4", "its weights"),
    ("a code word", {"head": "output-code"}, lambda c: changed(c, "weights", (0, 9)), "model.4", "its weights"),
    ("an offset of scores", {"head": "affine"}, lambda c: changed(c, "bias", 2), "model.4", "its bias"),
    ("a threshold of labels", {"head": "multi-label"}, lambda c: changed(c, "bias", 2), "model.4", "its bias"),
    ("a scale", {"head": "regression"}, lambda c: changed(c, "scale", 0), "model.4", "its scale"),
    ("an offset", {"head": "regression"}, lambda c: changed(c, "offset", 0), "model.4", "its offset"),
    ("a pyramid's table", {"head": "reduction"}, lambda c: flipped(c, 71, 0), "model.4.levels.0", "first LUT 1,"),
    (
        "an objective",
        {},
        lambda c: replace(c, objective="multilabel"),
        "model.4",
        "the circuit's objective is multilabel",
    ),
    ("the order of classes", {}, lambda c: replace(c, classes=("b", "a", "c")), "circuit", "its labels are"),
    ("a label's type", {}, lambda c: replace(c, classes=(0, 1, 2)), "circuit", "its labels are"),
    ("no labels", {}, lambda c: replace(c, classes=None), "circuit", "its labels are None"),
    ("another range", {}, lambda c: replace(c, fitted_range=None), "circuit", "its fitted range"),
    (
        "no head",
        {},
        lambda c: replace(c, head=None, objective=None, classes=None),
        "model.4",
        "the circuit has no head",
    ),
    ("a missing output", {"rank": 8}, lambda c: with_netlist(c, outputs=c.netlist.outputs[:27]), "model.4", "has 27"),
    ("a cofactor", {"rank": 8}, lambda c: flipped(c, 4 * 7 + 1, 9), "model.2", r"first LUT 7, .* and table 0x"),
    ("a chooser", {"rank": 7}, lambda c: flipped(c, 2 * 40 + 2, 1), "model.2", r"1 of 40 LUTs of rank 7"),
]


def changed(circuit: Circuit, name: str, place: Any) -> Circuit:
    values = np.array(getattr(circuit.head, name))
    values[place] = -values[place] if name == "weights" else np.nextafter(values[place], np.inf)
    if values.dtype.kind == "i":
        values[place] += name == "bias"
    return with_head(circuit, **{name: values})


@pytest.mark.parametrize(("model", "plant", "where", "why"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_planted_fault_is_found_where_it_is(
    model: dict[str, Any], plant: Callable[[Circuit], Circuit], where: str, why: str
) -> None:
    network = model_of(**model)
    circuit = to_circuit(network, SHAPE, classes=["a", "b", "c"])
    assert prove_lowering(network, circuit, classes=["a", "b", "c"]).ok
    proof = prove_lowering(network, plant(circuit), classes=["a", "b", "c"])
    assert (proof.ok, proof.verdict) == (False, "failed")
    assert proof.problems[0].name == where
    assert proof.problems[0].verdict == "failed"
    assert re.search(why, proof.problems[0].reason), proof.problems[0].reason


def test_what_reads_a_failed_module_is_not_established() -> None:
    model = model_of()
    proof = prove_lowering(model, table_bit(to_circuit(model, SHAPE)))
    verdicts = {row.name: row.verdict for row in proof.rows}
    assert verdicts["model.2"] == "failed"
    assert verdicts["model.3"] == "not established"


def test_thresholds_of_awkward_data_are_proved() -> None:
    largest = float(np.finfo(np.float32).max)
    columns = [[0.0, -0.0, 1.0], [5.0, 5.0, 5.0], [-largest / 2, 0, largest / 2], [1e-45, 0, 3e-45], [np.nan, 1, 2]]
    x = torch.tensor(columns).t()
    for unique in (False, True):
        for name in ENCODERS:
            encoder = ENCODERS[name](3, unique=unique).fit(x)
            model = nn.Sequential(encoder, LogicDense(15, 12, 3), GroupSum(2))
            assert prove_lowering(model, to_circuit(model, (5,))).ok, name
    encoder = Thermometer(3).fit(x)
    with torch.no_grad():
        encoder.thresholds[0] = torch.tensor([-torch.inf, -0.0, torch.inf])
        encoder.thresholds[1] = torch.tensor([largest, -largest, torch.nan])
    model = nn.Sequential(encoder, LogicDense(15, 12, 3), GroupSum(2))
    circuit = to_circuit(model, (5,))
    assert prove_lowering(model, circuit).ok
    infinite = int(np.flatnonzero(np.isneginf(circuit.encoder.threshold))[0])
    assert prove_lowering(model, comparator(circuit, infinite, ulps=np.inf)).verdict == "failed"


def test_words_that_are_too_long_are_not_established_and_missing_values_are_told_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(Binary(3).fit(torch.zeros(1, 4)), layer("light", "fixed", 3, 12, 6, generator), GroupSum(2))
    circuit = to_circuit(model, (4,))
    assert circuit.words is not None
    far = word_format(circuit, "bits")
    for length, verdict in ((16, "failed"), (17, "not established"), (64, "not established")):
        assert far.words is not None
        formats = replace(far.words.formats, bits=np.full(len(far.words.formats), length))
        proof = prove_lowering(model, replace(far, words=replace(far.words, formats=formats)))
        assert proof.verdict == verdict, proof
    builder = CircuitBuilder((2,))
    builder.popcount(np.concatenate([builder.compare([0, 1], F32(0.5)), builder.missing([0, 1])]), 4)
    functions = Functions(built := builder.build(), points_of(built.inputs, np.zeros(0, np.int64), np.zeros(0, F32)))
    assert np.unique(functions.signals).size == 4


def test_bits_that_nothing_reads_need_not_be_in_the_circuit() -> None:
    encoder = DistributiveThermometer(4).fit(torch.rand(50, 6))
    indices = torch.tensor([[0, 1], [3, 1], [2, 0], [1, 3]])  # of 24 bits
    model = nn.Sequential(encoder, LogicDense(24, 4, 2, indices=indices), GroupSum(2))
    circuit = to_circuit(model, (6,))
    assert len(circuit.encoder) == 4
    proof = prove_lowering(model, circuit)
    assert proof.ok
    assert "4 of 24 bits" in proof.rows[0].reason


def test_categories_and_columns_are_proved() -> None:
    generator = np.random.default_rng(0)
    x = np.stack([generator.normal(size=80), generator.integers(0, 5, 80), generator.integers(0, 3, 80) + 0.5], axis=1)
    for encoder in (
        Columns(DistributiveThermometer(4), categorical=[2, 1]),
        Columns(UniformFixedPoint(3), categorical=[1], max_categories=3),
        Categorical(4),
        Columns(Thermometer(3), categorical=[]),
    ):
        encoder.fit(x)
        width = encoder.usable.numel()
        model = nn.Sequential(encoder, LogicDense(width, 40, 3), GroupSum(2))
        circuit = to_circuit(model, (3,))
        assert prove_lowering(model, circuit).ok
        for place in range(len(circuit.encoder)):
            if prove_lowering(model, comparator(circuit, place, ulps=np.inf)).ok:
                pytest.fail(f"comparator {place} moved by an ulp unseen")


@pytest.mark.parametrize(("randperm", "luts"), [(False, 30), (31, 31)])
def test_the_layers_of_torch_dwn_are_proved(randperm: int | bool, luts: int) -> None:
    torch.manual_seed(0)
    encoder = dwn.DistributiveThermometer(3).fit(torch.rand(40, 12)).encoder
    model = nn.Sequential(
        encoder,
        nn.Flatten(),
        dwn.LearnableMapping(36, 50),
        dwn.STE(),
        dwn.LUTLayer(50, 40, 4, mapping="learnable"),
        dwn.LUTLayer(40, luts, 6),
        dwn.GroupSum(3, tau=2.0, randperm=randperm),
    )
    circuit = to_circuit(model, (12,))
    proof = prove_lowering(model, circuit)
    assert proof.ok, proof
    assert "2 times the module's" in proof.rows[-2].reason
    assert prove_lowering(model, flipped(circuit, 50, 3)).problems[0].name == "model.5"
    with torch.no_grad():
        slot = int(model[4].inputs()[0, 0])
        model[2].weights[:, slot] = model[2].weights[:, slot].roll(1)
    assert prove_lowering(model, circuit).verdict == "failed"


def test_models_without_encoder_or_head_are_proved_and_say_so() -> None:
    model = nn.Sequential(nn.Identity(), LogicDense(8, 5, 3), nn.Dropout(0.5))
    circuit = to_circuit(model, (8,))
    proof = prove_lowering(model, circuit)
    assert proof.ok
    assert [row.name for row in proof.rows] == ["input", "model.1", "circuit"]
    outputs = circuit.netlist.outputs[::-1]
    assert prove_lowering(model, with_netlist(circuit, outputs=outputs)).verdict == "failed"
    only = nn.Sequential(Thermometer(2).fit(torch.rand(9, 4)))
    assert prove_lowering(only, to_circuit(only, (4,))).ok
    nothing = nn.Identity()
    assert prove_lowering(nothing, to_circuit(nothing, (4,))).ok


def test_leading_dimensions_wrappers_and_permutations_are_proved() -> None:
    generator = torch.Generator().manual_seed(0)
    inner = nn.Sequential(layer("light", "fixed", 3, 6, 4, generator), nn.Flatten(), nn.Unflatten(1, (2, 10)))
    model = nn.Sequential(
        nn.Unflatten(1, (5, 6)),
        Thermometer(1).fit(torch.rand(20, 5, 6)),
        inner,
        nn.Flatten(),
        GroupSum(4, permute=True, in_dim=20, generator=generator),
    )
    circuit = to_circuit(model, (30,))
    assert prove_lowering(model, circuit).ok
    assert prove_lowering(torch.compile(model, backend="aot_eager"), circuit).ok
    broken = flipped(circuit, 9, 1)
    assert "first LUT 1, " in prove_lowering(model, broken).problems[0].reason
    assert "(place 2)" in prove_lowering(model, broken).problems[0].reason
    moved = model[-1].permutation.clone()
    model[-1].permutation.copy_(moved.roll(1))
    assert prove_lowering(model, circuit).problems[0].name == "model.4"


class Doubling(nn.Module):
    """A user's layer: it may say anything."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, x], -1)

    def lower(self, builder: CircuitBuilder, signals: Any) -> Any:
        return np.concatenate([signals, signals], -1)


class Inverted(LogicDense):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 1 - super().forward(x)


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda model: nn.Sequential(model[0], Doubling(), LogicDense(16, 4, 2), GroupSum(2)), "model.1"),
        (lambda model: nn.Sequential(Inverted(8, 8, 2), *model[1:]), "model.0"),
        (lambda model: hooked(model), "model.1"),
        (lambda model: patched(model), "model.1"),
    ],
    ids=["a user's layer", "a subclass", "a hook", "a forward of one instance"],
)
def test_what_is_not_known_is_never_proved(spoil: Callable[[nn.Sequential], nn.Sequential], where: str) -> None:
    model = nn.Sequential(LogicDense(8, 8, 2), LogicDense(8, 4, 2), GroupSum(2))
    circuit = to_circuit(model, (8,))
    spoilt = spoil(model)
    if where == "model.1" and isinstance(spoilt[1], Doubling):
        circuit = to_circuit(spoilt, (8,))
    proof = prove_lowering(spoilt, circuit)
    assert (proof.ok, proof.verdict) == (False, "not established")
    assert proof.problems[0].name == where
    assert all(row.verdict != "proved" for row in proof.rows if row.name > where)


def hooked(model: nn.Sequential) -> nn.Sequential:
    model[1].register_forward_hook(lambda module, inputs, output: 1 - output)
    return model


def patched(model: nn.Sequential) -> nn.Sequential:
    model[1].forward = lambda x: x[..., :4]
    return model


def test_a_module_after_the_head_or_registers_fail() -> None:
    model = nn.Sequential(LogicDense(8, 8, 2), GroupSum(2))
    circuit = to_circuit(model, (8,))
    longer = nn.Sequential(*model, LogicDense(2, 2, 2))
    assert "after the head" in prove_lowering(longer, circuit).problems[0].reason
    registers = with_netlist(
        circuit,
        fanin=circuit.netlist.fanin + (circuit.netlist.fanin >= circuit.netlist.num_inputs),
        outputs=circuit.netlist.outputs + 1,
        register_next=[0],
        register_init=[False],
    )
    assert "registers" in prove_lowering(model, registers).problems[0].reason


def test_a_simplified_circuit_is_not_taken_for_the_lowered_one() -> None:
    model = model_of(rank=2)
    smaller = lutsmith.simplify(to_circuit(model, SHAPE)).circuit
    assert prove_lowering(model, smaller).verdict == "failed"


def test_the_modes_of_a_model_are_left_as_they_were() -> None:
    model = model_of().train()
    model[2].eval()
    before = [part.training for part in model.modules()]
    prove_lowering(model, to_circuit(model, SHAPE))
    assert [part.training for part in model.modules()] == before


def test_a_learned_threshold_is_read_where_it_is_now() -> None:
    encoder = LearnableThermometer(3, input_bits=6).fit(torch.rand(50, 6))
    model = nn.Sequential(encoder, LogicDense(18, 12, 3), GroupSum(2))
    old = to_circuit(model, (6,))
    with torch.no_grad():
        encoder.shift[:, 1] += 0.2
    assert prove_lowering(model, to_circuit(model, (6,))).ok
    assert prove_lowering(model, old).problems[0].name == "model.0"


def test_heads_of_other_tasks_state_their_task() -> None:
    for head, objective in ((Regression(2), "regression"), (MultiLabel(2), "multilabel")):
        model = nn.Sequential(LogicDense(8, 8, 2), head)
        circuit = to_circuit(model, (8,))
        assert circuit.objective == objective
        assert prove_lowering(model, circuit).ok


# What the proof trusts of lutsmith's own modules: that their forward passes in eval mode are what they state.


def stated_by(module: nn.Module, *shape: int) -> Any:
    speaker = speaker_of(module)
    assert speaker is not None
    with torch.no_grad():
        return speaker(module, shape)


def looked_up(luts: Luts, x: np.ndarray) -> np.ndarray:
    address = (x[:, luts.inputs] << np.arange(luts.inputs.shape[1])).sum(axis=2)
    return luts.tables[np.arange(len(luts.inputs)), address]


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(list_parametrizations()),
    st.sampled_from(list_connections()),
    st.integers(1, 8),
    st.integers(0, 99),
)
def test_a_layer_in_eval_mode_is_the_tables_and_inputs_that_it_states(
    name: str, kind: str, rank: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    module = layer(name, kind, rank, 12, 20, generator).eval()
    x = torch.randint(0, 2, (300, 12), generator=generator)
    assert np.array_equal(module(x.float()).bool().numpy(), looked_up(stated_by(module, 12), x.numpy()))


@pytest.mark.parametrize("head", sorted(HEADS))
def test_a_head_in_eval_mode_is_the_sums_that_it_states(head: str) -> None:
    module = model_of(head=head, seed=3)[-1].eval()
    stated: Scores = stated_by(module, 30)
    x = np.random.default_rng(0).integers(0, 2, (500, 30))
    bits = x[:, stated.order]
    for _, level in stated.levels:
        bits = looked_up(level, bits).astype(int)
    scores = bits.reshape(500, stated.num_groups, -1).sum(axis=2)
    if stated.weights is not None:
        scores = scores @ stated.weights.astype(int).T
    scores = scores + (0 if stated.bias is None else stated.bias.astype(int))
    if stated.scale is not None:
        scores = scores * stated.scale + stated.offset
    assert np.array_equal(module(torch.from_numpy(x).double()).detach().numpy(), scores)


@pytest.mark.parametrize("name", [*sorted(ENCODERS), "categorical"])
@pytest.mark.parametrize("options", [{}, {"per": "global"}])
def test_a_bit_of_an_encoder_changes_only_at_thresholds_of_its_feature(name: str, options: dict[str, Any]) -> None:
    generator = np.random.default_rng(0)
    samples = generator.integers(-9, 9, (60, 4)).astype(np.float32)
    encoder = Categorical().fit(samples) if name == "categorical" else ENCODERS[name](4, **options).fit(samples)
    stated: Bits = stated_by(encoder, 4)
    x = generator.integers(0, 2**32, (4000, 4), dtype=np.uint32).view(np.float32)  # every kind of float32
    x[::3] = generator.uniform(-12, 12, (1334, 4))
    bits = stated.encode(x)
    for bit, feature in enumerate(stated.feature):
        levels = (x[:, feature, None] > stated.thresholds[feature]).sum(axis=1)
        known = {level: bits[levels == level, bit] for level in np.unique(levels)}
        assert all((values == values[0]).all() for values in known.values())
    assert len(np.unique(bits, axis=0)) > 2
