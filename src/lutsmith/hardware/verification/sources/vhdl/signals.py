"""The signals of an architecture of VHDL: each bit has one driver, and is there where it is read."""

from __future__ import annotations

from collections.abc import Mapping

from lutsmith.hardware.verification.sources.text import Refused, Token
from lutsmith.hardware.verification.sources.vhdl.cursor import Cursor

CLOCKS = ("clk", "ce")

INSTANCE, CONSTANT = -1, -2
"""Sizes of what is not a signal."""


class ArchitectureSignals:
    """What an architecture declares, drives and reads; bits of vectors are (name, bit), others (name, 0).

    Args:
        at: where the file is read.
        sizes: of the ports: bits of a vector, or 0.
        directions: of the ports: in or out.

    Attributes:
        sizes: of all that has a name: ports, signals, instances and constants.
        joined: names of those that are joined to an entity within.
    """

    def __init__(self, at: Cursor, sizes: Mapping[str, int], directions: Mapping[str, str]) -> None:
        self.at, self.sizes, self.directions = at, dict(sizes), directions
        self.joined: set[str] = set()
        self.driven: set[tuple[str, int]] = set()
        self.read: dict[tuple[str, int], Token] = {}

    def one(self, name: str, bit: int | None) -> tuple[str, int]:
        """Return a bit that is there, and is not clk or ce."""
        size = self.sizes.get(name, -1)
        if name in CLOCKS or size < 0:
            self.at.refuse(f"{name} stands where a signal should: only the clocked process may read clk and ce")
        if (size == 0) != (bit is None) or (bit is not None and bit >= size):
            self.at.refuse(f"{name}{'' if bit is None else f'({bit})'} is not one bit of the {size or 1} of {name}")
        return name, bit or 0

    def reads(self, name: str, bit: int | None = None) -> None:
        """Note that a bit is read."""
        found = self.one(name, bit)
        if self.directions.get(name) == "out":
            self.at.refuse(f"the output {name} is read, which VHDL-93 does not allow")
        self.read.setdefault(found, self.at.words[self.at.place - 1])

    def drive(self, name: str, bit: int | None = None) -> None:
        """Note that a bit is driven."""
        found = self.one(name, bit)
        if self.directions.get(name) == "in":
            self.at.refuse(f"the input {name} is driven")
        if found in self.driven:
            self.at.refuse(f"a second statement drives {name}{'' if bit is None else f'({bit})'}")
        self.driven.add(found)

    def check_drivers(self) -> None:
        """Raise Refused where a bit has no driver, or may have two."""
        twice = self.joined & {name for name, _ in self.driven}
        if twice:
            self.at.refuse(f"{min(twice)} is both driven and joined to an entity")
        for (name, bit), word in self.read.items():
            if name not in self.joined and self.directions.get(name) != "in" and (name, bit) not in self.driven:
                raise Refused(f"refused: line {word.line}: {name} is read, and nothing drives it")
        for name, direction in self.directions.items():
            if direction == "out" and name not in self.joined:
                missing = [bit for bit in range(self.sizes[name] or 1) if (name, bit) not in self.driven]
                if missing:
                    self.at.refuse(f"bit {missing[0]} of the output {name} is not driven")
