"""One kind of mistake, one type of exception, whichever room it is made in: the table of CONTRIBUTING.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from torch import nn

from lutsmith import FeedForward, LogicDense, build, presets, prove_lowering, save, word_length_report
from lutsmith.additive import AdditiveSettings
from lutsmith.circuit import NetlistBuilder
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.simplify import simplify
from lutsmith.circuit.sliding import PADDINGS
from lutsmith.data import TASKS, TableOptions, load
from lutsmith.data.augmentation import ImageAugmentation
from lutsmith.export import FORMATS, Options, to_aiger, to_c, to_constraints, to_verilog, to_vhdl
from lutsmith.hardware import optimise, synth, verify
from lutsmith.hardware.targets import TARGETS
from lutsmith.hardware.tools import toolchain
from lutsmith.nn import Architecture, LogicConv2d, Residual
from lutsmith.nn.connections import list_connections, list_wirings, setup_connections
from lutsmith.nn.connections.channels import PATTERNS
from lutsmith.nn.containers import GATES
from lutsmith.nn.encoders import ENCODERS, Thermometer, setup_encoder
from lutsmith.nn.heads import HEADS, setup_head
from lutsmith.nn.neurons import LUTConv2d, LUTLinear, list_masks
from lutsmith.nn.neurons.lut_conv import COMBINES
from lutsmith.nn.neurons.lut_sum import SCALES, ZEROS
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization
from lutsmith.runs.methods import METHODS, asked_method
from lutsmith.training import Settings, TemperatureSchedule
from lutsmith.training.objectives import OBJECTIVES, make_objective
from lutsmith.training.optimization.optimizers import make_optimizer


def circuit() -> Any:
    builder = CircuitBuilder((2,))
    bits = builder.compare(np.arange(2), np.zeros(2, np.float32))
    builder.popcount(bits, 2)
    return builder.build()


def optimizer(name: Any = "adam", **options: Any) -> Any:
    return make_optimizer(nn.Linear(1, 1), Settings(optimizer=name, optimizer_options=options), None)


NAMES: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "parametrizations": (lambda name: setup_parametrization(name, 2), list_parametrizations()),
    "parametrizations of a layer": (lambda name: LogicDense(4, 4, 2, parametrization=name), list_parametrizations()),
    "connections": (lambda name: setup_connections(name, 4, 4, 2), list_connections()),
    "wirings": (lambda name: setup_connections("fixed", 4, 4, 2, init_method=name), list_wirings()),
    "wirings of candidates": (
        lambda name: LogicDense(8, 4, 2, connections="learnable", num_candidates=2, init_method=name), ["random"]
    ),
    "padding modes": (lambda name: LogicConv2d(8, 9, 4, padding_mode=name), list(PADDINGS)),
    "channels of kernels": (lambda name: LogicConv2d(8, 9, 4, channel_groups=name), list(PATTERNS)),
    "gates of a residual": (lambda name: Residual(nn.Identity(), name), list(GATES)),
    "masks": (lambda name: LUTLinear(4, 2, 2, mask=name), list_masks()),
    "what a zero is": (lambda name: LUTLinear(4, 2, 2, zeros=name), list(ZEROS)),
    "scales of sums": (lambda name: LUTLinear(4, 2, 2, scale=name), list(SCALES)),
    "where further inputs come from": (lambda name: LUTConv2d(4, 2, 3, 2, combine=name), list(COMBINES)),
    "encoders": (lambda name: setup_encoder(name, 3), list(ENCODERS)),
    "encoders of a network": (
        lambda name: FeedForward(fit_samples=np.eye(4), num_classes=2, layer_width=4, encoder=name), list(ENCODERS)
    ),
    "heads": (lambda name: setup_head(name, 2), list(HEADS)),
    "encoders of an architecture": (lambda name: Architecture(encoder=name), list(ENCODERS)),
    "heads of an architecture": (lambda name: Architecture(head=name), list(HEADS)),
    "parametrizations of an architecture": (lambda name: Architecture(parametrization=name), list_parametrizations()),
    "connections of an architecture": (lambda name: Architecture(connections=name), list_connections()),
    "presets": (presets.get, [preset.name for preset in presets.list_presets()]),
    "methods of learning": (lambda name: asked_method(name, None, {}), list(METHODS)),
    "tasks": (load, list(TASKS)),
    "targets": (lambda name: synth(circuit(), name), list(TARGETS)),
    "formats that are verified": (lambda name: verify(circuit(), (name,)), ["verilog", "json", "onnx"]),
    "layers of verification": (
        lambda name: verify(circuit(), ("json",), layers=(name,)), ["read-back", "formal", "simulation"]
    ),
    "tools": (toolchain.find, list(toolchain.TOOLS)),
    "recipes": (lambda name: optimise(circuit(), name), ["default"]),
    "primitives of Verilog": (lambda name: to_verilog(circuit(), primitives=name), ["portable", "xilinx"]),
    "primitives of VHDL": (lambda name: to_vhdl(circuit(), primitives=name), ["portable", "xilinx"]),
    "styles of C": (lambda name: to_c(circuit(), style=name), ["unrolled", "compact"]),
    "kinds of constraints": (lambda name: to_constraints(circuit(), kind=name), ["xdc", "sdc", "lpf", "pcf"]),
    "objectives": (make_objective, list(OBJECTIVES)),
    "objectives of settings": (lambda name: Settings(objective=name), list(OBJECTIVES)),
    "schedules": (lambda name: Settings(schedule=name), ["cosine", "step", "constant"]),
    "shapes of annealing": (lambda name: TemperatureSchedule(1.0, shape=name), ["exponential", "linear", "cosine"]),
    "accelerators": (lambda name: Settings(accelerator=name), ["cpu", "cuda", "auto"]),
    "optimizers": (optimizer, ["adam", "sgd"]),
    "samplings": (lambda name: setup_parametrization("light", 2, forward_sampling=name), ["soft", "gumbel_soft"]),
    "rules": (lambda name: LogicDense(4, 4, 2, connections="learnable", connection_rule=name), ["softmax", "dwn"]),
    "thresholds": (lambda name: Thermometer(2, per=name), ["feature", "channel", "global"]),
    "methods of prediction": (
        lambda name: circuit().predict_batches(np.eye(2), method=name), ["predict", "decision_function", "outputs"]
    ),
}  # fmt: skip

OPTIONS: dict[str, tuple[Callable[..., Any], str]] = {
    **{f"{name} tables": (lambda name=name, **o: setup_parametrization(name, 2, **o), "weight_init")
       for name in list_parametrizations()},
    **{f"{name} connections": (lambda name=name, **o: setup_connections(name, 4, 4, 2, **o), "usable")
       for name in list_connections()},
    **{f"the {name} encoder": (lambda name=name, **o: setup_encoder(name, 3, **o), "per") for name in ENCODERS},
    "the reduction head": (lambda **o: setup_head("reduction", 2, in_dim=40, **o), "weight_init"),
    **{f"the {name} head": (lambda name=name, **o: setup_head(name, 2, in_dim=16, **o), "permute")
       for name in HEADS if name != "reduction"},
    "a wiring": (lambda **o: setup_connections("fixed", 4, 4, 2, init_method="local", shape=(4,), **o), "window"),
    "an architecture": (lambda **o: Architecture.from_json(o), "parametrization"),
    "settings": (lambda **o: Settings.from_json(o), "batch_size"),
    "augmentation": (lambda **o: ImageAugmentation.from_json(o), "elastic_nodes"),
    "settings of additive learning": (lambda **o: AdditiveSettings.from_json(o), "max_luts"),
    "an optimizer": (lambda **o: optimizer("adam", **o), "betas"),
    "a table": (lambda **o: TableOptions.of(o), "delimiter"),
}  # fmt: skip


def misspelt(name: str) -> str:
    return name[:-1] + {"x": "y"}.get(name[-1], "x")


@pytest.mark.parametrize("registry", NAMES)
def test_an_unknown_name_is_a_value_error_that_lists_what_there_is(registry: str) -> None:
    make, known = NAMES[registry]
    with pytest.raises(ValueError, match="expected one of") as raised:
        make("nonesuch")
    assert [name for name in known if name not in str(raised.value)] == []
    with pytest.raises(ValueError, match=r"did you mean '.*'\?"):
        make(misspelt(known[0]))


@pytest.mark.parametrize("registry", NAMES)
def test_a_name_that_is_not_text_is_a_type_error(registry: str) -> None:
    make, _ = NAMES[registry]
    for value in (3, 2.5, b"light"):
        with pytest.raises(TypeError):
            make(value)


@pytest.mark.parametrize("owner", OPTIONS)
def test_an_unknown_option_is_a_value_error_that_lists_what_there_is(owner: str) -> None:
    make, known = OPTIONS[owner]
    with pytest.raises(ValueError, match=rf"has no nonesuch; it takes .*\b{known}\b"):
        make(nonesuch=1)
    with pytest.raises(ValueError, match=rf"has no {misspelt(known)}; .*did you mean '{known}'\?"):
        make(**{misspelt(known): 1})


def test_an_option_that_a_format_does_not_take_is_a_value_error_that_lists_those_it_takes() -> None:
    with pytest.raises(ValueError, match="c takes no pipeline=2: leave it out; c takes words"):
        FORMATS["c"].files(circuit(), Options(pipeline=2))


@pytest.mark.parametrize(
    "make",
    [
        lambda: LogicDense(4, 4, "2"),
        lambda: LogicDense("4", 4, 2),
        lambda: LogicDense(4, 4, 2, temperature="hot"),
        lambda: LogicDense(4, 4, 2, connections="learnable", num_candidates=2.0),
        lambda: setup_encoder("uniform", "3"),
        lambda: setup_head("group-sum", "2"),
        lambda: setup_head("group-sum", 2, tau=None),
        lambda: Architecture(rank="6"),
        lambda: Architecture(luts="20"),
        lambda: Architecture(head_options=[1]),
        lambda: Settings(epochs="3"),
        lambda: Settings(lr="fast"),
        lambda: Settings(optimizer_options=3),
        lambda: TableOptions(header="yes"),
        lambda: synth(circuit(), "ecp5", timeout="long"),
        lambda: simplify(circuit(), level="2"),
        lambda: NetlistBuilder("2"),
        lambda: circuit().predict(["a", "b"]),
    ],
)
def test_a_wrong_type_is_a_type_error(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: LogicDense(4, 4, 9),
        lambda: LogicDense(4, 0, 2),
        lambda: setup_encoder("uniform", 0),
        lambda: setup_head("group-sum", 0),
        lambda: Architecture(rank=9),
        lambda: Architecture(luts=()),
        lambda: Settings(epochs=0),
        lambda: Settings(lr=-1.0),
        lambda: TableOptions(delimiter="xx"),
        lambda: synth(circuit(), "ecp5", timeout=0),
        lambda: NetlistBuilder(-1),
        lambda: circuit().predict(np.zeros((2, 3))),
    ],
)
def test_a_value_that_cannot_be_is_a_value_error(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|of shape|has shape"):
        make()


@pytest.mark.parametrize("function", [to_verilog, to_vhdl, to_aiger, lambda c, **o: verify(c, ("verilog",), **o),
                                      lambda c, **o: synth(c, "asic", **o)])  # fmt: skip
def test_messages_name_the_argument_that_was_given(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"^words is 99; expected the bits of a word, an integer from 1 to 24$"):
        function(circuit(), words=99)
    with pytest.raises(ValueError, match=r"^pipeline is 0; expected levels of LUTs between registers, an integer"):
        function(circuit(), pipeline=0)
    with pytest.raises(TypeError, match=r"^pipeline is 1\.5; expected"):
        function(circuit(), pipeline=1.5)


def test_word_lengths_are_checked_before_any_is_measured() -> None:
    told = replace(circuit(), fitted_range=(np.zeros(2), np.ones(2)))
    with pytest.raises(ValueError, match=r"^word_lengths is 25; expected the bits of a word, an integer from 1 to 24"):
        word_length_report(told, np.eye(2), np.arange(2), word_lengths=(4, 25))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: save("model.lut", circuit()), "circuit is a str; expected Circuit"),
        (lambda: save(nn.Identity(), "model.lut"), "circuit is a Identity; expected Circuit"),
        (lambda: simplify(circuit().netlist), "circuit is a Netlist; expected Circuit"),
        (lambda: prove_lowering(circuit(), nn.Identity()), "model is a Circuit; expected Module"),
        (lambda: prove_lowering(nn.Identity(), nn.Identity()), "circuit is a Identity; expected Circuit"),
        (lambda: build({"luts": (8,)}, np.eye(4), 2), "architecture is a dict; expected Architecture"),
    ],
)
def test_an_argument_of_another_class_is_a_type_error(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        make()


def test_a_learning_rate_among_the_options_of_an_optimizer_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match=r"has no lr; .*; lr is a setting beside optimizer_options"):
        optimizer("adam", lr=1.0)
