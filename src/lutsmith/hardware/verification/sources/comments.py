"""The comments of a file compared with those that the export writes, and what added comments may say.

Names, classes and thresholds are read by people, too. Comments of the export may be missing; those that are there stand
in its order. Other comments are quoted in full, because nothing confirms what they say: they must be few and short,
must not replace a comment of the export, must not speak about the model, and must not hold a word that a tool obeys.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MAX_ADDED = 20
"""Comments beside the export's that a report quotes."""

MAX_LETTERS = 200
"""Of one such comment."""

LEAST_WITHIN = 4
"""Letters of a name that is also found as a part of a longer word."""

_OBEYED = re.compile(
    r"""
    ^/[/*][\s/*]*(?:[\#:$]|@\W)  # Babel, Flow, Vite, ACSL
    | (?<![\w.])@(?!(?:licen[cs]e|copyright|author)\b)[\w_]  # JSDoc, Closure, TypeScript, conditional compilation
    | __[A-Za-z_]+__ | source(?:Mapping)?URL | \bwebpack\w*\s*: | \bv8\s+ignore | \bc8\s+ignore | \bcoverage\s+ignore
    | \b(?:es|js|ts|ox)[lh]int | \b(?:istanbul|biome|deno|vite|rollup|parcel)\b | prettier-ignore | ///\s*<
    | \b(?:pragma|GCC|LCOV|GCOVR?|OMP|ACC|MISRA|LINT|PRQA|coverity|cppcheck|polyspace|SWIG)(?:\b|_)
    | ^/[/*]\s*(?:globals?|exported)\b
    | <!-- | --> | </?\s*script  # of a page that the module stands in
    | ^\W*(?:altera|ambit|bsc|cadence|coverage|ctc|exemplar|ghdl|impl|intel|lattice|leda|lint|mentor|microsemi|modelsim
      |nolint|pragma|psl|quartus|questa|rtl_synthesis|spyglass|surefire|sva|svlint|synopsys|synplify|synthesis|vcs
      |verible|verilator|verilint|vivado|xilinx|xst|yosys)\b
    | \w+_(?:off|on|begin|end|case)\b | \btranslate\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What tools obey, in programs (`#__PURE__`) and in hardware (`synopsys translate_off`, `verilator lint_off`)."""

_FACT = re.compile(r"[\d\"'`\u00b4\u2018-\u201f\u2039\u203a\u00ab\u00bb]")
_SUBJECTS = "class|label|target|feature|group|word|bit|port|score|count|input|output|latency|lutsmith"
_LIKE_A_FACT = re.compile(rf"\W*(the |first |second )*({_SUBJECTS})", re.IGNORECASE)
"""How comments begin that say something of a model."""


@dataclass(frozen=True)
class Comment:
    """A comment, or one line of it.

    Attributes:
        line: where it stands, from 1.
        text: what it says, with one blank for each run of white space. Of hardware, without its signs, and before it
            the bit of a port that its line drives or reads; of programs as it stands there.
        place: how many pieces of code stand before it; of programs alone.
    """

    line: int
    text: str
    place: int = 0


class Compared(NamedTuple):
    """What a comparison of comments says.

    Attributes:
        problem: what is wrong, or None.
        kept: how many comments of the file are the export's.
        added: what a report adds of the others: each of them, quoted; empty where there are none.
    """

    problem: str | None
    kept: int = 0
    added: str = ""


def compare_comments(
    found: Sequence[Comment], written: Sequence[Comment], names: Iterable[str] = (), *, same_code: bool = False
) -> Compared:
    """Compare comments with those that an export writes.

    Args:
        found: of the file.
        written: of the export.
        names: of classes and features.
        same_code: whether both have the same code: then comments must stand between the same pieces of it.
    """
    written = [comment for comment in written if comment.text]
    known = {comment.text for comment in written}
    added: list[Comment] = []
    gap: list[Comment] = []  # added since the last comment of the export
    kept = next_ = 0
    for comment in [*(comment for comment in found if comment.text), None]:
        if comment is not None and comment.text not in known:
            gap.append(comment)
            if len(added) + len(gap) > MAX_ADDED:
                return Compared(f"more than {MAX_ADDED} comments are not the export's: too many comments to vouch for")
            continue
        end = len(written)
        if comment is not None:
            ahead = enumerate(written[next_:], next_)
            here = (at for at, meant in ahead if _same(comment, meant, same_code) and comment.text == meant.text)
            end = next(here, -1)
            if end < 0:
                told = f"line {comment.line} has the export's comment {shown(comment.text)} where it does not stand"
                return Compared(told)
            kept += 1
        if problem := _in_place(gap, written[next_:end], same_code):
            return Compared(problem)
        added += gap
        gap, next_ = [], end + 1
    return Compared(_problem(added, list(names)), kept, _quoted(added))


def order_in(text: str) -> str | None:
    """Return the part of a comment that may be an order to a tool, or None."""
    found = _OBEYED.search(text)
    return None if found is None else found[0].strip()


def shown(text: str, most: int = 60) -> str:
    """Return a text as it can stand in a report: on one line, without control characters, cut where it is long."""
    return ascii(text if len(text) <= most else f"{text[:most]}...")


def _same(one: Comment, other: Comment, same_code: bool) -> bool:
    return one.place == other.place or not same_code


def _in_place(gap: Sequence[Comment], missing: Sequence[Comment], same_code: bool) -> str | None:
    """Return which comment stands in place of one of the export's, or None."""
    pairs = [(comment, meant) for meant in missing for comment in gap if _same(comment, meant, same_code)]
    if not pairs:
        return None
    odd, meant = max(pairs, key=lambda pair: _shared(pair[0].text, pair[1].text))
    start = max(0, _shared(odd.text, meant.text) - 20)
    return (
        f"line {odd.line} has a comment that is not the export's: {shown(odd.text[start:])} where "
        f"{shown(meant.text[start:])} was expected"
    )


def _problem(added: Sequence[Comment], names: Sequence[str]) -> str | None:
    """Return what is wrong with comments that the export does not write, or None."""
    for comment in added:
        where = f"the comment in line {comment.line}"
        if order := order_in(comment.text):
            return f"{where} has {shown(order)}, which some tools obey: {shown(comment.text)}"
        if _FACT.search(comment.text) or _LIKE_A_FACT.match(comment.text) or _names_any(comment.text, names):
            return f"{where} says something of the model that the export does not say: {shown(comment.text)}"
        if len(comment.text) > MAX_LETTERS:
            return f"{where} has {len(comment.text):,} letters, too many to vouch for: {shown(comment.text)}"
    return None


def _names_any(text: str, names: Sequence[str]) -> bool:
    """Whether a text holds a name: as it is written, as words in any case, or, if it is long, within another word."""
    plain, words = text.lower(), _words(text)
    run = words.replace(" ", "")
    for name in names:
        spoken = _words(name)
        if len(name) > 1 and re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", plain):
            return True
        if len(spoken) > 1 and f" {spoken} " in f" {words} ":
            return True
        if len(spoken) >= LEAST_WITHIN and spoken.replace(" ", "") in run:
            return True
    return False


def _quoted(added: Sequence[Comment]) -> str:
    if not added:
        return ""
    quoted = ", ".join(f"line {comment.line}: {comment.text!a}" for comment in added)
    return f"; nothing vouches for {len(added)} other{'s' if len(added) != 1 else ''} ({quoted})"


def _words(text: str) -> str:
    """Return letters and digits of a text, in one case, with one blank between words."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
