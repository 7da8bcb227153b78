"""How an operation is declared to torch: an operator with a CPU kernel, a form for other devices, a fake, a gradient.

An operator is safe by itself, whoever calls it: a layer, a compiled or exported program, `torch.ops.lutsmith`. Shapes,
dtypes and devices are checked in all of its forms. Indices are looked at where they are about to be used, by the CPU
kernels, which read and write memory where they say; other devices check them in their own indexing, and nothing waits
for their values.

Operators are defined through `torch.library.Library`, whose calls cost less than those of `torch.library.custom_op`;
`torch.library.opcheck` holds for both alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# The operations live as long as the library object.
_library: Any = torch.library.Library("lutsmith", "DEF")  # type: ignore[no-untyped-call]


def define(
    schema: str,
    *,
    cpu: Callable[..., Any],
    other: Callable[..., Any],
    fake: Callable[..., Any],
    gradient: Callable[..., Any] | None = None,
    save: Callable[..., None] | None = None,
) -> None:
    """Define `torch.ops.lutsmith.NAME`.

    Args:
        schema: name, arguments and results, as torch writes them.
        cpu: computes it on the CPU.
        other: computes it on any other device.
        fake: gives the shapes and dtypes of the results, from those of the arguments.
        gradient: `gradient(ctx, *grads)`, one gradient an argument; None: it has none.
        save: `save(ctx, inputs, output)`, keeps what the gradient needs.
    """
    name = schema.partition("(")[0]
    _library.define(schema)
    names = [argument.split()[-1] for argument in schema[len(name) + 1 : schema.index(")")].split(",")]
    _library.impl(name, cpu, "CPU")
    _library.impl(name, _on_one_device(other, names), "CompositeExplicitAutograd")
    torch.library.register_fake(f"lutsmith::{name}", _on_one_device(fake, names), lib=_library)
    if gradient is not None:
        torch.library.register_autograd(f"lutsmith::{name}", gradient, setup_context=save, lib=_library)


def _on_one_device(form: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """A form that raises ValueError where tensors are on different devices (the CPU's gets those of no other)."""

    def checked(*arguments: Any) -> Any:
        tensors = [(name, a.device) for name, a in zip(names, arguments, strict=True) if isinstance(a, Tensor)]
        for name, device in tensors[1:]:
            if device != tensors[0][1]:
                first = f"{tensors[0][0]} is on {tensors[0][1]}"
                raise ValueError(f"{first} and {name} on {device}; move both to one device with .to()")
        return form(*arguments)

    return checked
