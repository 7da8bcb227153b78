"""The LUT layer: look-up by address, extended finite differences back, bits by a straight-through estimator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.dwn.mapping import LearnableMapping, layer_mapping
from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import MAX_RANK, Reads
from lutsmith.nn.lowering import lower_luts

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


_DUMMY = "_LUTLayer__dummy_mapping"
_ROUNDING = 1e-6  # alpha and beta may have been float32


class STEFunction(torch.autograd.Function):
    """1 where x > 0, else 0 (of NaN too), with the gradient of the identity."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:  # noqa: ARG004
        return grads[0]


class STE(nn.Module):
    """`STEFunction` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = STEFunction.apply(x)  # type: ignore[no-untyped-call]
        return out

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:  # noqa: ARG002
        """Bits stay what they are."""
        return signals


class EFDFunction:
    """Look-up by address, with DWN's extended finite difference as its gradient; `apply` works as in an autograd
    function.
    """

    @staticmethod
    def apply(x: Tensor, mapping: Tensor, luts: Tensor, alpha: float, beta: float) -> Tensor:
        """The entries `(B, L)` of `luts` `(L, 2**n)` at the addresses `sum_l [x[b, mapping[j, l]] > 0] 2**l`.

        The gradient goes to the addressed entries alone, and toward the inputs it is `w_l g` with `w_l = sum_k (-1)**(1
        - k_l) U_k alpha beta**H`, where H is the Hamming distance of k from the address without bit l. This is a
        multiple of the gradient of the table's multilinear extension at inputs contracted by `rho = (1 - beta) / (1 +
        beta)` toward 1/2, and is computed in that way.

        Args:
            x: `(B, in)`.
            mapping: int32 `(L, n)`, n from 1 to 8.
            luts: `(L, 2**n)`.
            alpha: factor of the gradient.
            beta: decay of the gradient by Hamming distance, at least 0 and below 1.

        Raises:
            ValueError: shapes or values that do not fit.
        """
        rho, scale = contraction(alpha, beta, mapping.shape[-1])
        if x.ndim != 2 or mapping.ndim != 2:
            raise ValueError(
                f"x has shape {tuple(x.shape)} and mapping {tuple(mapping.shape)}; expected (batch, inputs) and "
                "(LUTs, n)"
            )
        floats = x if x.is_floating_point() else x.to(luts.dtype)
        rows: Tensor = _Bits.apply(floats.t(), scale)  # type: ignore[no-untyped-call]
        return ops.lookup(rows, luts, Reads(mapping), rho).t()


def contraction(alpha: float, beta: float, n: int) -> tuple[float, float]:
    """The rho whose smoothed gradient has the decay beta, and the ratio of alpha to the alpha of that rho.

    `rho = (1 - beta) / (1 + beta)`, and its own alpha is `rho ((1 + rho) / 2)**(n - 1)`; ValueError as for
    `EFDFunction`.
    """
    alpha, beta = _checked_decay(alpha, beta)
    rho = (1 - beta) / (1 + beta)
    rho = 0.5 if abs(rho - 0.5) < _ROUNDING else rho
    scale = alpha / (rho * ((1 + rho) / 2) ** (n - 1))
    return rho, 1.0 if abs(scale - 1) < _ROUNDING else scale


def _checked_decay(alpha: float, beta: float) -> tuple[float, float]:
    alpha, beta = float(alpha), float(beta)
    if not 0 <= beta < 1 or not -math.inf < alpha < math.inf:
        raise ValueError(f"alpha is {alpha} and beta {beta}; expected a finite alpha, and 0 <= beta < 1")
    return alpha, beta


class _Bits(torch.autograd.Function):
    """1 where x > 0, with `scale` times the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return (x > 0).to(x.dtype).contiguous()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0] if ctx.scale == 1 else grads[0] * ctx.scale, None


class LUTLayer(nn.Module):
    """`output_size` LUTs of n inputs, looked up by address and trained by extended finite differences.

    Args:
        input_size: inputs.
        output_size: LUTs.
        n: inputs of a LUT, 1 to 8.
        mapping: `"random"` or `"arange"` (`layer_mapping`), `"learnable"` (`LearnableMapping`), or an integer tensor
            `(output_size, n)`.
        alpha: see `EFDFunction`; None: `0.5 * 0.75**(n - 1)`.
        beta: see `EFDFunction`; None: 1/3.
        ste: whether the layer gives bits, `entry > 0`, with an identity gradient; else it gives the entries themselves.
        clamp_luts: whether, in training mode, a forward pass first clamps the tables to [-1, 1].
        lm_tau: the learnable mapping's `tau`.

    Shapes: `(..., input_size)` to `(..., output_size)`.

    A learnable mapping has its gradients in eval mode too. Under `torch.no_grad` the LUTs read their inputs directly.

    Parameters: `luts`, float32 `(output_size, 2**n)`, U[-1, 1) at first; `mapping.weights` with a learnable mapping.
    Buffers: `mapping`, int32 `(output_size, n)`; with a learnable mapping instead `_LUTLayer__dummy_mapping` of that
    shape, which numbers the mapping's slots for the inputs of the LUTs: 0, 1, 2, ... The state dicts of either library
    load strictly into the other's layers; those without the dummy, as earlier versions of lutsmith saved them, load
    too.

    Raises:
        TypeError: a mapping that is neither a name nor a tensor.
        ValueError: impossible sizes or settings, or a mapping that names inputs that do not exist.
    """

    mapping: Tensor | LearnableMapping
    _LUTLayer__dummy_mapping: Tensor

    def __init__(
        self,
        input_size: int,
        output_size: int,
        n: int,
        mapping: Literal["random", "arange", "learnable"] | Tensor = "random",
        alpha: float | None = None,
        beta: float | None = None,
        ste: bool = True,
        clamp_luts: bool = True,
        lm_tau: float = 0.001,
    ) -> None:
        super().__init__()
        if min(input_size, output_size) < 1 or not 1 <= n <= MAX_RANK:
            raise ValueError(
                f"input_size={input_size}, output_size={output_size}, n={n}; expected sizes above 0 and n of 1 to "
                f"{MAX_RANK}"
            )
        self.input_size = int(input_size)
        self.output_size = int(output_size)
        self.n = int(n)
        self.ste = ste
        self.clamp_luts = clamp_luts
        self.alpha, self.beta = _checked_decay(
            0.5 * 0.75 ** (n - 1) if alpha is None else alpha, 0.25 / 0.75 if beta is None else beta
        )
        if isinstance(mapping, Tensor):
            self.register_buffer("mapping", self._checked(mapping))
        elif not isinstance(mapping, str):
            raise TypeError(f"mapping is a {type(mapping).__name__}; expected a name or an int32 tensor")
        elif mapping == "learnable":
            self.mapping = LearnableMapping(input_size, output_size * n, lm_tau)
            self.register_buffer(_DUMMY, self._in_order())
        elif mapping in ("random", "arange"):
            self.register_buffer("mapping", layer_mapping(input_size, n, output_size, mapping == "random"))
        else:
            raise ValueError(f"mapping is {mapping!r}; expected 'random', 'arange', 'learnable' or an int32 tensor")
        self.luts = nn.Parameter(torch.rand(output_size, 1 << n) * 2 - 1)

    def _in_order(self) -> Tensor:
        return torch.arange(self.output_size * self.n, dtype=torch.int32).reshape(self.output_size, self.n)

    def _checked(self, mapping: Tensor, name: str = "mapping", size: int | None = None) -> Tensor:
        """A copy of a wiring into `size` values, the inputs; ValueError where it is none."""
        size = self.input_size if size is None else size
        if mapping.shape != (self.output_size, self.n) or mapping.is_floating_point() or mapping.dtype == torch.bool:
            raise ValueError(
                f"{name} is {mapping.dtype} of shape {tuple(mapping.shape)}; expected int32 "
                f"({self.output_size}, {self.n})"
            )
        if not mapping.is_meta:
            low, high = (int(bound) for bound in torch.aminmax(mapping))
            if low < 0 or high >= size:
                raise ValueError(f"{name} names inputs {low} to {high}; expected 0 to {size - 1}")
        return mapping.to(torch.int32, copy=True)

    def inputs(self) -> Tensor:
        """The inputs that the LUTs read now, int32 `(output_size, n)`."""
        if isinstance(self.mapping, LearnableMapping):
            return self.mapping.mapping()[self._LUTLayer__dummy_mapping.long()]
        return self.mapping

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.input_size,):
            raise ValueError(f"LUTLayer(input_size={self.input_size}) got an input of shape {tuple(x.shape)}")
        if self.training and self.clamp_luts:
            with torch.no_grad():
                self.luts.clamp_(-1, 1)
        samples = x.reshape(-1, self.input_size)
        if isinstance(self.mapping, LearnableMapping) and torch.is_grad_enabled():
            samples, mapping = self.mapping(samples), self._LUTLayer__dummy_mapping
        else:
            mapping = self.inputs()
        y = EFDFunction.apply(samples, mapping, self.luts, self.alpha, self.beta)
        if self.ste:
            y = STEFunction.apply(y)  # type: ignore[no-untyped-call]
        return y.reshape(*x.shape[:-1], self.output_size)

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the LUTs reading `signals` `(..., input_size)` and return theirs, `(..., output_size)`."""
        if not self.ste:
            raise ValueError("with ste=False its outputs are real numbers, which a circuit does not have; use ste=True")
        return lower_luts(builder, signals, self.input_size, self.inputs(), self.luts.detach() > 0)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        if isinstance(self.mapping, LearnableMapping):
            name, size = _DUMMY, self.output_size * self.n
            if prefix + "mapping.weights" in state_dict:
                state_dict.setdefault(prefix + name, self._in_order())
        else:
            name, size = "mapping", self.input_size
        if isinstance(saved := state_dict.get(prefix + name), Tensor) and saved.shape == (self.output_size, self.n):
            self._checked(saved, name, size)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        return f"input_size={self.input_size}, output_size={self.output_size}, n={self.n}, ste={self.ste}"
