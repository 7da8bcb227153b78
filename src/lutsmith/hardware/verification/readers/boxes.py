"""Instances of shared parts in a module that was read: which there are, and what they are wired to.

A module is read with its instances as boxes: the outputs of a box become inputs of the module, and its inputs become
outputs. So a proof of the logic around the boxes covers their wires, whatever is in the boxes. The boxes are proved as
modules, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.simplify.boxes import boxed
from lutsmith.logic.design import Design, Part, Port


class Mismatch(ValueError):  # noqa: N818
    """A file does not have the modules, ports or wires of the design; the message says which."""


class Renamed(Mismatch):
    """A module has the right number of instances of each part, but with other names."""


def instances_of(part: Part) -> Iterator[tuple[str, str, Netlist]]:
    """Yield each instance of shared parts: its name in exports, and the name and the netlist of its part."""
    for shared in part.shared:
        for number in range(len(shared)):
            yield f"u_{shared.name}_i{number}", shared.name, shared.netlist


def around(part: Part) -> Part:
    """Return a part with a port for all that its instances give, and one for all that they read, instance by instance.

    Their names are those of the instances, with `.o` and `.i`.
    """
    if not part.shared:
        return part
    boxes = list(instances_of(part))
    gives = [Port(f"{name}.o", 1, inside.outputs.size) for name, _, inside in boxes]
    reads = [Port(f"{name}.i", 1, inside.num_inputs) for name, _, inside in boxes]
    netlist = boxed(part.netlist, part.shared).netlist
    return Part(part.name, netlist, (*part.inputs, *gives), (*part.outputs, *reads))


def ends_of(part: Part) -> list[str]:
    """Return what the outputs of `around(part)` are called in messages."""
    return [_called(port, place) for port in around(part).outputs for place in range(port.size)]


def without_instances(design: Design) -> Design:
    """Return the design without its record of shared parts."""
    return replace(design, parts=tuple(replace(part, shared=()) for part in design.parts))


def check_instances(found: dict[str, str], part: Part, design: Design) -> None:
    """Raise Mismatch unless a module has exactly the instances of the part.

    Args:
        found: for each instance in the module, by its name, the name of the module that it is of.
        part: what it should be.
        design: that the part belongs to.

    Raises:
        Renamed: it has the right number of each, but with other names.
        Mismatch: an instance is missing, there is another one, or one is of another module.
    """
    wanted = {name: f"{design.name}_{owner}" for name, owner, _ in instances_of(part)}
    if found.keys() != wanted.keys():
        kind = Renamed if Counter(found.values()) == Counter(wanted.values()) else Mismatch
        missing = [name for name in wanted if name not in found]
        more = [
            f"an instance {name} of {owner} that it should not have"
            for name, owner in found.items()
            if name not in wanted
        ]
        said = [*(f"no instance {name} of {wanted[name]}" for name in missing[:1]), *more[:1]]
        raise kind(f"module {design.name}_{part.name} has {' and '.join(said)}")
    for name, owner in wanted.items():
        if found[name] != owner:
            raise Mismatch(f"the instance {name} in {design.name}_{part.name} is of {found[name]}, expected {owner}")


def check_wires(netlist: Netlist, part: Part) -> None:
    """Raise Mismatch unless every wire between instances, and between them and the inputs, is where it should be.

    Args:
        netlist: of the module, with the inputs and outputs of `around(part)`.
        part: what it should be.
    """
    wanted = around(part)
    sources = [_called(port, place) for port in wanted.inputs for place in range(port.size)]
    ends = ends_of(part)
    for number, (have, want) in enumerate(zip(netlist.outputs.tolist(), wanted.netlist.outputs.tolist(), strict=True)):
        if want < len(sources) and have != want:
            seen = sources[have] if have < len(sources) else "something else"
            raise Mismatch(f"{ends[number]} is wired to {seen}, expected {sources[want]}")


def _called(port: Port, place: int) -> str:
    name, is_box, kind = port.name.rpartition(".")
    if not is_box:
        return f"{port.name}[{place}]"
    return f"{'output' if kind == 'o' else 'input'} {place} of instance {name}"
