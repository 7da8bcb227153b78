"""Which mutants are tried: a sample that depends on the seed and the sources alone.

A line is drawn, then a kind of change, then one such change in that line; so a call with many arguments has no more
weight than a comparison. That a value becomes None is a kind of its own. Lines are drawn by a hash of the seed, the
function and the text of the line: a change to one function leaves the sample in all others as it was, and moving a file
leaves it as it was in that file.

Left out is what no test could notice or what is text for people: annotations, type aliases, `cast`, `TYPE_CHECKING`,
imports, `__all__`, decorators, docstrings, what is raised (the message, not the condition), and strings of three words
or more. Also left out, as in mutmut: the arguments of `len` and `isinstance`. Changes that are not valid Python, or
that leave the syntax tree as it was, are passed over.
"""

from __future__ import annotations

import ast
import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

_TYPING = {"TypeVar", "ParamSpec", "NewType"}
_TRIVIAL = {"len", "isinstance"}
_PROSE = re.compile(r"\w+\W*\s\W*\w+\W*\s\W*\w+")


@dataclass(frozen=True)
class Mutant:
    """One change to one file.

    Attributes:
        file: relative to the root of the repository.
        scope: the qualified name of the function or class; "" at the top of a module.
        first, last: the lines of the code that changes, from 1.
        at_import: whether that code runs when its module is imported, not when a function is called.
        operator: of mutmut, such as "swap_op"; "none" where a value becomes None.
        before, after: the code that changes.
        text: the first of its lines, without indentation.
        code: the whole file as it becomes.
    """

    file: str
    scope: str
    first: int
    last: int
    at_import: bool
    operator: str
    before: str
    after: str
    text: str
    code: str

    @property
    def name(self) -> str:
        """What the mutant is, as one line; stays the same when the file is moved or other lines change."""
        return f"{self.scope or '(module)'}: {' '.join(self.before.split())} -> {' '.join(self.after.split())}"


@dataclass(frozen=True)
class _Change:
    """One that mutmut offers, not yet made."""

    node: cst.CSTNode
    mutated: cst.CSTNode
    operator: str
    scope: str
    first: int
    last: int
    at_import: bool


def sample(root: Path, rooms: tuple[str, ...], count: int, seed: int) -> list[Mutant]:
    """Return `count` mutants of the files in `src/lutsmith/ROOM`, each of another line, in the order of their files.

    Raises:
        ValueError: fewer lines can be changed than mutants are asked for.
    """
    modules: dict[str, tuple[str, cst.Module]] = {}
    lines: list[tuple[str, str, list[_Change]]] = []
    seen: Counter[str] = Counter()
    for path in sorted(file for room in rooms for file in (root / "src" / "lutsmith" / room).rglob("*.py")):
        file, source = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
        wrapper = MetadataWrapper(cst.parse_module(source))
        modules[file] = source, wrapper.module
        visitor = _Changes()
        wrapper.visit(visitor)
        by_line: defaultdict[int, list[_Change]] = defaultdict(list)
        for change in visitor.changes:
            by_line[change.first].append(change)
        for line, changes in sorted(by_line.items()):
            name = f"{changes[0].scope}|{source.splitlines()[line - 1].strip()}"
            seen[name] += 1
            lines.append((hashlib.sha256(f"{seed}|{name}|{seen[name]}".encode()).hexdigest(), file, changes))
    drawn: list[Mutant] = []
    for key, file, changes in sorted(lines, key=lambda line: line[:2]):
        mutant = next(_made(file, *modules[file], _shuffled(changes, key)), None)
        if mutant is not None:
            drawn.append(mutant)
        if len(drawn) == count:
            return sorted(drawn, key=lambda mutant: (mutant.file, mutant.first))
    raise ValueError(f"count is {count}, expected at most {len(drawn)}: the lines that can be changed in {rooms}")


