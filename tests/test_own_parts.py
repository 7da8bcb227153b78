"""Parametrizations, wirings and masks of one's own, by name: what takes a name takes theirs, and faults are told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from torch import Tensor, nn

import lutsmith
from lutsmith.cli import run
from lutsmith.nn import (
    Architecture,
    GroupSum,
    LogicConv2d,
    LogicDense,
    Parametrization,
    list_wirings,
    prove_lowering,
    register_parametrization,
    register_wiring,
    to_circuit,
)
from lutsmith.nn import parametrizations as known
from lutsmith.nn.neurons import LUTLinear, list_masks, register_mask
from lutsmith.nn.parametrizations.own import check_parametrization
from tests.own_parts import registries_kept


class Sine(Parametrization):
    """Entry k of a table is `(1 + sin(scale w_k)) / 2`."""

    samplings = ("soft",)

    def __init__(self, rank: int, *, scale: float = 1.0, **settings: Any) -> None:
        super().__init__(rank, **settings)
        self.scale = scale

    def _pass_input_0(self) -> Tensor:
        sure = np.arcsin(2 * self.residual_probability - 1) / self.scale
        return torch.tensor([sure if address & 1 else -sure for address in range(2**self.rank)])

    def tables(self, weight: Tensor) -> Tensor:
        return (1 + (self.scale * weight).sin()) / 2

    def probabilities(self, weight: Tensor) -> Tensor:
        return self.tables(weight)

    def hard_tables(self, weight: Tensor) -> Tensor:
        return (self.scale * weight).sin() > 0


def neighbours(num_inputs: int, num_luts: int, rank: int, generator: Any, *, step: int = 1) -> Any:
    starts = torch.randint(num_inputs, (num_luts, 1), generator=generator).numpy()
    return (starts + step * np.arange(rank)) % num_inputs


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    """Registries as they were, whatever a test adds."""
    with registries_kept():
        yield


def test_every_parametrization_of_lutsmith_passes_what_ones_own_has_to() -> None:
    for name in known.list_parametrizations():
        check_parametrization(known._REGISTRY[name], known.settings_of(name))


def test_a_parametrization_is_taken_by_name_wherever_one_is() -> None:
    register_parametrization("sine", Sine)
    assert "sine" in lutsmith.list_parametrizations()
    layer = LogicDense(16, 8, 3, parametrization="sine", scale=2.0)
    assert layer.parametrization.scale == 2.0
    assert LogicConv2d(8, 2, 4, lut_rank=2, parametrization="sine").parametrization.scale == 1.0
    architecture = Architecture(luts=(20,), rank=2, parametrization="sine", parametrization_options={"scale": 3.0})
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture
    model = lutsmith.build(architecture, np.random.default_rng(0).random((30, 6)), 2)
    circuit = to_circuit(model.eval(), (6,))
    assert prove_lowering(model, circuit).ok
    with pytest.raises(ValueError, match=r"sine has no scal; it takes .*scale.*did you mean 'scale'"):
        LogicDense(16, 8, 3, parametrization="sine", scal=2.0)


def test_a_wiring_is_taken_by_name_wherever_one_is() -> None:
    register_wiring("neighbours", neighbours)
    assert "neighbours" in list_wirings()
    generator = torch.Generator().manual_seed(3)
    rows = LogicDense(16, 8, 3, init_method="neighbours", step=2, generator=generator).connections.inputs()
    assert ((rows - rows[:, :1]) % 16 == torch.tensor([0, 2, 4])).all()
    usable = torch.arange(16) % 2 == 0
    rows = LogicDense(16, 8, 3, init_method="neighbours", usable=usable).connections.inputs()
    assert (rows % 2 == 0).all()
    learned = LogicDense(16, 8, 2, connections="learnable", num_candidates=4, init_method="neighbours")
    pools: Any = learned.connections.candidates
    assert ((pools.flatten(1) - pools[:, :1, 0]) % 16 == torch.arange(8)).all()
    assert LogicConv2d(8, 4, 4, lut_rank=2, init_method="neighbours", step=3).connections.inputs().shape == (4, 2)
    options = {"step": 2}
    network = Architecture(
        luts=(20,), rank=2, connections="fixed", init_method="neighbours", connection_options=options
    )
    model = lutsmith.build(network, np.random.default_rng(0).random((30, 6)), 2)
    assert prove_lowering(model.eval(), to_circuit(model, (6,))).ok


def test_a_mask_is_taken_by_name() -> None:
    register_mask("ends", lambda sizes, _: torch.tensor([[0, sizes.fan_in - 1]]))
    assert "ends" in list_masks()
    assert LUTLinear(8, 3, 2, mask="ends").mask.tolist() == [[[0, 7]]]


REGISTER: dict[str, tuple[Callable[[Any, Any], None], Any, str]] = {
    "parametrization": (register_parametrization, Sine, "light"),
    "wiring": (register_wiring, neighbours, "random"),
    "mask": (register_mask, lambda sizes, _: torch.zeros(1, 1, sizes.rank), "minimal"),
}


@pytest.mark.parametrize("kind", REGISTER)
def test_a_name_that_is_taken_or_none_is_refused_and_a_definition_may_come_again(kind: str) -> None:
    register, part, taken = REGISTER[kind]
    with pytest.raises(ValueError, match=f"there is a {kind} '{taken}' already"):
        register(taken, part)
    for name in ("", "two words", "a,b", "a=b"):
        with pytest.raises(ValueError, match="without spaces"):
            register(name, part)
    with pytest.raises(TypeError, match="expected a text"):
        register(3, part)
    register("mine", part)
    register("mine", part)
    other = type("Other", (Sine,), {}) if kind == "parametrization" else lambda *given, **more: part(*given, **more)
    with pytest.raises(ValueError, match=f"there is a {kind} 'mine' already"):
        register("mine", other)


def test_a_cell_of_a_notebook_may_be_run_again() -> None:
    source = "class Mine(Sine):\n    sign = {}"
    for sign in (1, 2):
        cell: dict[str, Any] = {"Sine": Sine, "__name__": "notebook"}
        exec(source.format(sign), cell)
        register_parametrization("mine", cell["Mine"])
    assert known._REGISTRY["mine"].sign == 2  # type: ignore[attr-defined]


def test_another_librarys_name_of_a_parametrization_is_taken() -> None:
    with pytest.raises(ValueError, match="there is a parametrization 'difflogic' already"):
        register_parametrization("difflogic", Sine)


def test_what_is_no_part_is_refused() -> None:
    for wrong in (3, nn.Linear, Sine(2), lambda rank: Sine(rank)):
        with pytest.raises(TypeError, match="expected a subclass"):
            register_parametrization("mine", wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="has no _pass_input_0, hard_tables, probabilities, tables"):
        register_parametrization("mine", type("Bare", (Parametrization,), {}))
    for wrong in ("random", np.zeros((2, 2)), lambda num_inputs: None, lambda a, b, c: None):
        with pytest.raises(TypeError, match=r"expected a function|does not take \(num_inputs"):
            register_wiring("mine", wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a function"):
        register_mask("mine", [[0, 1]])  # type: ignore[arg-type]


def needs_more(self: Any, rank: int, width: int) -> None:
    Parametrization.__init__(self, rank)
    self.width = width


def keeps_the_rest(self: Any, rank: int, *, width: int = 2) -> None:
    Parametrization.__init__(self, rank)
    self.width = width


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "the constructor needs more": ({"__init__": needs_more}, "give its settings defaults"),
    "the rest is not handed on": ({"__init__": keeps_the_rest}, "does not take all that layers give it"),
    "a table too short": ({"tables": lambda self, w: w[:, 1:]}, "tables is .* shape"),
    "no gradient": ({"tables": lambda self, w: w.detach().sin()}, "no gradient"),
    "probabilities beyond 1": ({"probabilities": lambda self, w: 2 + w}, "from 0 to 1"),
    "not a number": ({"probabilities": lambda self, w: w / 0 * 0}, "not finite"),
    "numbers as Boolean tables": ({"hard_tables": lambda self, w: w.sin()}, r"expected torch\.bool"),
    "other Boolean tables": ({"hard_tables": lambda self, w: w.sin() < 0}, "circuit would be another"),
    "Boolean tables beyond a threshold": (
        {"hard_tables": lambda self, w: w > 0.3, "_pass_input_0": lambda self: torch.tensor(
            [1.0 if a & 1 else -1.0 for a in range(2**self.rank)])}, "circuit would be another"
    ),
    "input 1 is passed": (
        {"_pass_input_0": lambda self: torch.tensor([1.0 if a & 2 else -1.0 for a in range(2**self.rank)])},
        "entry a is 1 where a is odd",
    ),
    "weights of one table too many": (
        {"initial_weight": lambda self, count, generator: torch.zeros(count + 1, 2**self.rank)}, "initial_weight"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_parametrization_is_found_before_it_has_a_name(fault: str) -> None:
    changed, message = FAULTS[fault]
    ranks = {"ranks": range(2, 9)} if fault == "input 1 is passed" else {}
    with pytest.raises((TypeError, ValueError), match=message):
        register_parametrization("faulty", type("Faulty", (Sine,), {**changed, **ranks}))
    assert "faulty" not in lutsmith.list_parametrizations()


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (lambda luts, rank: np.zeros((luts, rank)), TypeError, "gave float64; expected integers"),
        (lambda luts, rank: np.zeros((rank, luts), np.int64), ValueError, r"shape \(2, 5\)"),
        (lambda luts, rank: np.full((luts, rank), [0, 8]), ValueError, "inputs 0 to 8; expected 0 to 7"),
        (lambda luts, rank: np.full((luts, rank), [0, -1]), ValueError, "inputs -1 to 0"),
        (lambda luts, rank: np.full((luts, rank), 3), ValueError, r"LUT 0 the inputs \[3, 3\], one of them twice"),
        (lambda luts, rank: [[0, 1]] * (luts - 1), ValueError, "shape"),
    ],
)
def test_a_fault_of_a_wiring_is_found_where_it_is_drawn(rows: Any, error: type[Exception], message: str) -> None:
    register_wiring("faulty", lambda num_inputs, num_luts, rank, generator: rows(num_luts, rank))
    with pytest.raises(error, match=message):
        LogicDense(8, 5, 2, init_method="faulty")


def test_a_wiring_that_sees_what_is_usable_has_to_keep_to_it() -> None:
    register_wiring("all", lambda n, luts, rank, generator, *, usable: np.tile(np.arange(rank), (luts, 1)))
    with pytest.raises(ValueError, match="input 1, which is not usable"):
        LogicDense(8, 5, 2, init_method="all", usable=torch.arange(8) != 1)


def test_a_wiring_that_repeats_says_so_and_learned_connections_do_not_take_it() -> None:
    register_wiring("same", lambda n, luts, rank, generator: np.zeros((luts, rank), int), repeats=True)
    layer = LogicDense(8, 6, 2, init_method="same")
    model = nn.Sequential(layer, GroupSum(2)).eval()
    circuit = to_circuit(model, (8,))  # slots that read one input are merged
    x = np.random.default_rng(0).random((20, 8)) > 0.5
    assert np.array_equal(circuit.predict(x), model(torch.from_numpy(x)).argmax(-1))
    with pytest.raises(ValueError, match="expected one of"):
        LogicDense(8, 6, 2, connections="learnable", num_candidates=2, init_method="same")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LogicDense(8, 5, 2, parametrization="sine"), "lutsmith.nn.register_parametrization"),
        (lambda: Architecture(parametrization="sine"), "lutsmith.nn.register_parametrization"),
        (lambda: LogicDense(8, 5, 2, init_method="neighbours"), "lutsmith.nn.register_wiring"),
        (lambda: LUTLinear(8, 5, 2, mask="ends"), "lutsmith.nn.neurons.register_mask"),
        (lambda: lutsmith.train("digits", method="tabu"), "lutsmith.search.register"),
    ],
)
def test_a_name_that_is_not_known_is_an_error_that_says_what_to_call(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"registered in this process first, by {message}"):
        make()


TRAIN = "--luts 20 --rank 2 --epochs 1 --set architecture.parametrization=sine --set architecture.connections=fixed"


def test_a_run_says_its_name_and_is_resumed_where_it_is_known(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    register_parametrization("sine", Sine)
    register_wiring("neighbours", neighbours)
    words = f"train digits {TRAIN} --set architecture.init_method=neighbours --out run".split()
    assert run(words) == 0, capsys.readouterr()
    first = (tmp_path / "run" / "model.lut").read_bytes()
    circuit = lutsmith.load("run/model.lut")
    assert "'parametrization': 'sine'" in str(circuit.metadata), circuit.metadata
    (tmp_path / "run" / "model.lut").unlink()
    del known._REGISTRY["sine"]
    assert run([*words, "--resume"]) != 0
    said = capsys.readouterr()
    assert "parametrization is 'sine'" in said.err
    assert "lutsmith.nn.register_parametrization" in said.err
    register_parametrization("sine", Sine)
    assert run([*words, "--resume"]) == 0, capsys.readouterr()
    assert (tmp_path / "run" / "model.lut").read_bytes() == first


def test_a_circuit_of_ones_own_parts_needs_neither_in_another_process(tmp_path: Any) -> None:
    register_parametrization("sine", Sine)
    network = Architecture(luts=(20,), rank=2, parametrization="sine")
    digits = lutsmith.data.load("digits").x_train
    lutsmith.save(to_circuit(lutsmith.build(network, digits, 10).eval(), (1, 8, 8)), tmp_path / "model.lut")
    code = (
        "import lutsmith, sys; c = lutsmith.load(sys.argv[1]);"
        "print(c.predict(lutsmith.data.load('digits').x_test).shape, 'torch' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.lut")], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["(360,)", "False"]
