"""Programs read back: C and JavaScript, token by token against what the export writes.

Names, sizes and comments are what a user reads, so they must be those of the export. Code may differ, but then it is
not judged here: the simulation shows what it does on the rows that are run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from lutsmith.circuit.circuit import Circuit
from lutsmith.export import to_c, to_javascript
from lutsmith.export.labels import class_names
from lutsmith.export.programs.c.declarations import labels_of
from lutsmith.hardware.simulation.software import prefix_of
from lutsmith.hardware.verification.case import Case, Files, only, row
from lutsmith.hardware.verification.report import Check
from lutsmith.hardware.verification.sources.comments import compare_comments, shown
from lutsmith.hardware.verification.sources.programs.lexemes import Lexeme, Lexemes, c_lexemes, javascript_lexemes
from lutsmith.hardware.verification.sources.programs.literals import c_list, c_sizes, javascript_list, javascript_sizes
from lutsmith.logic.heads import heads_of_circuit

IDENTICAL = "token by token what the export writes, {:,} of them; what they compute, only a simulation shows"
UNKNOWN = (
    "the names and sizes stand there as they should; what code that differs makes of them, only a simulation shows"
)

_DIGRAPHS = ("<:", ":>", "<%", "%>", "%:", "%:%:")
_OF_A_COMPILER = re.compile(r"__\w*|_[A-Z]\w*|asm")
"""Words whose meaning is each compiler's own: `__attribute__`, `_Pragma`, `__FILE__`, `__builtin_expect`."""

_GLOBALS = re.compile(
    r"(?:Float32|Float64|Int32|Uint8|BigInt64|BigUint64)?Array|ArrayBuffer|BigInt|Boolean|DataView|Error|Function|JSON|Math|Number|Object|Promise"
    r"|RangeError|String|Symbol|TypeError|WebAssembly|globalThis|module|parseInt|undefined"
)
"""Of JavaScript: a module of such a name replaces what its own functions call."""


def c_text(files: Files, case: Case) -> Iterator[Check]:
    """Names, sizes, comments and preprocessor lines of a header, and whether its code is the export's."""
    yield from _header(only(files), case, compact=False)


def compact_c_text(files: Files, case: Case) -> Iterator[Check]:
    """The same of a compact header."""
    yield from _header(only(files), case, compact=True)


def javascript_text(files: Files, case: Case) -> Iterator[Check]:
    """Names, sizes and comments of a module, and whether its code is the export's."""
    data = only(files)
    match = re.search(rb"\bglobalThis\.([A-Za-z]\w*)\s*=\s*exported\b", data, re.ASCII)
    name = match[1].decode() if match else "lutsmith"
    if _GLOBALS.fullmatch(name):
        yield row("code", "failed", f"the module takes the place of the global {name}, which pages and itself need")
        return
    found = javascript_lexemes(data)
    wanted = javascript_lexemes(to_javascript(case.circuit, name=name).encode())
    arrays = {"classNames": class_names(case.circuit), "featureNames": case.circuit.schema.names}
    problem = None
    for key, texts in arrays.items():
        problem = problem or _other_list(key, texts, javascript_list(found.code, key))
    problem = problem or _other_sizes(javascript_sizes(wanted.code), javascript_sizes(found.code))
    yield from _compared(found, wanted, case.circuit, problem, None)


def _header(data: bytes, case: Case, *, compact: bool) -> Iterator[Check]:
    name = prefix_of(data)
    export = to_c(case.circuit, words=case.software.words, style="compact" if compact else "unrolled", name=name)
    found, wanted = c_lexemes(data), c_lexemes(export.encode())
    arrays: dict[str, Sequence[str] | None] = {"class_names": None, "feature_names": None}
    arrays |= {f"{each.prefix}class_names": None for each in heads_of_circuit(case.circuit)}
    arrays |= labels_of(case.circuit)
    problem = None
    for key, texts in arrays.items():
        problem = problem or _other_list(key, texts, c_list(found.code, f"{name}_{key}"))
    problem = problem or _other_sizes(c_sizes(wanted.code), c_sizes(found.code))
    yield from _compared(found, wanted, case.circuit, problem, _other_directives(found.code, wanted.code))


def _compared(
    found: Lexemes, wanted: Lexemes, circuit: Circuit, other_names: str | None, refused: str | None
) -> Iterator[Check]:
    """Yield the row of what a user reads, and that of the code."""
    differs = _first_difference(found.code, wanted.code)
    classes = [name for each in heads_of_circuit(circuit) for name in map(str, each.classes or ())]
    features = circuit.schema.names or ()
    comments = compare_comments(found.comments, wanted.comments, (*classes, *features), same_code=differs is None)
    problem = other_names or comments.problem
    text = (
        f"names of {len(classes):,} classes and {len(features):,} features, sizes and {comments.kept:,} of "
        f"{len(wanted.comments):,} comments"
    )
    if problem is not None:
        yield row("names", "failed", problem)
    elif differs is not None:
        yield row("names", "not decided", UNKNOWN + comments.added)
    else:
        yield row("names", "proved", text + comments.added)
    if refused is not None:
        yield row("code", "failed", refused)
    elif differs is not None:
        yield row("code", "not decided", f"{differs}: of this code, only what is run is known")
    else:
        yield row("code", "proved", IDENTICAL.format(len(wanted.code)))


def _first_difference(found: Sequence[Lexeme], wanted: Sequence[Lexeme]) -> str | None:
    for piece, meant in zip(found, wanted, strict=False):
        if piece.text != meant.text:
            return f"line {piece.line} has {shown(piece.text)} where the export has {shown(meant.text)}"
    if len(found) > len(wanted):
        return f"line {found[len(wanted)].line} has {shown(found[len(wanted)].text)} where the export ends"
    if len(found) < len(wanted):
        return f"the file ends where the export has {shown(wanted[len(found)].text)}"
    return None


def _other_directives(found: Sequence[Lexeme], wanted: Sequence[Lexeme]) -> str | None:
    """Return what may make another program of C in another compiler, or None."""
    lines = [[piece for piece in side if piece.kind == "directive"] for side in (found, wanted)]
    differs = _first_difference(*lines)
    if differs is not None:
        return f"the lines of the preprocessor are not the export's, and may choose other code elsewhere: {differs}"
    known = {piece.text for piece in wanted}
    for piece in found:
        strange = piece.text in _DIGRAPHS or _OF_A_COMPILER.fullmatch(piece.text)
        if piece.kind == "token" and strange and piece.text not in known:
            return f"line {piece.line} has {shown(piece.text)}, which is not the same to every compiler"
    return None


def _other_list(key: str, wanted: Sequence[str] | None, found: Sequence[str] | str | None) -> str | None:
    """Return how a list of names differs; `found` is a text where it cannot be read."""
    if isinstance(found, str):
        return found
    if found is None or wanted is None:
        if found is None and wanted is None:
            return None
        return (
            f"the file has {'no ' if found is None else ''}{key}, the model has {'none' if wanted is None else 'some'}"
        )
    for index, (text, meant) in enumerate(zip(found, wanted, strict=False)):
        if text != meant:
            return f"{key}[{index}] is {shown(text)}, expected {shown(meant)}"
    return None if len(found) == len(wanted) else f"{len(found)} {key}, expected {len(wanted)}"


def _other_sizes(wanted: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    for key, value in wanted.items():
        if found.get(key) != value:
            return f"{key} is {found.get(key, 'missing')}, expected {value}"
    return None
