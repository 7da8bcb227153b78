"""How an operation is declared to torch: an operator with a CPU kernel, a form for other devices, a fake, a gradient.

An operator is safe by itself, whoever calls it: a layer, a compiled or exported program, `torch.ops.lutsmith`. Shapes,
dtypes and devices are checked in all of its forms. Indices are looked at where they are about to be used, by the CPU
kernels, which read and write memory where they say; other devices check them in their own indexing, and nothing waits
for their values.

Operators are defined through `torch.library.Library`, whose calls cost less than those of `torch.library.custom_op`;
`torch.library.opcheck` holds for both alike. Our own code calls an operator through `call`, which goes straight to the
kernel where nobody listens on the way: for plain tensors on the CPU, outside of compilers, tracers, transforms and
modes. That saves most of the 0.1 ms that torch takes to find a Python kernel and its gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

PLAIN = frozenset((Tensor, torch.nn.Parameter))
CONSTANTS = {
    "bool": {bool},
    "float": {float, int},
    "int": {int},
    "SymInt": {int},
    "str": {str},
    "ScalarType": {torch.dtype},
}
"""What may be given for each of torch's types that is no tensor."""

# The operations live as long as the library object.
_library: Any = torch.library.Library("lutsmith", "DEF")  # type: ignore[no-untyped-call]
_straight: dict[str, tuple[Callable[..., Any], list[Any]]] = {}  # and the types of arguments


def _keys_of(tensor: Tensor) -> int:
    """Who has a say in what is done with a tensor: its device, autograd, and whatever else wraps or marks it."""
    found: int = _core._dispatch_keys(tensor).raw_repr()
    return found


def _plain_keys() -> frozenset[int]:
    """Those of dense tensors of the CPU."""
    with torch.inference_mode():
        inference = _keys_of(torch.empty(0))
    return frozenset((_keys_of(torch.empty(0)), inference))


_core: Any = torch._C
_forward: Any = forward_ad
_KEYS = _plain_keys()


def call(name: str, *arguments: Any) -> Any:
    """`torch.ops.lutsmith.NAME(*arguments)`, by the shortest way that means the same."""
    if torch.compiler.is_compiling():
        return getattr(torch.ops.lutsmith, name).default(*arguments)
    if _forward._current_level >= 0:
        _refuse_tangents(name, arguments)
    if not _undisturbed(arguments, _straight[name][1]):
        return getattr(torch.ops.lutsmith, name).default(*arguments)
    return _straight[name][0](*arguments)


def _refuse_tangents(name: str, arguments: tuple[Any, ...]) -> None:
    """Raise RuntimeError where derivatives are carried forward: torch would take ours for zero."""
    for each in arguments:
        if isinstance(each, Tensor) and _forward.unpack_dual(each).tangent is not None:
            raise RuntimeError(
                f"lutsmith.{name} got a tensor with a tangent, and has no derivative in forward mode: take reverse "
                "mode, such as torch.autograd.grad or torch.autograd.functional.vjp"
            )


def _undisturbed(arguments: tuple[Any, ...], types: list[Any]) -> bool:
    """Whether a call has plain arguments of the right types alone, and nothing in torch would do more than compute."""
    if _core._len_torch_dispatch_stack() or _core._len_torch_function_stack() or len(arguments) != len(types):
        return False
    if _core._functorch.peek_interpreter_stack() is not None or _core._get_tracing_state() is not None:
        return False
    for each, allowed in zip(arguments, types, strict=True):
        kind = type(each)
        if kind not in allowed or (kind in PLAIN and _keys_of(each) not in _KEYS):
            return False
    return True


