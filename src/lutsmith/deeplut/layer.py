"""What DeepLUT's layers share: a trainer that holds their tables, and a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.deeplut.mask.MaskBase import MaskBase
from lutsmith.deeplut.trainer.BaseTrainer import BaseTrainer
from lutsmith.deeplut.trainer.LagrangeTrainer import LagrangeTrainer
from lutsmith.ground.arguments import whole_number
from lutsmith.nn.neurons.lut_sum import LUTSum
from lutsmith.nn.neurons.masks import MaskSizes, mask_of


class TrainedLuts(LUTSum):
    """A layer whose tables and scale belong to its trainer.

    Attributes:
        trainer: holds `weight` and `gamma`, as the state dict does.
        mask: as `LUTSum` has it, int32 `(outputs, LUTs, k)`, input 0 of DeepLUT last; saved with the layer.
        bias: `(outputs,)`, from -1 to 1 at first; or None.
    """

    trainer: BaseTrainer

    def _begin(
        self,
        outputs: int,
        mask: Tensor,
        trainer_type: type[BaseTrainer],
        level: int,
        expanded: bool,
        bias: bool,
        device: Any,
        zeros: str,
    ) -> None:
        nn.Module.__init__(self)
        if not (isinstance(trainer_type, type) and issubclass(trainer_type, BaseTrainer)):
            raise TypeError(f"trainer_type is {trainer_type!r}; expected LagrangeTrainer or another BaseTrainer")
        self.outputs, self.binary_outputs, self.normalised = outputs, False, False
        self.register_buffer("mask", mask)
        luts, k = mask.shape[1:]
        self._keep_all(outputs, luts)
        self.trainer = trainer_type(outputs * luts, k, level, expanded, None, zeros=zeros)
        self.bias = nn.Parameter(2 * torch.rand(outputs) - 1) if bias else None
        if device is not None:
            self.to(device)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *more: Any) -> None:
        for name in ("kept", "tied"):  # which DeepLUT's own state dicts lack
            state_dict.setdefault(prefix + name, getattr(self, name))
        super()._load_from_state_dict(state_dict, prefix, *more)

    @property
    def weight(self) -> nn.Parameter:  # type: ignore[override]
        return self.trainer.weight

    @property
    def scale(self) -> Any:  # type: ignore[override]
        return getattr(self.trainer, "gamma", None)

    @property
    def zeros(self) -> str:  # type: ignore[override]
        return self.trainer.zeros

    @property
    def binary_weights(self) -> bool:  # type: ignore[override]
        return self.trainer.binary

    @property
    def binary_inputs(self) -> bool:  # type: ignore[override]
        return self.trainer.binary

    def latent(self) -> tuple[Tensor, Tensor]:
        if not isinstance(self.trainer, LagrangeTrainer):
            raise ValueError(f"{type(self.trainer).__name__} does not say what its tables are; take LagrangeTrainer")
        return self.trainer.tables_of(self.mask)

    def factor(self) -> Tensor:
        assert isinstance(self.trainer, LagrangeTrainer)
        return self.trainer.factor().expand(self.outputs)

    def fill(self, entries: Tensor) -> None:
        if self.trainer.input_expanded:
            self.trainer.weight.copy_(entries)
        else:
            self.trainer.weight[:, :1] = entries[:, 1:]

    def summed(self, rows: Tensor, **at: Any) -> Tensor:
        if type(self.trainer).forward is LagrangeTrainer.forward:
            return super().summed(rows, **at)
        x, places = self._windows(rows, **at)
        values = self.trainer(x[self.mask.flip(2).long().flatten()].t()).t()
        sums: Tensor = values.reshape(self.outputs, self.luts, places * rows.shape[1]).sum(1)
        if self.bias is not None:
            sums = sums + self.bias.unsqueeze(1)
        return sums.reshape(self.outputs * places, rows.shape[1])

    def _windows(self, rows: Tensor, **_: Any) -> tuple[Tensor, int]:
        return rows, 1

    def set_input_expanded(self, expanded: bool) -> None:
        """Read all inputs of the LUTs from now on, or only the first one: see `BaseTrainer`."""
        self.trainer.set_input_expanded(expanded)

    def set_binarization_level(self, level: int) -> None:
        """Train with signs (above 0) or real numbers from now on."""
        self.trainer.set_binarization_level(level)

    def pre_initialize(self) -> None:
        """Start counting what the LUTs read."""
        self.trainer.clear_initializion()

    def update_initialized_weights(self) -> None:
        """Take over the weights that follow from the counts since `pre_initialize`."""
        self.trainer.update_initialized_weights()

    def _count(self, x: Tensor, targets: Any) -> None:
        """Count a batch with its targets, `(N,)` or `(N, outputs)` of 0 and 1."""
        if self.trainer.initializer is None:
            self.trainer.clear_initializion()
        rows, places = self.read(x.detach())
        asked = np.asarray(targets.detach().cpu() if isinstance(targets, Tensor) else targets)
        inputs = self.mask.reshape(-1, self.trainer.k).cpu().numpy()
        bits = (rows > 0).cpu().numpy()
        self.trainer.initializer.count(bits, inputs, np.concatenate([asked] * places))


def mask_for(
    mask_builder_type: type[MaskBase], sizes: MaskSizes, anchors: list[Any], candidates: Any, number_of: Any
) -> Tensor:
    """The mask of a layer, int32 `(outputs, LUTs, k)`, DeepLUT's input 0 last.

    Args:
        mask_builder_type: a subclass of `MaskBase`.
        sizes: of the mask.
        anchors: the inputs of an output as DeepLUT names them, in their order.
        candidates: gives the inputs that may accompany an anchor.
        number_of: gives the input numbers of selectors, which are an array as `build` returns it.
    """
    if not (isinstance(mask_builder_type, type) and issubclass(mask_builder_type, MaskBase)):
        raise TypeError(f"mask_builder_type is {mask_builder_type!r}; expected MaskExpanded or another MaskBase")
    whole_number("k", sizes.rank, 1)
    if mask_builder_type.by_name is not None:
        found = mask_of(mask_builder_type.by_name, sizes, None)
    else:
        selections = [(anchor, candidates(anchor)) for anchor in anchors]
        built = []
        for _ in range(sizes.outputs):
            builder = mask_builder_type(sizes.rank, selections, not sizes.distinct)
            built.append(number_of(np.asarray(builder.build())).reshape(-1, sizes.rank))
        found = mask_of(np.stack(built), sizes, None)
    return found.flip(2).contiguous()


def levels(binarization_level: int | None, binary_calculations: bool | None, default: int) -> int:
    """The requested level, under either of DeepLUT's two names for it."""
    if binarization_level is not None and binary_calculations is not None:
        raise ValueError("give binarization_level or binary_calculations, its older name, and not both")
    if binary_calculations is not None:
        return int(bool(binary_calculations))
    if binarization_level is None:
        return default
    if isinstance(binarization_level, bool) or not isinstance(binarization_level, int):
        raise TypeError(f"binarization_level is {binarization_level!r}; expected an integer, above 0 for signs")
    return binarization_level
