"""The base of all connections: the part of a layer that says which inputs each LUT reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lutsmith.ground.arguments import number, one_of, whole_number
from lutsmith.kernels.training.reads import RULES, Reads
from lutsmith.nn.connections.at_places import Places, by_windows, placed
from lutsmith.nn.connections.coverage import Coverage, coverage_of
from lutsmith.nn.parameter_groups import SCORES
from lutsmith.nn.places import as_tensor


class Connections(nn.Module, ABC):
    """Which `lut_rank` of `in_dim` inputs each of `out_dim` LUTs reads.

    Buffers: `usable`, bool `(in_dim,)`.

    Args:
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.
        usable: bool, `in_dim` elements: inputs that may be wired at all (an encoder's `usable` bits); None: all.

    Raises:
        TypeError: a size that is not an integer.
        ValueError: a size below 1, or a mask of another type or size.
    """

    indexing: ClassVar[tuple[str, ...]] = ()
    """Buffers that hold numbers of inputs, whose range is checked when a state is loaded."""

    usable: Tensor

    def __init__(self, in_dim: int, out_dim: int, lut_rank: int, usable: Tensor | None = None) -> None:
        super().__init__()
        for name, size in (("in_dim", in_dim), ("out_dim", out_dim), ("lut_rank", lut_rank)):
            whole_number(name, size, 1)
        usable = torch.ones(in_dim, dtype=torch.bool) if usable is None else as_tensor("usable", usable)
        if usable.numel() != in_dim or usable.dtype != torch.bool:
            raise ValueError(
                f"usable is {usable.dtype} of shape {tuple(usable.shape)}; expected bool of {in_dim} elements"
            )
        self.in_dim = in_dim
        self.out_dim = out_dim
        self.lut_rank = lut_rank
        self.register_buffer("usable", usable.detach().flatten().cpu().clone())

    def usable_inputs(self, distinct: bool = True) -> Tensor:
        """The numbers of the inputs that may be wired, int64, ascending; ValueError if they are too few.

        Args:
            distinct: whether a LUT reads each of them at most once: then `lut_rank` of them are needed, else one is
                enough.
        """
        inputs = self.usable.nonzero().flatten()
        needed = self.lut_rank if distinct else 1
        if len(inputs) < needed:
            missing = self.in_dim - len(inputs)
            unusable = f" ({self.in_dim} less {missing} constant ones)" if missing else ""
            raise ValueError(
                f"a LUT of rank {self.lut_rank} reads {needed} different inputs, and the layer has {len(inputs)}"
                f"{unusable}; take a smaller lut_rank or more inputs"
            )
        return inputs

    @abstractmethod
    def reads(self) -> Reads:
        """What the LUTs read now in the hardware and in eval mode, in the form that the kernels take."""

    def route(self, x: Tensor, places: Places | None = None) -> tuple[Tensor, Reads]:
        """What the LUTs read in training: rows, `x` itself or made from it, and which of them.

        Args:
            x: `(in_dim, B)`, or planes of pixels `(channels * plane, B)` whose windows have `in_dim` taps.
            places: where the LUTs stand over the planes; None: there are no places, and each LUT is one instance.
        """
        return x, placed(self.reads(), places)

    def inputs(self) -> Tensor:
        """The inputs that the LUTs read now, `(out_dim, lut_rank)` int32."""
        return self.reads().inputs

    def freeze(self) -> None:
        """Keep the present wiring from now on; fixed connections do so anyway."""

    def coverage(self) -> Coverage:
        """Which usable inputs the LUTs read now, and how often."""
        return coverage_of(self.inputs(), self.usable)

    def check_loaded(self, name: str, indices: Tensor) -> str | None:
        """Return what is wrong with saved `indices` of inputs, None if nothing is: kernels read memory at these
        indices.
        """
        if indices.is_meta or not indices.numel():
            return None
        if indices.is_floating_point() or indices.is_complex() or indices.dtype == torch.bool:
            return f"{name} are {indices.dtype}; expected integers"
        low, high = (int(bound) for bound in torch.aminmax(indices.long()))
        if low < 0 or high >= self.in_dim:
            return f"{name} range over {low}..{high}; expected 0..{self.in_dim - 1}: in_dim is {self.in_dim}"
        return None

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        for name in self.indexing:
            saved = state_dict.get(prefix + name)
            if isinstance(saved, Tensor) and (problem := self.check_loaded(prefix + name, saved)):
                args[-1].append(problem)  # torch's list of errors, which load_state_dict raises together
                return
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        return f"in_dim={self.in_dim}, out_dim={self.out_dim}, lut_rank={self.lut_rank}"


class LearnedConnections(Connections):
    """Connections whose slots read the best-scored of several inputs.

    Parameters: `scores`, `(out_dim, lut_rank, inputs that a slot may read)`, which subclasses make. Buffers: `frozen`,
    bool scalar; `usable`; `chosen`, int32 `(out_dim, lut_rank)`, what is read once frozen, which subclasses make.

    Args:
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.
        temperature: divisor of the scores in the softmax.
        rule: the gradient of hard choices, `"softmax"` or `"dwn"`.
        usable: as for `Connections`.

    Raises:
        ValueError: as for `Connections`; a temperature that is not positive, another rule.
    """

    scores: nn.Parameter
    frozen: Tensor
    chosen: Tensor
    _resting: bool = False

    def __init__(
        self, in_dim: int, out_dim: int, lut_rank: int, *, temperature: float, rule: str, usable: Tensor | None
    ) -> None:
        super().__init__(in_dim, out_dim, lut_rank, usable)
        one_of("the connections' rule", rule, RULES)
        self.temperature = temperature
        self.rule = rule
        self.register_buffer("frozen", torch.tensor(False))
        self._is_frozen = False

    @property
    def temperature(self) -> float:
        """Divisor of the scores in the softmax; a schedule may set it (ValueError if it is not positive)."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        name = "the connections' temperature"
        self._temperature = number(name, value, lambda tau: 0 < tau < float("inf"), "a positive number")

    def _made(self, x: Tensor, places: Places | None, read: Callable[[Tensor], Tensor]) -> tuple[Tensor, Reads]:
        """What `route` returns where slots read more than single rows: `read` makes a row for each slot."""
        rows = read(x) if places is None else by_windows(x, places, read)
        slots = torch.arange(self.out_dim * self.lut_rank, dtype=torch.int32, device=rows.device)
        alone = None if places is None else Places.alone(places.table.shape[1], rows.device)
        return rows, placed(Reads(slots.view(self.out_dim, self.lut_rank)), alone)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The scores, which may train at a rate of their own: see `nn.parameter_groups`."""
        return {SCORES: [self.scores]}

    @abstractmethod
    def choice(self) -> Tensor:
        """The inputs with the best scores, `(out_dim, lut_rank)` int32."""

    @property
    def _stands(self) -> bool:
        """Whether slots read what was chosen once, and scores take no part in it."""
        return self._is_frozen or (self._resting and self.training and torch.is_grad_enabled())

    def rest(self, resting: bool) -> None:
        """Leave the scores out of the next training steps, which then cost as much as those of a fixed layer; or, with
        False, train them again. The scores must not change meanwhile.
        """
        self._resting = resting
        if resting and not self._is_frozen:
            self.chosen.copy_(self.choice())

    def freeze(self) -> None:
        """Keep the present choice: the scores get no more gradients and the layer costs as much as a fixed one."""
        if not self._is_frozen:
            self.chosen.copy_(self.choice())
        self.frozen.fill_(True)
        self._is_frozen = True
        self.scores.requires_grad_(False)
        self.scores.grad = None

    # The buffer is for the state dict. A step branches on a Python flag, which can be known of tensors without values
    # (meta, fake, of an export) and costs no look at memory.

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        saved = state_dict.get(prefix + "frozen")
        if isinstance(saved, Tensor) and saved.numel() == 1 and not saved.is_meta:
            self._is_frozen = bool(saved)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if "_is_frozen" not in state:  # pickled before there was a flag
            self._is_frozen = bool(self.frozen)