def define(
    schema: str,
    *,
    check: Callable[..., None],
    cpu: Callable[..., Any],
    other: Callable[..., Any],
    fake: Callable[..., Any],
    gradient: Callable[..., Any] | None = None,
    save: Callable[..., None] | None = None,
) -> None:
    """Define `torch.ops.lutsmith.NAME`.

    Args:
        schema: name, arguments and results, as torch writes them.
        check: raises ValueError where shapes, dtypes or numbers do not fit; called before each of the three forms.
        cpu: computes it on the CPU.
        other: computes it on any other device.
        fake: gives the shapes and dtypes of the results, from those of the arguments.
        gradient: `gradient(ctx, *grads)`, one gradient an argument; None: it has none. It has no gradient itself:
            asking for one is a RuntimeError.
        save: `save(ctx, inputs, output)`, keeps what the gradient needs.
    """
    name = schema.partition("(")[0]
    _library.define(schema)
    declared = [argument.split() for argument in schema[len(name) + 1 : schema.index(")")].split(",")]
    names = [argument[-1] for argument in declared]
    types = [CONSTANTS.get(kind, PLAIN | ({type(None)} if kind.endswith("?") else set())) for kind, *_ in declared]

    def on_cpu(*arguments: Any) -> Any:  # all tensors are the CPU's: torch takes others elsewhere
        check(*arguments)
        return cpu(*arguments)

    def elsewhere(*arguments: Any) -> Any:
        _check_devices(names, arguments)
        check(*arguments)
        return other(*arguments)

    def without_values(*arguments: Any) -> Any:
        _check_devices(names, arguments)
        check(*arguments)
        return fake(*arguments)

    once = None if gradient is None else _once(name, gradient)
    _straight[name] = _way(name, on_cpu, once, save), types
    _library.impl(name, on_cpu, "CPU")
    _library.impl(name, elsewhere, "CompositeExplicitAutograd")
    torch.library.register_fake(f"lutsmith::{name}", without_values, lib=_library)
    if once is not None:
        torch.library.register_autograd(f"lutsmith::{name}", once, setup_context=save, lib=_library)


def _way(name: str, on_cpu: Callable[..., Any], once: Any, save: Any) -> Callable[..., Any]:
    """The operator on plain tensors of the CPU, without torch's dispatcher."""

    def compute(*arguments: Any) -> Any:
        if not torch.is_grad_enabled():
            return on_cpu(*arguments)
        with torch.no_grad():
            return on_cpu(*arguments)

    if once is None:
        return compute

    def forward(ctx: Any, *arguments: Any) -> Any:
        found = on_cpu(*arguments)
        save(ctx, arguments, found)
        return found

    kind: Any = type(
        name, (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(once)}
    )

    def differentiable(*arguments: Any) -> Any:
        if torch.is_grad_enabled() and any(isinstance(each, Tensor) and each.requires_grad for each in arguments):
            return kind.apply(*arguments)
        return compute(*arguments)

    return differentiable


def _once(name: str, gradient: Callable[..., Any]) -> Callable[..., Any]:
    """A gradient that cannot be differentiated: torch would take its own for zero."""

    def with_graph(ctx: Any, grads: tuple[Any, ...]) -> Any:
        with torch.no_grad():
            found = gradient(ctx, *grads)
        results = found if isinstance(found, tuple) else (found,)
        given = (*grads, *ctx.saved_tensors)
        if asked := [each for each in given if isinstance(each, Tensor) and each.requires_grad]:
            # of what was asked, too: who looks for a way to it finds the error, and not that there is none
            refuse = torch._C._functions.DelayedError(f"lutsmith.{name} is differentiable once", 1 + len(asked))
            results = tuple(
                refuse(tensor.detach().requires_grad_(), *asked)[0] if isinstance(tensor, Tensor) else tensor
                for tensor in results
            )
        return results if isinstance(found, tuple) else results[0]

    def once(ctx: Any, *grads: Any) -> Any:
        return with_graph(ctx, grads) if torch.is_grad_enabled() else gradient(ctx, *grads)

    return once


def _check_devices(names: list[str], arguments: tuple[Any, ...]) -> None:
    tensors = [(name, a.device) for name, a in zip(names, arguments, strict=True) if isinstance(a, Tensor)]
    for name, device in tensors[1:]:
        if device != tensors[0][1]:
            first = f"{tensors[0][0]} is on {tensors[0][1]}"
            raise ValueError(f"{first} and {name} on {device}; move both to one device with .to()")
