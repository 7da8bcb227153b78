"""What other libraries saved: a state dict, given or read from a file, checked and split into its layers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

Source = Mapping[str, Any] | str | PathLike[str] | nn.Module
"""A state dict, a file that `torch.save` or safetensors wrote, or the other library's model itself."""

# Under these names training scripts keep the state dict beside an epoch and an optimizer.
_NESTS = ("state_dict", "model_state_dict", "model_state", "model", "net")


class ForeignModelError(ValueError):
    """A model of another library that cannot be read or is not of the stated kind; the message says what to do."""


def read_state(source: Source) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, on the CPU.

    Files are read without running any code in them (`torch.load(weights_only=True)`).

    Raises:
        FileNotFoundError: there is no such file.
        ForeignModelError: a file that is damaged, or holds more than tensors; values that are not tensors.
    """
    if isinstance(source, nn.Module):
        return _state_of(source)
    given: Any = read_file(Path(source)) if isinstance(source, (str, PathLike)) else source
    for name in _NESTS:
        if isinstance(given, Mapping) and isinstance(given.get(name), Mapping):
            given = given[name]
    if not isinstance(given, Mapping) or not given:
        raise ForeignModelError(f"the checkpoint is a {type(given).__name__} without tensors; expected a state dict")
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise ForeignModelError(
                f"the checkpoint has a {type(value).__name__} at {key!r}; expected tensors by name: pass the state dict"
            )
    return dict(given)


def _state_of(model: nn.Module) -> dict[str, Tensor]:
    try:
        return dict(model.state_dict())
    except Exception as error:  # a model from a file may lack whatever a module has
        raise ForeignModelError(f"the model in the checkpoint is damaged: {type(error).__name__}: {error}") from error


def read_file(path: Path, classes: Sequence[type] = ()) -> Any:
    """The contents of a checkpoint file; besides tensors and plain containers it may contain `classes`."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(list(classes)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"there is no file {path}; expected a checkpoint of another library") from error
    except Exception as error:  # a damaged pickle may raise anything
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ForeignModelError(
            f"cannot read {path} as a checkpoint: {reason}. Only tensors are read from files; save model.state_dict(), "
            "or load the model with its own library and pass it as it is"
        ) from error


def split_layers(
    state: Mapping[str, Tensor], names: str, skip: Collection[str], library: str
) -> list[tuple[str, dict[str, Tensor]]]:
    """The tensors of each layer under their names in it, with the layer's prefix, in the order of the model.

    Args:
        state: tensors by full name.
        names: a regular expression of the names that a layer's tensors have.
        skip: tensors whose full names begin with one of these are left out.
        library: for messages.

    Raises:
        ForeignModelError: tensors of other names, or no layer at all.
    """
    pattern = re.compile(rf"(?P<prefix>(?:.*\.)?)(?P<name>{names})")
    layers: dict[str, dict[str, Tensor]] = {}
    unknown = []
    for key, value in state.items():
        if any(key.startswith(beginning) for beginning in skip):
            continue
        match = pattern.fullmatch(key)
        if match is None:
            unknown.append(key)
        else:
            layers.setdefault(match["prefix"], {})[match["name"]] = value
    if unknown or not layers:
        found = f"{', '.join(unknown[:5])}{' ...' if len(unknown) > 5 else ''}" if unknown else "no LUT layer"
        raise ForeignModelError(
            f"the checkpoint has {found}, which is not what a {library} model of LUT layers has; name tensors "
            "of other modules in skip=(...) by the beginning of their names"
        )
    return sorted(layers.items(), key=_numbered(list(layers)))


def _numbered(prefixes: list[str]) -> Any:
    """Sort key: by the numbers in the prefixes where these are all that differs, else as they are given."""
    texts = {re.sub(r"\d+", "#", prefix) for prefix in prefixes}
    if len(texts) > 1:
        return lambda item: prefixes.index(item[0])
    return lambda item: [int(number) for number in re.findall(r"\d+", item[0])]


def tensor(
    layer: Mapping[str, Tensor],
    name: str,
    prefix: str,
    shape: Sequence[int | None],
    kind: Literal["numbers", "indices"] = "numbers",
) -> Tensor:
    """A tensor of a layer, float32 or int64, of the shape given (None: any size) and without NaN.

    Raises:
        ForeignModelError: it is missing, or its shape, type or values are not as they should be.
    """
    if name not in layer:
        raise ForeignModelError(f"layer {prefix or '(root)'!r} has no {name}; it has {', '.join(layer)}")
    found = layer[name]
    if found.is_meta or found.layout != torch.strided or found.is_quantized:
        raise ForeignModelError(f"{prefix}{name} is a {found.layout} tensor on {found.device}; expected a dense one")
    sizes = tuple(found.shape)
    if len(sizes) != len(shape) or any(want not in (None, has) for want, has in zip(shape, sizes, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ForeignModelError(f"{prefix}{name} has shape {sizes}; expected ({wanted})")
    if 0 in sizes:
        raise ForeignModelError(f"{prefix}{name} has shape {sizes}, which is empty")
    found = found.detach().cpu()
    is_real = found.is_floating_point()
    if found.is_complex() or (kind == "indices" and (is_real or found.dtype == torch.bool)):
        raise ForeignModelError(f"{prefix}{name} is {found.dtype}; expected {kind}")
    if kind == "indices":
        return found.long()
    if not bool(found.isfinite().all()):
        raise ForeignModelError(f"{prefix}{name} has values that are NaN or infinite")
    return found.float()


def rank_of(entries: int, name: str, max_rank: int = 8) -> int:
    """The rank of tables with this many entries; ForeignModelError if it is not 1 to `max_rank`."""
    rank = entries.bit_length() - 1
    if entries != 1 << rank or not 1 <= rank <= max_rank:
        raise ForeignModelError(
            f"{name} has tables of {entries} entries; expected 2**rank with a rank of 1 to {max_rank}"
        )
    return rank
