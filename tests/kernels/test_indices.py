"""An index that points outside of its array reaches no kernel, however it came in; and nothing waits for a device."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from lutsmith import dwn
from lutsmith.kernels.training import ops, ranges
from lutsmith.kernels.training.best import naive as naive_best
from lutsmith.kernels.training.choose import naive as naive_choose
from lutsmith.kernels.training.encode import naive as naive_encode
from lutsmith.kernels.training.fold import naive as naive_fold
from lutsmith.kernels.training.gates import naive as naive_gates
from lutsmith.kernels.training.lookup import naive as naive_lookup
from lutsmith.kernels.training.mix import naive as naive_mix
from lutsmith.kernels.training.read_best import blocks
from lutsmith.kernels.training.read_best import naive as naive_read_best
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn import LogicDense

IN_DIM, OUT_DIM, RANK = 12, 20, 3


def layer_of(kind: str) -> tuple[nn.Module, nn.Module, str]:
    """A layer, and the module and the name of its buffer of indices."""
    torch.manual_seed(0)
    if kind == "dwn":
        layer = dwn.LUTLayer(IN_DIM, OUT_DIM, RANK)
        return layer, layer, "mapping"
    if kind == "dwn learnable":
        layer = dwn.LUTLayer(IN_DIM, OUT_DIM, RANK, "learnable")
        return layer, layer, "_LUTLayer__dummy_mapping"
    ways: dict[str, tuple[dict[str, Any], str]] = {
        "fixed": ({}, "indices"),
        "hard": ({"connections": "learnable", "num_candidates": 4}, "candidates"),
        "gumbel": ({"connections": "learnable", "num_candidates": 4, "connection_sampling": "gumbel"}, "candidates"),
        "soft": ({"connections": "learnable", "num_candidates": 4, "connection_sampling": "soft"}, "candidates"),
        "dense": ({"connections": "dense"}, "places"),
        "dense frozen": ({"connections": "dense"}, "chosen"),
    }
    settings, name = ways[kind]
    layer = LogicDense(IN_DIM, OUT_DIM, RANK, **settings)
    if kind.endswith("frozen"):
        layer.freeze()
    return layer, layer.connections, name


def bad(kind: str) -> tuple[int, ...]:
    """Indices that are not there: the dummy of a learnable mapping names slots, not inputs."""
    return -1, OUT_DIM * RANK if kind == "dwn learnable" else IN_DIM, 10**9, -(2**31)


KINDS = ("fixed", "hard", "gumbel", "soft", "dense", "dense frozen", "dwn", "dwn learnable")


def in_place(owner: nn.Module, name: str, value: int) -> None:
    with torch.no_grad():
        getattr(owner, name)[0] = value


def behind_torchs_back(owner: nn.Module, name: str, value: int) -> None:
    getattr(owner, name).data[0] = value  # changes no version


def by_numpy(owner: nn.Module, name: str, value: int) -> None:
    getattr(owner, name).numpy()[0] = value


def another_buffer(owner: nn.Module, name: str, value: int) -> None:
    setattr(owner, name, torch.full_like(getattr(owner, name), value))


PLANTS = (in_place, behind_torchs_back, by_numpy, another_buffer)


def step(layer: nn.Module) -> None:
    """Forward and back."""
    x = torch.rand(6, IN_DIM).round().requires_grad_()
    y = layer(x)
    if y.requires_grad:
        y.sum().backward()


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_index_is_refused_after_the_good_one_was_used(kind: str, plant: Callable[..., None]) -> None:
    for value in bad(kind):
        layer, owner, name = layer_of(kind)
        for training in (True, False):
            step(layer.train(training))
        plant(owner, name, value)
        for training in (True, False):
            with pytest.raises((ValueError, IndexError), match=r"range over|out of range"):
                step(layer.train(training))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("plant", PLANTS)
def test_copies_of_a_layer_with_a_planted_index_refuse_it(kind: str, plant: Callable[..., None]) -> None:
    def saved(layer: nn.Module) -> nn.Module:
        file = io.BytesIO()
        torch.save(layer, file)
        file.seek(0)
        loaded: nn.Module = torch.load(file, weights_only=False)
        return loaded

    layer, owner, name = layer_of(kind)
    step(layer)
    plant(owner, name, 10**9)
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), saved(layer), layer.double(), layer.cpu()):
        with pytest.raises((ValueError, IndexError), match=r"range over|out of range"):
            copied(torch.rand(6, IN_DIM)).sum().backward()


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dense"])  # its places are no part of a state
def test_a_hostile_state_is_refused_when_it_is_loaded(kind: str, assign: bool) -> None:
    for value in bad(kind):
        layer, owner, name = layer_of(kind)
        key = next(key for key in layer.state_dict() if key.endswith(name))
        state = {**layer.state_dict(), key: torch.full_like(getattr(owner, name), value)}
        with pytest.raises((RuntimeError, ValueError), match=r"range over|names inputs"):
            layer.load_state_dict(state, assign=assign)
        step(layer)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("kind", ["fixed", "hard", "soft", "dense frozen", "dwn"])
def test_a_compiled_layer_refuses_what_is_planted_later(kind: str, plant: Callable[..., None]) -> None:
    torch.compiler.reset()
    layer, owner, name = layer_of(kind)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    step(compiled)
    plant(owner, name, 10**9)
    with pytest.raises(Exception, match="range over"):  # dynamo may wrap it
        step(compiled)


@pytest.mark.parametrize("kind", ["fixed", "hard", "dense frozen", "dwn"])
def test_an_exported_program_refuses_what_is_planted_later(kind: str) -> None:
    layer, _, name = layer_of(kind)
    program = torch.export.export(layer.eval(), (torch.rand(6, IN_DIM),)).module()
    program(torch.rand(6, IN_DIM))
    key = next(key for key in dict(program.named_buffers()) if key.endswith(name))
    program.get_buffer(key).data[0] = 10**9
    with pytest.raises(ValueError, match="range over"):
        program(torch.rand(6, IN_DIM))


def test_what_is_planted_between_forward_and_backward_is_refused() -> None:
    for kind, plant in (("fixed", behind_torchs_back), ("hard", behind_torchs_back), ("dwn", by_numpy)):
        layer, owner, name = layer_of(kind)
        y = layer(torch.rand(6, IN_DIM, requires_grad=True))
        plant(owner, name, 10**9)
        with pytest.raises(ValueError, match=f"range over .*{10**9}"):
            y.sum().backward()


def test_a_candidate_that_is_not_read_now_is_refused_before_its_gradient() -> None:
    candidates = torch.zeros(2, 2, 3).int()
    candidates[1, 1, 2] = 3
    reads = Reads(torch.zeros(2, 2).int(), None, candidates, torch.rand(2, 2, 3, requires_grad=True))
    for operation in (ops.fold, ops.lookup):
        y = operation(torch.rand(3, 4), torch.rand(2, 4), reads)
        with pytest.raises(ValueError, match=r"candidates range over 0\.\.3; expected 0\.\.2"):
            y.sum().backward()


def test_inference_tensors_are_checked_too() -> None:
    with torch.inference_mode(), pytest.raises(ValueError, match=r"inputs range over 3\.\.3"):
        ops.lookup(torch.rand(3, 4), torch.rand(2, 4), Reads(torch.full((2, 2), 3, dtype=torch.int32)))


@pytest.mark.parametrize("pointers", [[0, 1, 4], [0, 4, 3], [1, 1, 3], [0, -1, 3], [0, 10**9, 3]])
def test_pointers_to_tables_are_checked_in_both_directions(pointers: list[int]) -> None:
    shared = Reads(torch.zeros(3, 2).int(), torch.tensor([0, 1, 3]).int())
    x, tables = torch.rand(3, 4), torch.rand(2, 4, requires_grad=True)
    for operation in (ops.fold, ops.lookup):
        assert shared.table_ptr is not None
        shared.table_ptr.copy_(torch.tensor([0, 1, 3]))
        y = operation(x, tables, shared)
        shared.table_ptr.data.copy_(torch.tensor(pointers))
        with pytest.raises(ValueError, match="expected non-decreasing"):
            y.sum().backward()
        with pytest.raises(ValueError, match="expected non-decreasing"):
            operation(x, tables, shared)


X, TABLES, INPUTS, GRAD = torch.rand(3, 4), torch.rand(2, 4), torch.zeros(2, 2).int(), torch.rand(2, 4)
CANDIDATES, SCORES = torch.zeros(2, 2, 3).int(), torch.rand(2, 2, 3)
PLAIN = (None, None, None, 1.0, "softmax", None, 1)
LEARNED = (None, CANDIDATES, SCORES, 1.0, "softmax", None, 1)
ALL = (True, True, True)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("fold", (X, TABLES, INPUTS + 3, *PLAIN), "range over"),
        ("fold", (X, TABLES, INPUTS.long(), *PLAIN), "int32"),
        ("fold", (X, TABLES[:1], INPUTS, *PLAIN), "tables for 2 LUTs"),
        ("fold", (X.half(), TABLES, INPUTS, *PLAIN), "bfloat16"),
        ("lookup", (X, TABLES, INPUTS - 1, *PLAIN, 0.5), "range over"),
        ("lookup", (X, TABLES, INPUTS, *PLAIN, 2.0), "rho is 2"),
        ("fold_backward", (GRAD, X, TABLES, INPUTS + 3, *PLAIN, *ALL), "inputs range"),
        ("fold_backward", (GRAD[:1], X, TABLES, INPUTS, *PLAIN, *ALL), "grad is"),
        ("fold_backward", (GRAD[:, :2], X, TABLES, INPUTS, *PLAIN, *ALL), "grad is"),
        ("fold_backward", (GRAD, X, TABLES, INPUTS, None, CANDIDATES - 1, *LEARNED[2:], *ALL), "candidates range"),
        (
            "fold_backward",
            (GRAD, X, TABLES, INPUTS, None, CANDIDATES, SCORES[:1], 1.0, "dwn", None, 1, *ALL),
            "the same",
        ),
        ("lookup_backward", (GRAD, X, TABLES, INPUTS + 3, *PLAIN, 0.5, *ALL), "inputs range"),
        ("lookup_backward", (GRAD[:1], X, TABLES, INPUTS, *PLAIN, 0.5, *ALL), "grad is"),
        ("mix", (X, CANDIDATES + 3, SCORES, 1.0), "range over"),
        ("mix", (X, CANDIDATES, SCORES[:1], 1.0), "one shape"),
        ("choose", (SCORES[:1], CANDIDATES), "one shape"),
        ("choose", (SCORES, CANDIDATES.long()), "int32"),
        ("best", (SCORES[:, :, :1], True), "inputs for each slot"),
        ("encode", (X, torch.rand(3, 2), 1), r"\(4, bits\)"),
        ("encode", (X, torch.rand(4, 2), 0), "divisor"),
        ("group_sums", (torch.rand(7, 5), 2), "a multiple of 2"),
        ("group_sums", (torch.rand(0, 5), 2), "a multiple of 2"),
        ("group_sums", (torch.rand(6, 5), 0), "a multiple of 0"),
        ("group_sums_backward", (torch.rand(3, 5), 7, torch.float32), "a divisor of 7"),
        ("logistic", (torch.zeros(3, dtype=torch.int32), 1.0), "logits are torch.int32"),
        ("logistic", (torch.rand(3), 0.0), "temperature is 0"),
        ("logistic_backward", (torch.rand(2), torch.rand(3), 1.0), "grad has shape"),
        ("gates", (torch.rand(3, 15), 1.0), r"\(tables, 16\)"),
        ("gates_backward", (torch.rand(2, 4), torch.rand(3, 16), 1.0), "grad is"),
        ("gates_backward", (torch.rand(3, 3), torch.rand(3, 16), 1.0), "grad is"),
        ("read_best", (X, SCORES, torch.arange(3), INPUTS + 3, 1.0, "dwn"), "inputs range"),
        ("read_best", (X, SCORES, torch.arange(2), INPUTS, 1.0, "dwn"), "places are"),
        ("read_best", (X, SCORES, torch.arange(3), INPUTS[:1], 1.0, "dwn"), "one for each of 4 slots"),
        ("read_best", (X, SCORES, torch.arange(3), INPUTS, 0.0, "dwn"), "temperature is 0"),
        ("read_best", (X, SCORES, torch.arange(3), INPUTS, 1.0, "other"), "softmax, dwn"),
        ("read_best_backward", (GRAD, X, SCORES, torch.arange(3), 1.0, "dwn", True, True), "expected that of the rows"),
    ],
)
def test_an_operator_called_by_itself_checks_what_it_is_given(name: str, arguments: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        getattr(torch.ops.lutsmith, name).default(*arguments)


def test_ranges_are_those_of_numpy() -> None:
    random = np.random.default_rng(0)
    for count in (0, 1, 7, 8, 63, 64, 1000):
        for low, high in ((0, 5), (-1, 5), (0, 2**31), (-(2**31), 0)):
            indices = random.integers(low, high, count).astype(np.int32)
            for rows in (0, 1, 4, 5, 2**31 - 1):
                expected = bool(((indices >= 0) & (indices < rows)).all())
                assert ranges.within(indices.ctypes.data, count, rows) == expected
        pointers = np.sort(random.integers(0, 50, count)).astype(np.int32)
        if count:
            pointers[0], pointers[-1] = 0, 50
            assert ranges.ascends(pointers.ctypes.data, count, 50) == (count > 1)
        if count > 7:
            for place in (1, 5, count - 2):
                wrong = pointers.copy()
                wrong[place] = -1
                assert not ranges.ascends(wrong.ctypes.data, count, 50)
    assert not ranges.ascends(0, 0, 0)


# --- other devices -------------------------------------------------------------------------------------------------


class NothingWaits(TorchDispatchMode):
    """Raises where a device would wait for the host: its values are asked for, or values come from the host.

    The meta device stands for any that is not the CPU.
    """

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        name = function.name()
        assert name not in ("aten::_local_scalar_dense", "aten::item", "aten::nonzero", "aten::lift_fresh"), name
        out = function(*arguments, **(keywords or {}))
        tensors = [a for a in (*arguments, out) if isinstance(a, Tensor)]
        assert len({tensor.device.type for tensor in tensors if tensor.ndim}) <= 1, name
        return out


def on_meta(*tensors: Tensor) -> list[Tensor]:
    return [tensor.to("meta") for tensor in tensors]


@pytest.mark.parametrize("rank", [1, 2, 6])
def test_no_form_for_other_devices_waits(rank: int) -> None:
    x, tables, inputs, candidates, scores, grad = on_meta(
        torch.rand(9, 5),
        torch.rand(4, 1 << rank),
        torch.zeros(4, rank).int(),
        torch.zeros(4, rank, 3).int(),
        torch.rand(4, rank, 3),
        torch.rand(4, 5),
    )
    shared, few, pointers = on_meta(torch.rand(2, 1 << rank), torch.rand(4, rank, 9), torch.tensor([0, 2, 4]).int())
    numbers, thresholds, logits, slopes, places = on_meta(
        torch.rand(5, 9), torch.rand(9, 2), torch.rand(4, 16), torch.rand(4, 4), torch.arange(9)
    )
    rows = torch.rand(4 * rank, 5, device="meta")
    with NothingWaits():
        for reads, read in (
            (Reads(inputs), tables),
            (Reads(inputs, pointers), shared),
            *((Reads(inputs, None, candidates, scores, 0.5, rule), tables) for rule in ("softmax", "dwn")),
        ):
            assert naive_fold.fold(x, read, reads).shape == grad.shape
            naive_fold.fold_backward(grad, x, read, reads)
            naive_lookup.lookup(x, read, reads)
            naive_lookup.lookup_backward(grad, x, read, reads)
        naive_choose.choose(scores, candidates)
        naive_best.best(few, True)
        naive_mix.mix(x, candidates, scores, 0.5)
        naive_encode.encode(numbers, thresholds, 3)
        naive_gates.gates(logits, 0.5)
        naive_gates.gates_backward(slopes, logits, 0.5)
        naive_read_best.read_best(x, inputs)
        for rule in ("softmax", "dwn"):
            blocks.backward(rows, x, few, places, 0.5, rule, True, True)


@pytest.mark.parametrize("kind", KINDS)
def test_no_layer_on_another_device_waits(kind: str) -> None:
    layer = layer_of(kind)[0].to("meta")
    for training in (True, False):
        layer.train(training)
        x = torch.rand(6, IN_DIM, device="meta", requires_grad=True)
        with NothingWaits():
            y = layer(x)
            if y.requires_grad:
                y.sum().backward()


def test_tensors_on_two_devices_are_named() -> None:
    (meta,) = on_meta(TABLES)
    with pytest.raises(ValueError, match="x is on cpu and tables on meta; move both to one device"):
        ops.fold(X, meta, Reads(INPUTS))
    with pytest.raises(ValueError, match="x is on cpu and thresholds on meta"):
        ops.encode(X.t(), on_meta(torch.rand(3, 2))[0])
    with pytest.raises(ValueError, match="scores is on meta and candidates on cpu"):
        ops.choose(on_meta(SCORES)[0], CANDIDATES)


def test_waiting_would_be_found() -> None:
    x = torch.rand(3, device="meta")
    for waits in (lambda: x.sum().item(), lambda: x + torch.rand(3).to("meta"), lambda: x.nonzero()):
        with NothingWaits(), pytest.raises((AssertionError, RuntimeError, NotImplementedError)):
            waits()