def _shuffled(changes: list[_Change], key: str) -> Iterator[_Change]:
    """Give a line's changes in an order drawn by `key`: kinds at random, and within a kind at random."""
    rng = random.Random(key)
    kinds = sorted({change.operator for change in changes})
    rng.shuffle(kinds)
    for kind in kinds:
        of_kind = [change for change in changes if change.operator == kind]
        yield from rng.sample(of_kind, len(of_kind))


def _made(file: str, source: str, module: cst.Module, changes: Iterator[_Change]) -> Iterator[Mutant]:
    """Make the changes that are valid Python and another syntax tree."""
    original = ast.dump(ast.parse(source))
    for change in changes:
        code = module.deep_replace(change.node, change.mutated).code  # type: ignore[arg-type]
        try:
            compile(code, file, "exec")
            differs = ast.dump(ast.parse(code)) != original
        except (SyntaxError, ValueError):
            continue
        if differs:
            before, after = (module.code_for_node(node).strip() for node in (change.node, change.mutated))
            yield Mutant(
                file,
                change.scope,
                change.first,
                change.last,
                change.at_import,
                change.operator,
                before,
                after,
                source.splitlines()[change.first - 1].strip(),
                code,
            )


class _Changes(cst.CSTVisitor):
    """Collects what mutmut's operators offer, without what is left out."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[_Change] = []
        self._scope: list[cst.FunctionDef | cst.ClassDef | cst.Param] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _left_out(node, at_top=not self._scope):
            return False
        if isinstance(node, cst.Call) and _named(node.func) == "cast":
            for argument in node.args[1:]:
                argument.visit(self)
            return False
        if not (isinstance(node, cst.Call) and _named(node.func) in _TRIVIAL):
            self._offer(node)
        if isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Param):
            self._scope.append(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._scope and self._scope[-1] is original_node:
            self._scope.pop()

    def _offer(self, node: cst.CSTNode) -> None:
        span = self.get_metadata(PositionProvider, node, None)
        if span is None:
            return
        scope = ".".join(outer.name.value for outer in self._scope if not isinstance(outer, cst.Param))
        innermost = self._scope[-1] if self._scope else None
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                for mutated in operator(node):
                    name = "none" if _puts_none(node, mutated) else operator.__name__.removeprefix("operator_")
                    self.changes.append(
                        _Change(
                            node,
                            mutated,
                            name,
                            scope,
                            span.start.line,
                            span.end.line,
                            not isinstance(innermost, cst.FunctionDef),
                        )
                    )


def _left_out(node: cst.CSTNode, at_top: bool) -> bool:
    """Whether nothing in this node is changed; the module's docstring says why."""
    match node:
        case cst.Annotation() | cst.Decorator() | cst.Import() | cst.ImportFrom() | cst.Raise():
            return True
        case cst.If(test=cst.Name("TYPE_CHECKING")):
            return True
        case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()):
            return True
        case cst.SimpleString():
            return bool(_PROSE.search(node.raw_value))
        case cst.Call() if _named(node.func) in _TYPING:
            return True
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(name))]):
            alias = isinstance(node.value, cst.Subscript | cst.BinaryOperation) and name.lstrip("_")[:1].isupper()
            return at_top and (name == "__all__" or (alias and not name.isupper()))
        case cst.AnnAssign(annotation=cst.Annotation(annotation=cst.Name("TypeAlias"))):
            return True
    return False


def _puts_none(node: cst.CSTNode, mutated: cst.CSTNode) -> bool:
    """Whether a change is that a value or an argument becomes None."""
    if isinstance(mutated, cst.Assign | cst.AnnAssign):
        return isinstance(mutated.value, cst.Name) and mutated.value.value == "None"
    if isinstance(node, cst.Call) and isinstance(mutated, cst.Call) and len(node.args) == len(mutated.args):
        changed = [new for old, new in zip(node.args, mutated.args, strict=True) if old is not new]
        return any(isinstance(new.value, cst.Name) and new.value.value == "None" for new in changed)
    return False


def _named(function: cst.BaseExpression) -> str:
    return function.value if isinstance(function, cst.Name) else ""
