"""Models to circuits: a walk through the modules, each of which lowers itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.metadata import Metadata
from lutsmith.nn.sums.counting import Maker, bits_of, levels_of
from lutsmith.nn.sums.emitting import NeuronEmitter
from lutsmith.nn.sums.numbers import Levels, Sums
from lutsmith.nn.sums.scores import head_of
from lutsmith.nn.sums.torch_modules import NUMERIC, after, moved

Ids = NDArray[np.int32]
FittedRange = tuple[NDArray[np.float32], NDArray[np.float32]]

_RESHAPING = (nn.Flatten, nn.Unflatten, nn.ChannelShuffle)
"""Modules of torch that order and reshape what they are given."""
_NEUTRAL = (nn.Identity, nn.Dropout)
"""Modules of torch that do nothing in eval mode."""


@runtime_checkable
class LowersFeatures(Protocol):
    """A module that turns raw features into bits."""

    @property
    def fitted_range(self) -> FittedRange: ...

    def lower_features(self, builder: CircuitBuilder, features: Ids) -> Ids: ...


@runtime_checkable
class LowersBits(Protocol):
    """A module that turns bits into bits."""

    def lower(self, builder: CircuitBuilder, signals: Ids) -> Ids: ...


@runtime_checkable
class LowersNumbers(Protocol):
    """A module between numbers, such as a binary layer or a sign: see `sums.numbers`."""

    def lower_numbers(self, maker: Maker, numbers: Levels | Sums) -> Levels | Sums: ...


@runtime_checkable
class ReadsRawNumbers(Protocol):
    """A module that can turn raw features into bits: their signs."""

    def lower_raw(self, builder: CircuitBuilder, features: Ids) -> Levels: ...


@runtime_checkable
class LowersHead(Protocol):
    """A module that turns bits into scores.

    Its attribute `objective` says what the scores mean, as `Circuit.objective` does; without it they are scores of
    classes.
    """

    def lower_head(self, builder: CircuitBuilder, signals: Ids) -> None: ...


class Lowered(NamedTuple):
    """A circuit, and how many of its LUTs the encoder emitted: thermometers emit none, other codes their XORs."""

    circuit: Circuit
    encoder_luts: int


def to_circuit(
    model: nn.Module,
    input_shape: Sequence[int],
    *,
    classes: Sequence[int | float | str] | None = None,
    metadata: Metadata | None = None,
) -> Circuit:
    """Lower a model to the circuit that computes what the model computes in eval mode.

    Modules that lower themselves (lutsmith's encoders, layers and heads, or any class with the methods of
    `LowersFeatures`, `LowersBits`, `LowersNumbers` or `LowersHead`) may be nested in `nn.Sequential`; `nn.Flatten`,
    `nn.Unflatten`, `nn.ChannelShuffle`, `nn.Identity` and dropout are known, and between binary layers batch norm, max
    pooling and ReLU. A model without an encoder reads each feature as the bit
    `x > 1/2`. Compiled and wrapped models are unwrapped.

    Args:
        model: the module.
        input_shape: the shape of one sample, without the batch axis.
        classes: the labels of the classes; default 0, 1, ... (the names of the labels or targets of other objectives)
        metadata: what to keep in the model file, such as the accuracy reached.

    Raises:
        ValueError: a module that cannot be lowered, with its name and the reason, or shapes that do not fit.
    """
    return lower(model, input_shape, classes=classes, metadata=metadata).circuit


def lower(
    model: nn.Module,
    input_shape: Sequence[int],
    *,
    classes: Sequence[int | float | str] | None = None,
    metadata: Metadata | None = None,
    builder: CircuitBuilder | None = None,
) -> Lowered:
    """Return the circuit and what is known about it only while it is made; arguments and errors are those of
    `to_circuit`. The builder takes samples of this shape; None: a new one.
    """
    shape = tuple(int(size) for size in input_shape) if isinstance(input_shape, Sequence) else ()
    if not shape or any(size < 1 for size in shape):
        raise ValueError(
            f"input_shape is {input_shape!r}; expected the sizes of one sample, such as (784,) or (1, 28, 28)"
        )
    builder = CircuitBuilder(shape) if builder is None else builder
    state = ModelWalk(builder, np.asarray(builder.features, dtype=np.int32))
    state.visit(model, "model")
    state.end("model")
    circuit = builder.build(
        state.bits().reshape(-1) if state.objective is None else None,
        classes=None if classes is None else list(classes),
        objective=state.objective,
        fitted_range=state.fitted_range,
        metadata=metadata or Metadata(),
    )
    return Lowered(circuit, state.encoder_luts)


def lower_luts(
    builder: CircuitBuilder,
    signals: Ids,
    in_dim: int,
    inputs: Tensor,
    tables: Tensor,
    table_of: Tensor | None = None,
) -> Ids:
    """Emit the LUTs of a layer, once for each sample of `signals` `(..., in_dim)`; return theirs, `(..., out_dim)`.

    Args:
        builder: of the circuit.
        signals: int32, what the layer reads.
        in_dim: inputs of the layer.
        inputs: the inputs that each LUT reads, integers `(out_dim, rank)`.
        tables: bool `(out_dim, 2**rank)`, or `(tables, 2**rank)` with `table_of`.
        table_of: integers `(out_dim,)`, the table of each LUT; None: its own.

    Raises:
        ValueError: signals of another width, or inputs that do not exist.
    """
    if signals.shape[-1:] != (in_dim,):
        raise ValueError(f"its in_dim={in_dim} inputs cannot be signals of shape {signals.shape}")
    wiring = inputs.cpu().numpy()
    if wiring.min() < 0 or wiring.max() >= in_dim:
        raise ValueError(f"its wiring names inputs {wiring.min()} to {wiring.max()} of {in_dim}")
    words, owners = tables.cpu().numpy(), None if table_of is None else table_of.cpu().numpy()
    rows = [builder.lut(sample[wiring], words, owners) for sample in signals.reshape(-1, in_dim)]
    return np.stack(rows).reshape(*signals.shape[:-1], len(wiring))


def lower_bits(module: nn.Module, builder: CircuitBuilder, signals: Ids, name: str) -> Ids:
    """Emit a module from bits to bits (a sequence, or one that lowers itself) as a part of a container; return its
    signals.

    Args:
        module: it.
        builder: of the circuit.
        signals: int32, what it reads, of the shape of one sample.
        name: what errors call it.

    Raises:
        ValueError: it cannot be lowered, or is an encoder or a head.
    """
    walk = ModelWalk(builder, signals, are_bits=True)
    walk.visit(module, name)
    if walk.objective is not None:
        raise ValueError(f"{name} has a head, which ends a network; put it behind the container")
    return walk.bits()


def lower_branch(module: nn.Module, maker: NeuronEmitter, numbers: Levels | Sums, name: str) -> Levels | Sums:
    """Emit a module from numbers to numbers, a sequence or one that lowers itself; return its numbers.

    Args:
        module: it.
        maker: of the circuit.
        numbers: what it reads.
        name: what errors call it.

    Raises:
        ValueError: it cannot be lowered, or is an encoder or a head.
    """
    walk = ModelWalk(maker.builder, np.zeros(0, np.int32), are_bits=True, numbers=numbers)
    walk.visit(module, name)
    if walk.objective is not None:
        raise ValueError(f"{name} has a head, which ends a network; put it behind")
    return walk.as_numbers()


@dataclass
class ModelWalk:
    """Where the walk through the model stands: at ids of features or bits, or at numbers, if there are any."""

    builder: CircuitBuilder
    ids: Ids
    are_bits: bool = False
    numbers: Levels | Sums | None = None
    scored: bool = False  # whether the last numbers are scores if nothing follows: they are not bits
    objective: str | None = None  # of the head, once there is one
    fitted_range: FittedRange | None = None
    encoder_luts: int = 0

    def maker(self) -> NeuronEmitter:
        """Where adders and comparators of the present numbers are made."""
        return NeuronEmitter(self.builder)

    def bits(self) -> Ids:
        """The present values as bits: numbers and raw features are compared with 1/2."""
        if self.numbers is not None:
            self.ids, self.numbers = bits_of(self.maker(), self.numbers).astype(np.int32), None
        if not self.are_bits:
            self.ids = self.builder.compare(self.ids, np.float32(0.5))
            self.are_bits = True
        return self.ids

    def as_numbers(self) -> Levels | Sums:
        """The present values as numbers: bits are 0 and 1."""
        if self.numbers is None:
            if not self.are_bits:
                raise ValueError("it reads raw features, real numbers; put an encoder or a BinarizeSign before it")
            self.numbers = Levels.of_bits(self.ids)
        return self.numbers

    def _levels_apart(self) -> Levels | Sums:
        """The present numbers; residual levels, which are bits of their own, as such before they are reshaped."""
        numbers = self.as_numbers()
        coded = isinstance(numbers, Sums) and numbers.last is not None
        return levels_of(self.maker(), numbers) if coded else numbers

    def end(self, name: str) -> None:
        """Turn numbers that are not signs into a head, if nothing has done so yet."""
        if isinstance(self.numbers, Sums) and self.scored and self.objective is None:
            try:
                outputs, groups, weights, bias = head_of(self.maker(), self.numbers)
                self.builder.popcount(outputs, groups, weights=weights, bias=bias)
            except ValueError as error:
                raise _LoweringError(f"cannot lower the end of {name} to a circuit: {error}") from error
            self.objective = "classification"

    def visit(self, module: nn.Module, name: str) -> None:
        for wrapped in ("_orig_mod", "_forward_module"):  # torch.compile's and Fabric's wrappers
            if isinstance(inner := getattr(module, wrapped, None), nn.Module):
                self.visit(inner, name)
                return
        try:
            _check_unchanged(module)
            lowers = isinstance(module, (LowersFeatures, LowersBits, LowersNumbers, LowersHead))
            if lowers or not isinstance(module, (nn.Sequential, *_NEUTRAL)):
                self._lower(module)
            elif isinstance(module, nn.Sequential):
                for step, child in zip(module._modules, module, strict=True):  # `named_children` knows none twice
                    self.visit(child, f"{name}.{step}")
        except _LoweringError:
            raise  # a module inside has said why
        except (ValueError, RuntimeError, IndexError) as error:
            raise _LoweringError(f"cannot lower {name} ({type(module).__name__}) to a circuit: {error}") from error

    def _lower(self, module: nn.Module) -> None:
        if self.objective is not None:
            raise ValueError("it comes after the head; a head ends the network")
        if isinstance(module, LowersFeatures):
            if self.are_bits or self.numbers is not None:
                raise ValueError("it is an encoder of raw features, and its input are bits already; put it first")
            self.ids = module.lower_features(self.builder, self.ids)
            self.are_bits = True
            self.fitted_range = module.fitted_range
            self.encoder_luts = self.builder.num_luts
        elif isinstance(module, LowersBits):
            self.ids = module.lower(self.builder, self.bits())
        elif isinstance(module, ReadsRawNumbers) and not self.are_bits and self.numbers is None:
            self.numbers, self.are_bits = module.lower_raw(self.builder, self.ids), True
            self._lower(module)
        elif isinstance(module, LowersNumbers):
            self.numbers = module.lower_numbers(self.maker(), self.as_numbers())
            self.scored = not getattr(module, "binary_outputs", False)
        elif isinstance(module, NUMERIC) and self.numbers is not None:
            self.numbers = after(module, self.as_numbers())
        elif isinstance(module, LowersHead):
            module.lower_head(self.builder, self.bits())
            self.objective = getattr(module, "objective", "classification")
        elif isinstance(module, _RESHAPING):
            if self.numbers is None:
                self.ids = moved(self.ids, module)
            else:
                self.numbers = after(module, self._levels_apart())
        else:
            raise ValueError(
                "it has no lower, lower_features, lower_numbers or lower_head method; a circuit has encoders, LUT "
                "layers, binary layers, signs and heads, "
                f"{', '.join(f'nn.{each.__name__}' for each in (*NUMERIC, *_RESHAPING, *_NEUTRAL))}"
            )


class _LoweringError(ValueError):
    """The error of a module, with its name."""


def _check_unchanged(module: nn.Module) -> None:
    """Raise ValueError if a known module computes something else than its class: the circuit would not be it.

    A class that overrides `forward` of one that can be lowered says itself what it lowers to, or cannot be lowered;
    forward hooks, and a `forward` of one instance alone, change what a module computes unseen. The parts of a
    sequence are visited by themselves, those of other modules are lowered with them.
    """
    parts = (module,) if isinstance(module, nn.Sequential) else module.modules()
    if any(part._forward_hooks or part._forward_pre_hooks for part in parts):
        raise ValueError("it has forward hooks, which a circuit cannot contain; remove them first")
    if "forward" in vars(module):
        raise ValueError("this one instance has a forward of its own; give it a class with a lower method instead")
    lowering = ("lower", "lower_features", "lower_numbers", "lower_head")
    owner = next(known for known in type(module).__mro__ if not vars(known).keys().isdisjoint(("forward", *lowering)))
    if owner.__module__.startswith("torch.") or not vars(owner).keys().isdisjoint(lowering):
        return
    if any(hasattr(module, name) for name in lowering):
        raise ValueError(
            f"{owner.__name__} overrides forward but not how it is lowered; give it a lower method of its own"
        )
    for known in (nn.Sequential, *_RESHAPING, *_NEUTRAL, *NUMERIC):
        if isinstance(module, known):
            raise ValueError(
                f"{owner.__name__} overrides the forward of nn.{known.__name__}; give it a lower method of its own"
            )
