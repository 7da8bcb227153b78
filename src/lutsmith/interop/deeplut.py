"""DeepLUT: tables with the most significant slot first, values 2**k times as large, zeros as a third symbol."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.circuit.sliding import sizes
from lutsmith.ground.arguments import number, whole_number
from lutsmith.interop.state_dicts import ForeignModelError, Source, rank_of, read_state, tensor
from lutsmith.nn.neurons import LUTConv2d, LUTLinear, LUTSum

_WEIGHT = "trainer.weight"


def from_deeplut(
    source: Source,
    mask: Any = None,
    *,
    in_features: int | None = None,
    out_features: int | None = None,
    kernel_size: int | Sequence[int] | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    binarization_level: int = 1,
) -> nn.Module:
    """DeepLUT's layers as lutsmith's: `LUTLinear` and `LUTConv2d`, which give the same outputs, zeros included.

    A state dict of DeepLUT lacks the mask, and a layer cannot be restored without it: give the model itself, or the
    mask as an array. In a model, every LUT layer is replaced, and all other modules are copied as they are.

    Args:
        source: DeepLUT's model or layer; or the state dict of one layer, or a file with one, with `trainer.weight`
            `(LUTs, 2**k)`, `trainer.gamma` and maybe `bias`.
        mask: for a state dict, the layer's `input_mask`, integers `(LUTs * k,)`, or `(LUTs * k, 3)` of a convolution:
            channel, row, column. For a model it is read from it.
        in_features: of a linear layer, or channels of a convolution; None: as many as the mask names.
        out_features: outputs; None: as many as the bias has.
        kernel_size: of a convolution; None: as large as the mask.
        stride: of a convolution; its state dict has neither this nor padding and dilation.
        padding: of a convolution.
        dilation: of a convolution.
        binarization_level: for a state dict; above 0, weights and inputs are signs. For a model it is read from it.

    Raises:
        FileNotFoundError: there is no such file.
        ForeignModelError: the source cannot be read, is not such a model, or leaves open something that must then be
            given.
        TypeError: sizes that are not integers, a level that is not a number.
    """
    if isinstance(source, nn.Module):
        return _replaced(source)
    state = read_state(source)
    if _WEIGHT not in state:
        layers = ", ".join(sorted({key.partition(_WEIGHT)[0].rstrip(".") for key in state if key.endswith(_WEIGHT)}))
        has = f"layers {layers}: give the model, or one of them with its mask" if layers else ", ".join(list(state)[:5])
        raise ForeignModelError(f"the checkpoint has no {_WEIGHT}, as a layer of DeepLUT's has; it has {has}")
    if mask is None:
        raise ForeignModelError(
            "a state dict of DeepLUT has no mask, and no layer can be restored without: pass mask=layer.input_mask, or "
            "the model itself"
        )
    geometry = {"stride": stride, "padding": padding, "dilation": dilation}
    return _layer(state, mask, in_features, out_features, kernel_size, geometry, binarization_level)


def _layer(
    state: Mapping[str, Tensor],
    mask: Any,
    inputs: int | None,
    outputs: int | None,
    kernel_size: Any,
    geometry: dict[str, Any],
    level: Any,
) -> LUTSum:
    if not isinstance(level, bool):
        level = number("binarization_level", level, lambda x: x == x, "a number, above 0 for signs", ForeignModelError)
    for name, size in (("in_features", inputs), ("out_features", outputs)):
        if size is not None:
            whole_number(name, size, 1)
    binary = level > 0
    weight = tensor(state, _WEIGHT, "", (None, None))
    gamma = tensor(state, "trainer.gamma", "", ())
    rank = rank_of(weight.shape[1], _WEIGHT)
    try:
        numbers = np.asarray(mask)
    except ValueError as error:
        raise ForeignModelError(f"mask has rows of different lengths; expected numbers of inputs: {error}") from error
    if not np.issubdtype(numbers.dtype, np.integer) or numbers.size == 0 or numbers.min() < 0:
        raise ForeignModelError(f"mask is {numbers.dtype} of shape {numbers.shape}; expected numbers of inputs")
    bias = tensor(state, "bias", "", (outputs,)) if "bias" in state else None
    if outputs is None:
        if bias is None:
            raise ForeignModelError("the layer has no bias, so its number of outputs is unknown: pass out_features")
        outputs = len(bias)
    columns = 3 if numbers.ndim == 2 and numbers.shape[1] == 3 else 1
    if numbers.size != len(weight) * rank * columns or len(weight) % outputs:
        raise ForeignModelError(
            f"mask has shape {numbers.shape} and {_WEIGHT} {tuple(weight.shape)}, for {outputs} outputs; expected "
            f"{len(weight)} * {rank} inputs, and as many LUTs for each output"
        )
    settings: dict[str, Any] = {"binary_weights": binary, "binary_inputs": binary, "zeros": "exact"}
    settings |= {"normalised": False, "distinct": False, "bias": bias is not None}
    shape = outputs, -1, rank
    try:
        if columns == 1:
            own = numbers.reshape(shape)[..., ::-1].copy()  # the last slot is the least significant here
            features = inputs if inputs is not None else int(numbers.max()) + 1
            layer: LUTSum = LUTLinear(features, outputs, rank, own, **settings)
        else:
            least = (numbers.max(0) + 1).tolist()
            window = sizes("kernel_size", least[1:] if kernel_size is None else kernel_size, 2, 1)
            channels = inputs if inputs is not None else least[0]
            taps = np.ravel_multi_index(tuple(numbers.T), (channels, *window)).reshape(shape)[..., ::-1].copy()
            layer = LUTConv2d(channels, outputs, window, rank, taps, padding_value=0, **geometry, **settings)
    except ValueError as error:
        raise ForeignModelError(f"the mask does not fit the layer: {error}") from error
    with torch.no_grad():
        layer.weight.copy_(weight)
        assert layer.scale is not None
        layer.scale.copy_(gamma)
        if bias is not None and layer.bias is not None:
            layer.bias.copy_(bias)
    return layer


def _is_layer(module: nn.Module) -> bool:
    return hasattr(module, "input_mask") and isinstance(getattr(module, "trainer", None), nn.Module)


def _replaced(model: nn.Module) -> nn.Module:
    if _is_layer(model):
        return _of_module(model, "the layer")
    found = copy.deepcopy(model)
    names = [name for name, module in found.named_modules() if _is_layer(module)]
    if not names:
        raise ForeignModelError(f"the {type(model).__name__} has no layer of DeepLUT's, with a trainer and input_mask")
    for name in names:
        parent, _, own = name.rpartition(".")
        setattr(found.get_submodule(parent), own, _of_module(found.get_submodule(name), name))
    return found


def _of_module(module: nn.Module, name: str) -> LUTSum:
    """A layer of DeepLUT's, by what it says of itself."""
    trainer: Any = module.trainer
    if not getattr(trainer, "input_expanded", True):
        raise ForeignModelError(
            f"{name} has input_expanded=False: its LUTs are products, not tables; call trainer.set_input_expanded(True)"
        )
    told = vars(module) | {key: getattr(module, key) for key in ("in_channels", "in_features") if hasattr(module, key)}
    is_image = "in_channels" in told
    outputs = getattr(module, "out_channels" if is_image else "out_features", None)
    geometry = {key: told.get(key, default) for key, default in (("stride", 1), ("padding", 0), ("dilation", 1))}
    if hasattr(module, "sliding"):  # lutsmith.deeplut's
        sliding: Any = module.sliding
        geometry = {key: getattr(sliding, key) for key in geometry}
        told["kernel_size"] = sliding.window
    mask: Any = module.input_mask
    mask = mask.detach().cpu().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
    state = {key: value for key, value in module.state_dict().items() if key in (_WEIGHT, "trainer.gamma", "bias")}
    inputs = told.get("in_channels" if is_image else "in_features")
    level = getattr(trainer, "binarization_level", 1)
    layer = _layer(state, mask, inputs, outputs, told.get("kernel_size"), geometry, level)
    if isinstance(module, LUTSum):  # lutsmith.deeplut's, which can be pruned
        layer.kept.copy_(module.kept)
        layer.tied.copy_(module.tied)
    return layer
