"""Entities and architectures of VHDL, of no other form than exports have.

Names, comments, the order of declarations and statements and the expressions are free. All else is fixed, because VHDL
that is simulated waits, loses a race or stops where what is synthesised from it does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from lutsmith.export.names import VHDL_WORDS
from lutsmith.export.notes import INDEX_NAMES
from lutsmith.hardware.verification.sources.text import Refused, Token

MUX = "function mux ( s , t , f : std_logic ) return std_logic is begin if s = '1' then return t ; end if ; return f ;"
"""The one function, up to its `end function`."""

_CLOCKS = ("clk", "ce")
_CLOCKED = "( clk ) begin if rising_edge ( clk ) then if ce = '1' then"
_END = "end if ; end if ; end process ;"

_OPERATORS = ("and", "or", "xor", "xnor", "nand", "nor")
_DEPTH = 100
"""Of parentheses in one another."""

_INSTANCE, _CONSTANT = -1, -2
"""Sizes of what is not a signal."""

_LUT = re.compile(r"lut[1-6]")
_TAKEN = re.compile(
    r"clk|ce|mux|rising_edge|std_logic|std_logic_vector|integer|std|ieee|unisim|work|std_logic_1164|vcomponents|lut[1-6]"
)
"""Names that are not given anew, since what they stand for is read."""

_INDEX = re.compile("|".join(f"{name}_" for name in ("class", *INDEX_NAMES.values())))
"""How the constants begin that tell who reads a file which number a class has."""


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


@dataclass
class _Body:
    """What an architecture declares, drives and reads; bits of vectors are (name, bit), others (name, 0)."""

    sizes: dict[str, int]  # what expressions may read
    driven: set[tuple[str, int]] = field(default_factory=set)
    read: dict[tuple[str, int], Token] = field(default_factory=dict)
    joined: set[str] = field(default_factory=set)  # to an entity within
    constants: list[tuple[str, str]] = field(default_factory=list)
    has_mux: bool = False


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


class _Reader:
    """Goes from word to word."""

    def __init__(self, words: Sequence[Token]) -> None:
        self.words = words
        self.texts = [word.text.lower() for word in words]
        self.place = 0

    @property
    def at_end(self) -> bool:
        return self.place >= len(self.words)

    @property
    def word(self) -> str:
        return "" if self.at_end else self.texts[self.place]

    def refuse(self, why: str) -> NoReturn:
        """Raise Refused for the line."""
        raise Refused(f"refused: line {self.words[min(self.place, len(self.words) - 1)].line}: {why}")

    def unexpected(self, wanted: str) -> NoReturn:
        """Raise Refused for the word."""
        found = "the end of the file" if self.at_end else self.words[self.place].text
        self.refuse(f"{found} is there, expected {wanted}, as in the export")

    def take(self, wanted: str = "") -> str:
        """Go past a word, or past these, and return the last."""
        text = self.word
        for want in wanted.split():
            text = self.word
            if text != want:
                self.unexpected(want)
            self.place += 1
        if not wanted:
            if self.at_end:
                self.unexpected("more")
            self.place += 1
        return text

    def took(self, wanted: str) -> bool:
        """Go past a word if it is this one."""
        found = self.word == wanted
        self.place += found
        return found

    def kind(self, kind: str, wanted: str) -> str:
        """Go past a word of a kind, and return it."""
        if self.at_end or self.words[self.place].kind != kind:
            self.unexpected(wanted)
        return self.take()

    def name(self) -> str:
        """Go past a name, and return it in lower case."""
        if self.word in VHDL_WORDS:
            self.unexpected("a name")
        return self.kind("word", "a name")

    def number(self) -> int:
        """Go past a number, and return it."""
        return int(self.kind("number", "a number")[:9])

    def vector(self) -> int:
        """Go past a type, and return how many bits a vector of it has, or 0."""
        if self.took("std_logic"):
            return 0
        if self.word != "std_logic_vector":
            self.unexpected("std_logic or std_logic_vector(... downto 0)")
        self.take("std_logic_vector (")
        size = self.number() + 1
        self.take("downto 0 )")
        return size

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
                if port in _CLOCKS:
                    if (direction, ports[-1].size) != ("in", 0):
                        self.refuse(f"{ports[-1]}, expected {port} : in std_logic")
                else:
                    self.new(port, {port.name: 0 for port in ports[:-1]})
                if not self.took(";"):
                    break
            self.take(") ;")
        self.closed("entity", name.lower())
        return Entity(name, tuple(ports))

    def closed(self, kind: str, name: str) -> None:
        """Go past an end."""
        self.take("end")
        self.took(kind)
        self.took(name)
        self.take(";")

    def new(self, name: str, sizes: dict[str, int], *, local: bool = False) -> str:
        """Return a name that is given to something, unless it stands for something else."""
        if _TAKEN.fullmatch(name) or name in sizes:
            self.refuse(f"the name {name} is given to something else than it stands for")
        if local and _INDEX.match(name):
            self.refuse(f"the name {name} is like those of the constants for classes, and not one of them")
        return name

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
        directions = {port.name: port.direction for port in ports}
        body = _Body({port.name: port.size for port in ports})
        while self.word != "begin":
            self.declaration(body)
        self.take("begin")
        while self.word != "end":
            self.statement(body, directions)
        self.closed("architecture", own)
        self.check_drivers(body, directions)
        return body.constants

    def declaration(self, body: _Body) -> None:
        """Go past a declaration."""
        if self.word == "function":
            if body.has_mux:
                self.refuse("there are two functions in an architecture, expected one mux")
            self.take(MUX)
            self.closed("function", "mux")
            body.has_mux = True
        elif self.took("constant"):
            at, name = self.place, self.name()
            self.new(name, {} if body.sizes.get(name) == _CONSTANT else body.sizes)  # two of a name are for `names`
            self.take(": integer :=")
            body.constants.append((self.words[at].text, str(self.number())))
            body.sizes[name] = _CONSTANT
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

    def statement(self, body: _Body, directions: dict[str, str]) -> None:
        """Go past a statement."""
        if self.took("process"):
            self.take(_CLOCKED)
            while self.word != "end":
                self.assignment(body, directions)
            self.take(_END)
        elif self.texts[self.place + 1 : self.place + 2] == [":"]:
            body.sizes[self.new(self.name(), body.sizes, local=True)] = _INSTANCE
            self.take(":")
            self.instance(body, directions)
        else:
            self.assignment(body, directions)

    def instance(self, body: _Body, directions: dict[str, str]) -> None:
        """Go past an instance of an entity or of a LUT."""
        if self.took("entity"):
            self.take("work .")
            self.name()
            if self.word == "port":
                for formal, actual in self.mapped():
                    if (formal in _CLOCKS or actual in _CLOCKS) and formal != actual:
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
            for formal, actual in self.mapped():
                if formal == "o":
                    self.drive(body, directions, actual, None)
                else:
                    self.reads(body, directions, actual, None)
        self.take(";")

    def mapped(self) -> Iterator[tuple[str, str]]:
        """Go past `port map`, and yield what is joined to what."""
        self.take("port map (")
        while True:
            formal = self.name()
            self.take("=>")
            yield formal, self.name()
            if not self.took(","):
                break
        self.take(")")

    def assignment(self, body: _Body, directions: dict[str, str]) -> None:
        """Go past `NAME <= ...;`."""
        name = self.name()
        self.drive(body, directions, name, self.bit())
        self.take("<=")
        self.expression(lambda name, bit: self.reads(body, directions, name, bit), body.has_mux, 0)
        self.take(";")

    def bit(self) -> int | None:
        """Go past `(3)`, if it is there."""
        if not self.took("("):
            return None
        number = self.number()
        self.take(")")
        return number

    def expression(self, reads: Callable[[str, int | None], object], has_mux: bool, depth: int) -> None:
        """Go past an expression: operators of one kind, unless there are parentheses."""
        if depth > _DEPTH:
            self.refuse("an expression has too many parentheses in one another")
        self.operand(reads, has_mux, depth)
        operator = self.word
        if operator in _OPERATORS:
            while self.took(operator):
                self.operand(reads, has_mux, depth)
                if operator in ("nand", "nor"):
                    break

    def operand(self, reads: Callable[[str, int | None], object], has_mux: bool, depth: int) -> None:
        """Go past what stands between operators."""
        self.took("not")
        if not self.at_end and self.words[self.place].kind == "bit":
            self.take()
        elif self.took("("):
            self.expression(reads, has_mux, depth + 1)
            self.take(")")
        elif self.word == "mux":
            if not has_mux:
                self.refuse("mux is called, and the architecture has no such function")
            self.take("mux (")
            for end in (",", ",", ")"):
                self.expression(reads, has_mux, depth + 1)
                self.take(end)
        else:
            name = self.name()
            reads(name, self.bit())

    def one(self, body: _Body, name: str, bit: int | None) -> tuple[str, int]:
        """Return a bit that is there, and is not clk or ce."""
        size = body.sizes.get(name, -1)
        if name in _CLOCKS or size < 0:
            self.refuse(f"{name} stands where a signal should: only the clocked process may read clk and ce")
        if (size == 0) != (bit is None) or (bit is not None and bit >= size):
            self.refuse(f"{name}{'' if bit is None else f'({bit})'} is not one bit of the {size or 1} of {name}")
        return name, bit or 0

    def reads(self, body: _Body, directions: dict[str, str], name: str, bit: int | None) -> None:
        """Note that a bit is read."""
        found = self.one(body, name, bit)
        if directions.get(name) == "out":
            self.refuse(f"the output {name} is read, which VHDL-93 does not allow")
        body.read.setdefault(found, self.words[self.place - 1])

    def drive(self, body: _Body, directions: dict[str, str], name: str, bit: int | None) -> None:
        """Note that a bit is driven."""
        found = self.one(body, name, bit)
        if directions.get(name) == "in":
            self.refuse(f"the input {name} is driven")
        if found in body.driven:
            self.refuse(f"a second statement drives {name}{'' if bit is None else f'({bit})'}")
        body.driven.add(found)

    def check_drivers(self, body: _Body, directions: dict[str, str]) -> None:
        """Raise Refused where a bit has no driver, or may have two."""
        twice = body.joined & {name for name, _ in body.driven}
        if twice:
            self.refuse(f"{min(twice)} is both driven and joined to an entity")
        for (name, bit), word in body.read.items():
            if name not in body.joined and directions.get(name) != "in" and (name, bit) not in body.driven:
                raise Refused(f"refused: line {word.line}: {name} is read, and nothing drives it")
        for name, direction in directions.items():
            if direction == "out" and name not in body.joined:
                missing = [bit for bit in range(body.sizes[name] or 1) if (name, bit) not in body.driven]
                if missing:
                    self.refuse(f"bit {missing[0]} of the output {name} is not driven")
