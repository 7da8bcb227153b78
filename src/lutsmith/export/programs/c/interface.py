"""The heads of a circuit as users of a header see them: names of functions, types and sizes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import IntegerHead
from lutsmith.export.programs.c.constants import scoped
from lutsmith.ground.labels import Label
from lutsmith.logic.heads import heads_of_circuit

RESULTS = {
    "classification": ("int32_t", "the class with the highest score, the lowest of those that tie"),
    "multilabel": ("uint8_t", "1 for each label whose score is above 0, else 0"),
    "regression": ("double", "the value of each target"),
}

_SIZES = re.compile(r"\bLUTSMITH_(SCORES|RESULTS|PLACES|GROUPS|GROUP|PLANES|CLASSES|DECISIONS|FIRST)\b")

_RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
        alignas alignof and and_eq asm assert auto bitand bitor bool break case catch char char8_t char16_t char32_t
        class compl concept const const_cast consteval constexpr constinit continue co_await co_return co_yield
        decltype default delete do double dynamic_cast else enum errno explicit export extern false float for friend
        goto if inline int linux long mutable namespace new noexcept not not_eq nullptr offsetof operator or or_eq
        private protected public register reinterpret_cast requires restrict return short signed sizeof static
        static_assert static_cast stderr stdin stdout struct switch template this thread_local throw true try
        typedef typeid typename typeof typeof_unqual union unix unsigned using virtual void volatile wchar_t while
        xor xor_eq
        """,
    )
)
"""Words of C and C++ and names that usual headers define, which cannot name a field of a struct."""


@dataclass(frozen=True)
class HeadInterface:
    """A head as users see it.

    Attributes:
        scope: "", or the name of one of several heads.
        head: popcounts or integers.
        first: the first output that it reads.
        outputs: how many it reads.
        objective: what scores mean.
        classes: names of classes, labels or targets.
    """

    scope: str
    head: Head | IntegerHead
    first: int
    outputs: int
    objective: str
    classes: tuple[Label, ...] | None

    @property
    def places(self) -> int:
        """How many decisions, or sets of words, there are."""
        return math.prod(self.head.shape)

    @property
    def results(self) -> int:
        """How many elements of the type of results."""
        if isinstance(self.head, IntegerHead) or self.objective == "classification":
            return self.places
        return self.places * self.head.num_classes

    def sizes(self) -> dict[str, int]:
        """Return the sizes that users need, by their names without prefix and scope."""
        scores = {"SCORES": self.places * self.head.num_classes} if isinstance(self.head, Head) else {}
        places = {"PLACES": self.places} if self.head.shape else {}
        return {**places, **scores, "RESULTS": self.results}

    def name(self, what: str) -> str:
        """Return the public name of a function or a type."""
        return f"lutsmith_{self.scope}_{what}" if self.scope else f"lutsmith_{what}"

    def inner(self, what: str) -> str:
        """Return the name of a function that only the header calls."""
        return scoped(f"lutsmith_{what}", what, self.scope)

    def macro(self, key: str) -> str:
        """Return the name of a size, without the prefix of all."""
        return f"{self.scope.upper()}_{key}" if self.scope else key

    def own(self, text: str, names: str) -> str:
        """Return code that was written for the single head, with the names of this one."""
        text = re.sub(r"\blutsmith_result\b", self.name("result"), scoped(text, names, self.scope))
        return _SIZES.sub(lambda found: f"LUTSMITH_{self.macro(found[1])}", text)

    def parameters(self, *, many: bool) -> list[tuple[str, str, str, str]]:
        """Return what can be asked of the head: the type and the name of a pointer, the function that asks for it, and
        how many elements a sample has.
        """
        scope = f"{self.scope}_" if self.scope else ""
        result = f"{scope}results" if many else f"{scope}result"
        asked = [(self.name("result"), result, self.name("predict"), f"LUTSMITH_{self.macro('RESULTS')}")]
        if isinstance(self.head, IntegerHead):
            return asked
        scores = ("int32_t", f"{scope}scores", self.name("scores"), f"LUTSMITH_{self.macro('SCORES')}")
        return [scores, *asked]

    def type_definition(self) -> str:
        """Return the definition of the type of results."""
        if isinstance(self.head, Head):
            kind, meaning = RESULTS[self.objective]
            return f"typedef {kind} {self.name('result')}; /* {meaning} */"
        words = self.head.words
        told = [_described(word.bits, signed=word.signed) for word in words]
        if len(words) == 1 and words[0].bits <= 64:
            kind = "int64_t" if words[0].signed else "uint64_t"
            return f"typedef {kind} {self.name('result')}; /* {words[0].name}: {told[0]} */"
        lines = []
        for word, name, text in zip(words, field_names(self.head), told, strict=True):
            limbs = -(-word.bits // 64)
            kind = "int64_t" if word.signed and limbs == 1 else "uint64_t"
            lines.append(f"    {kind} {name}{f'[{limbs}]' if limbs > 1 else ''}; /* {text} */")
        return "\n".join(["typedef struct {", *lines, f"}} {self.name('result')};"])


def interfaces(circuit: Circuit) -> tuple[HeadInterface, ...]:
    """Return the heads of a circuit."""
    return tuple(
        HeadInterface(
            each.prefix.removesuffix("_"),
            each.head,
            each.first,
            each.outputs,
            each.objective or "classification",
            each.classes,
        )
        for each in heads_of_circuit(circuit)
    )


def is_plain(circuit: Circuit) -> bool:
    """Whether there is nothing but outputs, and at most one decision by popcounts, without a state."""
    head = circuit.head
    return not circuit.netlist.num_registers and (head is None or (isinstance(head, Head) and not head.shape))


def parameters(circuit: Circuit, *, many: bool) -> list[tuple[str, str, str, str]]:
    """Return all that can be asked of a circuit, as `HeadInterface.parameters` does."""
    outputs = ("uint8_t", "outputs", "lutsmith_outputs", "LUTSMITH_OUTPUTS")
    return [outputs, *(asked for each in interfaces(circuit) for asked in each.parameters(many=many))]


def field_names(head: IntegerHead) -> list[str]:
    """Return what the words are called as fields of a struct: their names, with _ behind those that C cannot have."""
    fields: list[str] = []
    for word in head.words:
        name = word.name
        taken = {*fields, *(other.name for other in head.words if other is not word)}
        if name in _RESERVED or re.fullmatch("[A-Z][A-Z0-9_]{2,}", name):  # a macro, more likely than not
            name += "_"
        while name in taken:
            name += "_"
        fields.append(name)
    return fields


def _described(bits: int, *, signed: bool) -> str:
    size = "1 bit" if bits == 1 else f"{bits} bits"
    kind = ", two's complement" if signed else ""
    order = "; the lowest 64 first, above the last its sign or zeros" if bits > 64 else ""
    return f"{size}{kind}{order}"
