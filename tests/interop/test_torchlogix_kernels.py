"""Kernels of torchlogix: what was trained there is the same here, bit for bit, in training and as a circuit.

`files/torchlogix_kernels.npz` was made by torchlogix 0.2.2 itself: `python -m tests.interop.test_torchlogix_kernels`
writes it, and says the same again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lutsmith.interop import ForeignModelError, from_torchlogix
from lutsmith.nn import PooledConv, prove_lowering, to_circuit
from tests.torchlogix_modules import torchlogix_module

SAVED = Path(__file__).parent / "files" / "torchlogix_kernels.npz"
POOL = {"kernel_size": 2, "stride": 2, "padding": 0}
TOLD: dict[str, Any] = {
    "in_dim": (5, 4), "channels": 3, "receptive_field_size": [3, (2, 3)], "padding": 1, "pooling": [POOL, None],
    "parametrization": "raw", "num_classes": 4, "tau": 2.0, "beta": 0.5, "forward_sampling": "soft",
    "temperature": 1.0, "grad_factor": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def torchlogix() -> Any:
    return torchlogix_module("layers")


def network(layers: Any, seed: int = 0) -> nn.Sequential:
    """Trees of seven gates and of three, a pool, a dense layer and a group sum; images (3, 5, 4), random weights."""
    torch.manual_seed(seed)
    few = {"connections_kwargs": {"channel_group_size": 2}}
    model = nn.Sequential(
        layers.LogicConv2d((5, 4), 3, 5, 3, 3, 1, 1, **few),
        layers.OrPooling2d(**POOL),
        layers.LogicConv2d(2, 5, 6, 2, (2, 3), 1, 1),
        nn.Flatten(),
        layers.LogicDense(6 * 3 * 2, 24),
        layers.GroupSum(4, tau=2.0, beta=0.5),
    )
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=2.0)
    return model


def saved() -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """The state dict, images and the outputs of all but the head."""
    with np.load(SAVED) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    shape = 64, 3, 5, 4
    x, bits = (torch.from_numpy(np.unpackbits(arrays.pop(name).numpy(), axis=1)) for name in ("x", "bits"))
    return arrays, x[:, : 3 * 5 * 4].reshape(shape).float(), bits[:, :24].float()


def same(ours: nn.Sequential, x: Tensor, bits: Tensor) -> None:
    assert torch.equal(ours.eval()[:-1](x), bits)
    circuit = to_circuit(ours, tuple(x.shape[1:]))
    np.testing.assert_array_equal(circuit.outputs(x.numpy()), bits.numpy() > 0.5)
    assert prove_lowering(ours, circuit).ok


def test_what_torchlogix_saved_is_its_eval(tmp_path: Path) -> None:
    state, x, bits = saved()
    assert 0.2 < bits.mean() < 0.8
    torch.save({"state_dict": state}, tmp_path / "model.pt")
    for source in (state, tmp_path / "model.pt"):
        ours = from_torchlogix(source, **TOLD)
        assert [type(module).__name__ for module in ours] == [
            "PooledConv", "LogicConv2d", "Flatten", "LogicDense", "GroupSum",
        ]  # fmt: skip
        same(ours, x, bits)


def test_the_models_own_geometry_is_read(torchlogix: Any) -> None:
    theirs = network(torchlogix, seed=3)
    ours = from_torchlogix(theirs)
    x = torch.randint(0, 2, (300, 3, 5, 4)).float()
    same(ours, x, theirs.eval()[:-1](x).detach())
    assert isinstance(ours[0], PooledConv)
    assert (ours[1].sliding.window, ours[0].conv.in_dim) == ((2, 3), (5, 4))
    told = from_torchlogix(theirs.state_dict(), **TOLD)
    assert torch.equal(told.eval()(x), ours.eval()(x))


def test_training_goes_on_where_torchlogix_was(torchlogix: Any) -> None:
    theirs = network(torchlogix, seed=1).train()
    ours = from_torchlogix(theirs).train()
    x = torch.rand(40, 3, 5, 4)
    grads = []
    for model in (theirs, ours):
        y = model(x)
        weights = list(model.parameters())
        grads.append((y.detach(), torch.autograd.grad(nn.functional.cross_entropy(y, torch.arange(40) % 4), weights)))
    torch.testing.assert_close(grads[1][0], grads[0][0], atol=2e-5, rtol=2e-5)
    # Gates and tables stand in another order here: norms of their gradients are the same.
    first = torch.cat([grad.transpose(0, 1).flatten(0, 1) for grad in grads[0][1][:3]])
    torch.testing.assert_close(grads[1][1][0].norm(dim=1), first.norm(dim=1), atol=1e-6, rtol=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_every_geometry(torchlogix: Any, data: st.DataObject) -> None:
    kind, axes, rank = data.draw(
        st.sampled_from(
            [("raw", 2, 2), ("raw", 3, 2), ("light", 2, 4), ("warp", 2, 2), ("light", 2, 2), ("warp", 3, 1)]
        )
    )
    transposed = data.draw(st.booleans())
    depth, channels, kernels = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    image = tuple(data.draw(st.integers(1, 4)) for _ in range(axes))
    window = data.draw(st.integers(1, 3))
    padding = data.draw(st.integers(0, window - 1 if transposed else 2))
    stride = data.draw(st.integers(1, window))
    if transposed:
        padding = min(padding, *((size - 1) * stride + window - 1 for size in image), (window - 1) // 2)
    else:
        padding = max(padding, (window - min(image) + 1) // 2)
    arguments = [image, channels, kernels, depth, window, stride, padding]
    if transposed:
        arguments.append(data.draw(st.integers(0, stride - 1)))
    name = f"LogicConv{'Transpose' if transposed else ''}{axes}d"
    torch.manual_seed(data.draw(st.integers(0, 99)))
    theirs = nn.Sequential(getattr(torchlogix, name)(*arguments, lut_rank=rank, parametrization=kind))
    for parameter in theirs.parameters():
        nn.init.normal_(parameter)
    x = torch.randint(0, 2, (50, channels, *image)).float()
    expected = theirs.eval()(x).detach()
    ours = from_torchlogix(theirs)
    assert type(ours[0]).__name__ == name
    assert torch.equal(ours.eval()(x), expected)
    if not transposed:
        told = {name: TOLD[name] for name in ("forward_sampling", "temperature")}
        again = from_torchlogix(
            theirs.state_dict(), in_dim=image, channels=channels, receptive_field_size=window, padding=padding,
            pooling=[None], parametrization=kind, **told,
        )  # fmt: skip
        assert torch.equal(again.eval()(x), expected)


def test_their_kernels_have_no_grad_factor(torchlogix: Any) -> None:
    """torchlogix 0.2 takes one, and its forward does nothing with it."""
    theirs = torchlogix.LogicConv2d(4, 2, 3, 2, 3, 1, 1, grad_factor=3.0)
    other = torchlogix.LogicConv2d(4, 2, 3, 2, 3, 1, 1)
    other.load_state_dict(theirs.state_dict())
    found = []
    for layer in (theirs, other, from_torchlogix(theirs), from_torchlogix(theirs, grad_factor=3.0)):
        x = torch.linspace(0, 1, 32).view(1, 2, 4, 4).requires_grad_()
        layer.train()(x).sum().backward()
        found.append(x.grad)
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])
    torch.testing.assert_close(found[3], 3 * found[0])


def changed(**changes: Any) -> dict[str, Tensor]:
    """The saved state dict with some of its tensors replaced, or (None) without them."""
    state = saved()[0]
    for name, value in changes.items():
        key = name.replace("__", ".")
        state[key] = value(state[key]) if callable(value) else value
    return {key: value for key, value in state.items() if value is not None}


def moved(place: int, amount: int) -> Any:
    def apply(index: Tensor) -> Tensor:
        index = index.clone()
        index[:, :, place, :, 0] += amount
        return index

    return apply


L0 = "0__connections___indices_L0"


@pytest.mark.parametrize(
    ("state", "match"),
    [
        ({L0: moved(3, 1)}, "not that of windows that slide"),
        ({L0: moved(0, 1)}, "not that of windows that slide"),
        ({L0: lambda index: index[:, :, :7]}, "not that of windows that slide"),
        ({L0: lambda index: index - 2}, "below 0"),
        ({L0: lambda index: index + 1}, "reads tap 3"),
        ({L0: lambda index: index + 2**61}, "reads tap 23"),
        ({L0: lambda index: index.float()}, "expected indices"),
        ({L0: lambda index: index[..., :2]}, r"expected \(rank, kernels"),
        ({L0: lambda index: index[:, :4]}, r"shape \(4, 5, 16\); expected \(4, 4, any\)"),
        ({L0: lambda index: index.repeat(5, 1, 1, 1, 1)}, "rank of 1 to 8"),
        ({L0: lambda index: index[:, :, :0]}, "empty"),
        ({L0: None}, "has no connections._indices_L0"),
        ({"0__connections___indices_L1": lambda index: index.flip(0)}, "not that of a tree"),
        ({"0__connections___indices_L2": None}, "has no connections._indices_L2"),
        ({"0__tree_weights__1": None}, "expected those of all levels"),
        ({"0__tree_weights__2": lambda weight: weight[..., :4]}, "levels of 16, 16, 4 weights"),
        ({"0__tree_weights__0": lambda weight: weight * torch.nan}, "NaN"),
        ({"0__tree_weights__7": torch.zeros(1, 5, 16)}, "expected those of all levels"),
        ({"2__tree_weights__0": None, "2__tree_weights__1": None}, "no tree_weights"),
        ({"9__tree_weights__0": torch.zeros(1, 5, 16)}, "a dense one is before it"),
        ({"4__connections__indices": lambda index: index + 20}, "names inputs"),
        ({"0__thresholds": torch.zeros(3)}, "0.thresholds"),
    ],
)  # fmt: skip
def test_what_is_no_such_model_is_refused(state: dict[str, Any], match: str) -> None:
    with pytest.raises(ForeignModelError, match=match):
        from_torchlogix(changed(**state), **TOLD)


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"in_dim": None}, "pass in_dim="),
        ({"channels": None}, "pass channels="),
        ({"padding": None}, r"pass padding=.* padding=0 by default"),
        ({"receptive_field_size": None}, "pass receptive_field_size="),
        ({"receptive_field_size": [3, 4]}, "pass those that the model had"),
        ({"receptive_field_size": [3, 1]}, "reads tap"),
        ({"receptive_field_size": [3]}, "1 values for 2 layers"),
        ({"receptive_field_size": (3, 3, 3)}, "one for each of 2 axes"),
        ({"pooling": None}, "pass pooling="),
        ({"in_dim": None, "channels": None, "pooling": None}, r"pass pooling=\.\.\., in_dim=\.\.\., channels="),
        ({"in_dim": (5, 4, 3)}, "one for each of 2 axes"),
        ({"in_dim": 7}, "pass those that the model had"),
        ({"channels": 2}, "reads channel 2, and its images have 2"),
        ({"channels": "three"}, "channels is 'three'"),
        ({"padding": 0}, "pass those that the model had"),
        ({"padding": -1}, "padding is -1"),
        ({"padding": [1]}, "padding has 1 values for 2 layers"),
        ({"pooling": [None]}, "pooling has 1 values for 2 layers"),
        ({"pooling": [None, None]}, "pass those that the model had"),
        ({"pooling": [{"kernel_size": 9}, None]}, "does not fit images"),
        ({"pooling": [{"size": 2}, None]}, "pooling has"),
        ({"num_classes": 5}, "5 groups"),
        ({"parametrization": "light"}, "not light"),
    ],
)
def test_what_does_not_fit_is_told(told: dict[str, Any], match: str) -> None:
    with pytest.raises(ForeignModelError, match=match):
        from_torchlogix(saved()[0], **{**TOLD, **told})


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    torch.save(saved()[0], tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.pt").write_bytes(whole[:length])
        with pytest.raises(ForeignModelError, match="cannot read"):
            from_torchlogix(tmp_path / "cut.pt", **TOLD)


def test_modules_of_other_kinds_are_refused(torchlogix: Any) -> None:
    theirs = network(torchlogix)
    theirs[1] = nn.MaxPool2d(2)
    with pytest.raises(ForeignModelError, match="'1' of the model is a MaxPool2d"):
        from_torchlogix(theirs)


def write() -> None:
    from torchlogix import layers

    theirs = network(layers).eval()
    x = torch.randint(0, 2, (64, 3, 5, 4))
    bits = theirs[:-1](x.float()).detach().numpy() > 0.5
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    np.savez_compressed(SAVED, x=np.packbits(x.flatten(1).numpy() > 0, axis=1), bits=np.packbits(bits, axis=1), **state)


if __name__ == "__main__":
    torchlogix_module("layers")
    sys.exit(write())
