"""Entities and architectures of VHDL, of no other form than exports have.

Names, comments, the order of declarations and statements and the expressions are free. All else is fixed, because VHDL
that is simulated waits, loses a race or stops where what is synthesised from it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lutsmith.hardware.verification.sources.text import Refused, Token
from lutsmith.hardware.verification.sources.vhdl.cursor import Cursor
from lutsmith.hardware.verification.sources.vhdl.signals import CLOCKS, CONSTANT, INSTANCE, ArchitectureSignals

MUX = "function mux ( s , t , f : std_logic ) return std_logic is begin if s = '1' then return t ; end if ; return f ;"
"""The one function, up to its `end function`."""

_CLOCKED = "( clk ) begin if rising_edge ( clk ) then if ce = '1' then"
_END = "end if ; end if ; end process ;"

_OPERATORS = ("and", "or", "xor", "xnor", "nand", "nor")
_DEPTH = 100
"""Of parentheses in one another."""

_LUT = re.compile(r"lut[1-6]")


@dataclass(frozen=True)
class VhdlPort:
    """A port.

    Attributes:
        name: in lower case.
        direction: in or out.
        size: bits of a vector, from `size - 1` down to 0; 0 for a std_logic.
    """

    name: str
    direction: str
    size: int

    def __str__(self) -> str:
        kind = f"std_logic_vector({self.size - 1} downto 0)" if self.size else "std_logic"
        return f"{self.name} : {self.direction} {kind}"


@dataclass(frozen=True)
class Entity:
    """An entity as it is declared."""

    name: str
    ports: tuple[VhdlPort, ...]


def read_entities(words: Sequence[Token]) -> tuple[list[Entity], list[tuple[str, str]]]:
    """Return the entities of a file, and its constants.

    Args:
        words: the file without its comments.

    Raises:
        Refused: anything that exports do not write, bits that nothing drives or two things do, an entity without an
            architecture, or with two.
    """
    reader = _Reader(words)
    entities: dict[str, Entity] = {}
    built: set[str] = set()
    constants: list[tuple[str, str]] = []
    while not reader.at_end:
        if reader.word in ("library", "use"):
            while reader.take() != ";":
                pass
        elif reader.word == "entity":
            entity = reader.entity()
            if entity.name.lower() in entities:
                reader.refuse(f"there are two of entity {entity.name}, and tools may take either")
            entities[entity.name.lower()] = entity
        elif reader.word == "architecture":
            constants += reader.architecture(entities, built)
        else:
            reader.unexpected("an entity or an architecture")
    if bare := entities.keys() - built:
        raise Refused(f"refused: the entity {min(bare)} has no architecture in its file")
    return list(entities.values()), constants


class _Reader(Cursor):
    """Goes past entities and architectures."""

    def entity(self) -> Entity:
        """Go past an entity."""
        self.take("entity")
        name = self.words[self.place].text if not self.at_end else ""
        self.new(self.name(), {})
        self.take("is")
        ports: list[VhdlPort] = []
        if self.took("port"):
            self.take("(")
            while True:
                port = self.name()
                self.take(":")
                direction = self.take()
                if direction not in ("in", "out"):
                    self.refuse(f"{port} is a port of direction {direction}, expected in or out")
                ports.append(VhdlPort(port, direction, self.vector()))
                if port in CLOCKS:
                    if (direction, ports[-1].size) != ("in", 0):
                        self.refuse(f"{ports[-1]}, expected {port} : in std_logic")
                else:
                    self.new(port, {port.name: 0 for port in ports[:-1]})
                if not self.took(";"):
                    break
            self.take(") ;")
        self.closed("entity", name.lower())
        return Entity(name, tuple(ports))

    def architecture(self, entities: dict[str, Entity], built: set[str]) -> list[tuple[str, str]]:
        """Go past an architecture, add whose it is to those that have one, and return its constants."""
        self.take("architecture")
        own = self.new(self.name(), {}, local=True)
        self.take("of")
        name = self.name()
        if name not in entities:
            self.refuse(f"there is an architecture of {name}, which is not declared before it in this file")
        if name in built:
            self.refuse(f"there are two of architecture {name}, and tools may take either")
        built.add(name)
        self.take("is")
        ports = entities[name].ports
        body = ArchitectureSignals(
            self, {port.name: port.size for port in ports}, {port.name: port.direction for port in ports}
        )
        constants: list[tuple[str, str]] = []
        self.has_mux = False
        while self.word != "begin":
            self.declaration(body, constants)
        self.take("begin")
        while self.word != "end":
            self.statement(body, entities)
        self.closed("architecture", own)
        body.check_drivers()
        return constants

    def declaration(self, body: ArchitectureSignals, constants: list[tuple[str, str]]) -> None:
        """Go past a declaration."""
        if self.word == "function":
            if self.has_mux:
                self.refuse("there are two functions in an architecture, expected one mux")
            self.take(MUX)
            self.closed("function", "mux")
            self.has_mux = True
        elif self.took("constant"):
            at, name = self.place, self.name()
            self.new(name, {} if body.sizes.get(name) == CONSTANT else body.sizes)  # two of a name are for `names`
            self.take(": integer :=")
            constants.append((self.words[at].text, str(self.number())))
            body.sizes[name] = CONSTANT
            self.take(";")
        elif self.took("signal"):
            names = [self.new(self.name(), body.sizes, local=True)]
            while self.took(","):
                names.append(self.new(self.name(), {**dict.fromkeys(names, 0)} | body.sizes, local=True))
            self.take(":")
            size = self.vector()
            body.sizes |= dict.fromkeys(names, size)
            if not size and self.took(":="):
                self.kind("bit", "'0' or '1'")
            self.take(";")
        else:
            self.unexpected("function mux, a constant or a signal")

    def statement(self, body: ArchitectureSignals, entities: Mapping[str, Entity]) -> None:
        """Go past a statement."""
        if self.took("process"):
            self.take(_CLOCKED)
            while self.word != "end":
                self.assignment(body)
            self.take(_END)
        elif self.texts[self.place + 1 : self.place + 2] == [":"]:
            body.sizes[self.new(self.name(), body.sizes, local=True)] = INSTANCE
            self.take(":")
            self.instance(body, entities)
        else:
            self.assignment(body)

    def instance(self, body: ArchitectureSignals, entities: Mapping[str, Entity]) -> None:
        """Go past an instance of an entity or of a LUT."""
        if self.took("entity"):
            self.take("work .")
            name = self.name()
            ports = {port.name: port for port in entities[name].ports} if name in entities else {}
            if self.word == "port":
                for formal, bit, actual in self.mapped():
                    if bit is not None:
                        self.bit_of(ports.get(formal), formal, bit, actual, body)
                        continue
                    if (formal in CLOCKS or actual in CLOCKS) and formal != actual:
                        self.refuse(f"{formal} => {actual}, expected clk => clk and ce => ce alone")
                    if body.sizes.get(actual, -1) < 0:
                        self.refuse(f"{actual} is neither a signal nor a port")
                    body.joined.add(actual)
        else:
            if not _LUT.fullmatch(self.word):
                self.unexpected("entity work.NAME, or LUT1 to LUT6")
            self.take()
            self.take("generic map ( init =>")
            self.kind("bits", "the bits of a table")
            self.take(")")
            for formal, bit, actual in self.mapped():
                if bit is not None:
                    self.refuse(f"{formal} of a LUT is one bit")
                if formal == "o":
                    body.drive(actual)
                else:
                    body.reads(actual)
        self.take(";")

    def bit_of(self, port: VhdlPort | None, formal: str, bit: int, actual: str, body: ArchitectureSignals) -> None:
        """Note what one bit of a port of an entity is joined to."""
        if port is None or bit >= port.size:
            self.refuse(f"{formal}({bit}) is not a bit of a port of an entity that is declared before in this file")
        if port.direction == "out":
            body.drive(actual)
        else:
            body.reads(actual)

    def mapped(self) -> Iterator[tuple[str, int | None, str]]:
        """Go past `port map`, and yield what is joined to what: a port, its bit if one is named, and a signal."""
        self.take("port map (")
        while True:
            formal, bit = self.name(), self.bit()
            self.take("=>")
            yield formal, bit, self.name()
            if not self.took(","):
                break
        self.take(")")

    def assignment(self, body: ArchitectureSignals) -> None:
        """Go past `NAME <= ...;`."""
        name = self.name()
        body.drive(name, self.bit())
        self.take("<=")
        self.expression(body)
        self.take(";")

    def expression(self, body: ArchitectureSignals, depth: int = 0) -> None:
        """Go past an expression: operators of one kind, unless there are parentheses."""
        if depth > _DEPTH:
            self.refuse("an expression has too many parentheses in one another")
        self.operand(body, depth)
        operator = self.word
        if operator in _OPERATORS:
            while self.took(operator):
                self.operand(body, depth)
                if operator in ("nand", "nor"):
                    break

    def operand(self, body: ArchitectureSignals, depth: int) -> None:
        """Go past what stands between operators."""
        self.took("not")
        if not self.at_end and self.words[self.place].kind == "bit":
            self.take()
        elif self.took("("):
            self.expression(body, depth + 1)
            self.take(")")
        elif self.word == "mux":
            if not self.has_mux:
                self.refuse("mux is called, and the architecture has no such function")
            self.take("mux (")
            for end in (",", ",", ")"):
                self.expression(body, depth + 1)
                self.take(end)
        else:
            name = self.name()
            body.reads(name, self.bit())
