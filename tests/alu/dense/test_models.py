"""Models by name: their sizes by hand, what they compute, your own, and files that move between devices."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lutsmith.alu.dense import MODELS, TrainedModel, register_model, registry
from lutsmith.alu.dense.layers import ParallelStacks, SelfAttention
from lutsmith.data.alu import ALU
from lutsmith.training import CheckpointError

SMALL: dict[str, dict[str, Any]] = {
    "minimal_2021": {"units": 8, "layers": 2},
    "medium_2021": {"units": 12, "filters": 3},
    "large_2021": {"units": 8, "filters": 3, "conv_layers": 2},
    "minimal_prm": {"units": 8, "layers": 3, "concat": True},
    "minimal_prm_bt": {"units": 8, "layers": 10},
    "medium": {"units": 8, "layers": 2, "lstm_units": 3, "lstm_layers": 2},
    "large": {"units": 8, "filters": 3},
    "large_par": {"units": 8, "filters": 3, "joined_units": 6},
    "res": {"units": 8, "layers": 2, "highway": True},
    "res_mod": {"units": 8, "layers": 2, "stacks": 3, "dispatch": True},
    "res_mod_head": {"units": 8, "attention_layers": 2, "heads": 2, "norm": "batchnorm", "join": "add"},
    "flat": {"luts": 64, "layers": 2},
    "flat_learned": {"luts": 64, "layers": 2, "num_candidates": 4},
}


def size(name: str, **options: Any) -> int:
    return TrainedModel.untrained(name, ALU(), options).parameters


def dense(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs  # a kernel and a bias


def norm(units: int) -> int:
    return 2 * units  # a scale and an offset


def test_parameters_are_those_counted_by_hand() -> None:
    assert size("minimal_2021") == (44 * 64 + 64) + 2 * (64 * 64 + 64) + (64 * 32 + 32) == 13_280
    stack = dense(44, 1280) + 31 * (dense(1280, 1280) + norm(1280)) + dense(1280, 32)
    assert size("minimal_prm") == size("minimal_prm_bt") == stack == 51_008_032
    assert size("res") == dense(44, 1024) + 8 * 2 * (dense(1024, 1024) + norm(1024)) + dense(1024, 32) == 16_905_248
    tower = 12 * (dense(512, 512) + norm(512))
    assert size("res_mod") == dense(44, 512) + 4 * tower + dense(512, 32) == 12_696_096
    one = dense(44, 512) + 6 * (dense(512, 512) + norm(512)) + dense(512, 32)
    assert size("res_mod", layers=6, stacks=1) == one == 1_621_536  # the residual network of alu.md 5.1
    head = dense(44, 512) + 4 * (dense(512, 512) + norm(512)) + dense(512, 96) + dense(96, 32)
    assert size("res_mod_head") == head
    # a kernel of 3 places; "same": 44 places of 32 filters are left
    convolutions = (3 * 1 * 32 + 32 + norm(32)) + (3 * 32 * 32 + 32 + norm(32))
    flat = dense(44 * 32, 256) + 2 * dense(256, 256) + 3 * norm(256)
    assert size("large") == convolutions + flat + dense(256, 32)
    four = (3 * 32 + 32) + 3 * (3 * 32 * 32 + 32) + 4 * norm(32)
    beside = dense(44, 512) + 5 * dense(512, 512) + 6 * norm(512)
    assert size("large_par") == four + beside + dense(44 * 32 + 512, 256) + dense(256, 32)
    # valid: each convolution of kernel 3 leaves 2 places less, of 256 units 252
    convolved = (3 * 16 + 16) + (3 * 16 * 16 + 16)
    assert size("medium_2021") == dense(44, 256) + convolved + dense(252 * 16, 256) + 2 * dense(256, 256) + 8224
    tower = (3 * 64 + 64) + 3 * (3 * 64 * 64 + 64) + dense(36 * 64, 1024)
    plain = dense(44, 1024) + 2 * dense(1024, 1024)
    assert size("large_2021") == tower + 2 * plain + dense(3 * 1024, 1024) + dense(1024, 32)
    # four gates an LSTM, each of the input, the state and one bias
    lstm = 4 * 368 * (1 + 368 + 1) + 5 * 4 * 368 * (368 + 368 + 1)
    assert size("medium") == lstm + dense(44 * 368, 512) + 3 * dense(512, 512) + dense(512, 32)


@pytest.mark.parametrize("name", list(SMALL))
@pytest.mark.parametrize("encoding", ["flat", "words"])
def test_every_model_takes_any_size_of_input_and_every_parameter_learns(name: str, encoding: str) -> None:
    alu = ALU(6, ["+", "AND"], encoding=encoding)
    options = SMALL[name] if encoding == "words" or name != "res_mod_head" else {"units": 8}
    network = TrainedModel.untrained(name, alu, options).network
    batch = next(alu.stream(batch_size=64))
    outputs = network(torch.from_numpy(batch.x))
    assert outputs.shape == (64, 14)
    outputs.square().sum().backward()
    idle = [n for n, p in network.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert not idle


def test_the_list_of_models_is_complete() -> None:
    assert set(MODELS) == set(SMALL)


def test_towers_and_attention_are_their_formulas() -> None:
    torch.manual_seed(0)
    towers, x = ParallelStacks(4, 1, 2).eval(), torch.randn(5, 4)
    blocks: list[Any] = [tower[0] for tower in towers.towers]  # type: ignore[index]
    parts = [block.norm(torch.relu(x @ block.dense.weight.T + block.dense.bias)) + x for block in blocks]
    torch.testing.assert_close(towers(x), x + parts[0] + parts[1])
    attention, words = SelfAttention(3, 4), torch.randn(1, 3, 4)
    q, k, v = (words[0] @ getattr(attention, name).weight.T for name in ("queries", "keys", "values"))
    expected = torch.stack([torch.softmax(torch.stack([q[i] @ k[j] for j in range(3)]) / 2, 0) @ v for i in range(3)])
    torch.testing.assert_close(attention(words)[0], expected)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(registry, "_models", dict(registry._models))

    class Line(nn.Module):
        def __init__(self, inputs: int, outputs: int, scale: float) -> None:
            super().__init__()
            self.line, self.scale = nn.Linear(inputs, outputs), scale

        def forward(self, x: Tensor) -> Tensor:
            return self.scale * self.line(x.float())

    register_model("line", lambda shape, outputs, scale=1.0: Line(shape[0], outputs, scale), lr=0.1)
    return "line"


def test_a_model_of_your_own_is_built_saved_and_read_by_name(own: str, tmp_path: Path) -> None:
    trained = TrainedModel.untrained(own, ALU(4, "+"), {"scale": 2.0})
    trained.save(tmp_path / "own.pt")
    back = TrainedModel.load(tmp_path / "own.pt")
    assert (back.kind.name, back.options, back.network.scale) == (own, {"scale": 2.0}, 2.0)
    with pytest.raises(ValueError, match="'line'"):
        register_model(own, lambda shape, outputs: nn.Identity())
    with pytest.raises(TypeError, match="a function that builds"):
        register_model("other", 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("res_mot", {}, "did you mean 'res_mod'"),
        ("res_mod", {"unit": 3}, "did you mean 'units'"),
        ("res_mod", {"units": 0}, "units is 0"),
        ("res_mod_head", {"norm": "max"}, "expected one of softmax"),
        ("res_mod_head", {"attention_layers": 1}, "encoding='words'"),
        ("flat", {"luts": 0}, "luts is 0"),
    ],
)
def test_unknown_names_and_sizes_are_refused(name: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TrainedModel.untrained(name, ALU(), options)


@pytest.mark.parametrize("name", ["res_mod", "flat"])
def test_a_file_moves_between_devices_without_loss(name: str, tmp_path: Path) -> None:
    trained = TrainedModel.untrained(name, ALU(5, ["+", ">"]), SMALL[name], seed=3)
    trained.save(tmp_path / "model.pt")
    here, meta = (TrainedModel.load(tmp_path / "model.pt", device) for device in ("cpu", "meta"))
    first = trained.network.state_dict()
    for other in (here.network.state_dict(), meta.network.state_dict()):
        assert {n: (v.dtype, v.shape) for n, v in other.items()} == {n: (v.dtype, v.shape) for n, v in first.items()}
    assert all(torch.equal(value, first[n]) for n, value in here.network.state_dict().items())
    assert {p.device.type for p in meta.network.parameters()} == {"meta"}
    np.testing.assert_array_equal(here.predict("+", [3, 9], 4), trained.predict("+", [3, 9], 4))


def test_a_damaged_or_hostile_file_is_refused_and_nothing_in_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    TrainedModel.untrained("minimal_2021", ALU(4), SMALL["minimal_2021"]).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="not a whole model"):
        TrainedModel.load(path)
    ran = tmp_path / "ran"

    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (ran,)

    torch.save({"format": "lutsmith-alu-dense-1", "model": Hostile()}, path)
    with pytest.raises(CheckpointError, match="not a whole model"):
        TrainedModel.load(path)
    assert not ran.exists()
    torch.save({"format": 3}, path)
    with pytest.raises(CheckpointError, match="has format 3"):
        TrainedModel.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(CheckpointError, match="not a whole model"):
        TrainedModel.load(path)
    with pytest.raises(FileNotFoundError, match="no model"):
        TrainedModel.load(tmp_path / "none.pt")
