"""DeepLUT's layers, saved by its own code with inputs and outputs, give the same as lutsmith's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.deeplut import Conv2d, Linear
from lutsmith.interop import ForeignModelError, from_deeplut
from lutsmith.nn.neurons import LUTConv2d, LUTLinear

FILE = np.load(Path(__file__).parent / "files" / "deeplut.npz")
CASES = sorted({name.partition("/")[0] for name in FILE.files})


def case(name: str) -> tuple[dict[str, torch.Tensor], Any, torch.Tensor, torch.Tensor]:
    """State dict, mask, inputs and outputs."""
    found = {key.partition("/")[2]: FILE[key] for key in FILE.files if key.startswith(name + "/")}
    state = {key[6:]: torch.from_numpy(value) for key, value in found.items() if key.startswith("state.")}
    return state, found["mask"].astype(np.int64), torch.from_numpy(found["x"]), torch.from_numpy(found["y"])


def geometry(name: str) -> dict[str, Any]:
    """What no state dict says."""
    padding, stride, level = (re.search(word + r"(\d)", name) for word in ("pad", "stride", "level"))
    if padding is None or stride is None:
        assert level is not None
        return {"binarization_level": int(level[1])}
    return {"padding": int(padding[1]), "stride": int(stride[1]), "out_features": 4}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_of_deeplut_gives_the_same_outputs_zeros_included(name: str) -> None:
    state, mask, x, y = case(name)
    layer = from_deeplut(state, mask, **geometry(name))
    assert isinstance(layer, LUTConv2d if name.startswith("conv") else LUTLinear)
    if name.startswith("linear"):
        assert bool((x == 0).any())
    if "level0" in name:
        torch.testing.assert_close(layer(x), y, rtol=1e-5, atol=1e-5)
    else:
        assert torch.equal(layer(x), y)
    where = {"trainer.weight": "weight", "trainer.gamma": "scale", "bias": "bias"}
    assert all(
        torch.equal(state[theirs], layer.state_dict()[ours]) for theirs, ours in where.items() if theirs in state
    )


def of_names(name: str) -> nn.Module:
    """The same layer of `lutsmith.deeplut`, with its mask."""
    state, mask, *_ = case(name)
    k = int(np.log2(state["trainer.weight"].shape[1]))
    options = geometry(name)
    layer: Any
    if name.startswith("conv"):
        layer = Conv2d(
            3, 4, 3, stride=options["stride"], padding=options["padding"], k=k, binarization_level=1, bias=False
        )
        mask = (mask[:, 0] * 3 + mask[:, 1]) * 3 + mask[:, 2]
    else:
        layer = Linear(12, 8, k, options["binarization_level"])
    own = torch.from_numpy(mask.reshape(layer.outputs, -1, k)[..., ::-1].copy()).int()
    if layer.mask.shape != own.shape:
        layer.mask = own
        layer._keep_all(*own.shape[:2])
        layer.trainer.weight = nn.Parameter(state["trainer.weight"].clone())
    layer.load_state_dict({**state, "mask": own})
    return layer


@pytest.mark.parametrize("name", CASES)
def test_models_are_imported_layer_by_layer_with_their_masks(name: str) -> None:
    _, mask, x, y = case(name)
    layer = of_names(name)
    assert np.array_equal(layer.input_mask, mask)
    torch.testing.assert_close(layer(x), y, rtol=1e-5, atol=1e-5)
    model = nn.Sequential(nn.Identity(), layer)
    found = from_deeplut(model)
    assert isinstance(found[1], LUTConv2d if name.startswith("conv") else LUTLinear)
    assert isinstance(model[1], Conv2d if name.startswith("conv") else Linear)
    assert torch.equal(found(x), layer(x))


def test_a_saved_layer_is_read_from_its_file(tmp_path: Path) -> None:
    state, mask, x, y = case("linear_minimal_k4_level1")
    torch.save(state, tmp_path / "layer.pt")
    assert torch.equal(from_deeplut(tmp_path / "layer.pt", mask)(x), y)


def test_what_cannot_be_imported_is_one_clear_error() -> None:
    state, mask, *_ = case("linear_minimal_k4_level1")
    prefixed = {f"layers.4.{key}": value for key, value in state.items()}
    lacking = {key: value for key, value in state.items() if key != "bias"}
    not_expanded = Linear(6, 2, 2, 1, False)
    for source, own, says in (
        (state, None, "has no mask, and no layer can be restored"),
        (prefixed, mask, r"it has layers layers\.4"),
        ({"weight": torch.ones(2, 4)}, mask, r"no trainer\.weight, as a layer of DeepLUT's has; it has weight"),
        (lacking, mask, "pass out_features"),
        (state, mask[:-1], r"mask has shape \(95,\)"),
        (state, mask.astype(float), "mask is float64"),
        (nn.Linear(2, 2), None, "has no layer of DeepLUT's"),
        (not_expanded, None, "input_expanded=False"),
    ):
        with pytest.raises(ForeignModelError, match=says):
            from_deeplut(source, own)
    with pytest.raises(ForeignModelError, match="does not fit the layer"):
        from_deeplut(state, mask, in_features=5)
    with pytest.raises(ForeignModelError, match="rows of different lengths"):
        from_deeplut(state, [[0, 1], [2]])
    with pytest.raises(ForeignModelError, match="binarization_level is nan; expected a number, above 0"):
        from_deeplut(state, mask, binarization_level=float("nan"))  # type: ignore[arg-type]
    wrong: Any
    for wrong in ({"binarization_level": "x"}, {"binarization_level": None}, {"in_features": 2.5}):
        with pytest.raises(TypeError, match=f"{next(iter(wrong))} is .*; expected"):
            from_deeplut(state, mask, **wrong)
    state, mask, *_ = case(next(name for name in CASES if name.startswith("conv")))
    wrong = (2.5, 3)
    with pytest.raises(TypeError, match=r"kernel_size is 2\.5; expected an integer"):
        from_deeplut(state, mask, kernel_size=wrong, out_features=4)
    with pytest.raises(FileNotFoundError, match="there is no file"):  # as of every other library
        from_deeplut("there is none.pt", mask)
