"""Comments of programs against those that the export writes, and what may be said in comments that were added.

Comments of the export may be missing; those that are there stand in its order, between the same tokens. Other comments
are quoted in full, because nothing vouches for them: they must be few and short, say nothing of the model, and hold no
word that a tool obeys.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from lutsmith.hardware.verification.sources.lexemes import Lexeme, Lexemes
from lutsmith.hardware.verification.sources.literals import shown

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
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FACT = re.compile(r"[\d\"'`\u00b4\u2018-\u201f\u2039\u203a\u00ab\u00bb]")


def compare_remarks(
    found: Lexemes, wanted: Lexemes, names: Iterable[str], *, same_code: bool
) -> tuple[str | None, str]:
    """Compare the comments of a program with those of its export.

    Args:
        found: of the file.
        wanted: of the export.
        names: of classes and features.
        same_code: whether both have the same tokens: then comments must stand between the same ones.

    Returns:
        What is wrong, or None; and a remark for the report that quotes each comment that was added.
    """
    known = {comment.text for _, comment in wanted.comments}
    added: list[tuple[int, Lexeme]] = []
    gap: list[tuple[int, Lexeme]] = []  # added since the last comment of the export
    next_ = 0
    pieces: list[tuple[int, Lexeme | None]] = [*found.comments, (-1, None)]
    for place, comment in pieces:
        if comment is not None and comment.text not in known:
            gap.append((place, comment))
            continue
        end = len(wanted.comments)
        if comment is not None:
            end = next(
                (
                    index
                    for index, (at, meant) in enumerate(wanted.comments[next_:], next_)
                    if meant.text == comment.text and (at == place or not same_code)
                ),
                -1,
            )
            if end < 0:
                return f"line {comment.line} has the export's comment {shown(comment.text)} where it does not stand", ""
        problem = _changed(gap, wanted.comments[next_:end], same_places=same_code)
        if problem is not None:
            return problem, ""
        added += gap
        gap, next_ = [], end + 1
    return _added([comment for _, comment in added], [_words(name) for name in names])


def _changed(
    gap: Sequence[tuple[int, Lexeme]], missing: Sequence[tuple[int, Lexeme]], *, same_places: bool
) -> str | None:
    """Return which comment stands in place of one of the export's, or None."""
    for at, meant in missing:
        here = [comment for place, comment in gap if place == at or not same_places]
        if here:
            likest = max(here, key=lambda comment: _shared(comment.text, meant.text))
            return f"line {likest.line} has a comment that is not the export's: {_apart(likest.text, meant.text)}"
    return None


def _added(comments: Sequence[Lexeme], names: Sequence[str]) -> tuple[str | None, str]:
    """Return what is wrong with comments that the export does not write, or None; and a remark that quotes them."""
    for comment in comments:
        where = f"the comment in line {comment.line}"
        obeyed = _OBEYED.search(comment.text)
        if obeyed is not None:
            return f"{where} has {shown(obeyed[0])}, which some tools obey: {shown(comment.text)}", ""
        words = _words(comment.text)
        run = words.replace(" ", "")
        said = [
            name
            for name in names
            if len(name) > 1
            and (f" {name} " in f" {words} " or (len(name) >= LEAST_WITHIN and name.replace(" ", "") in run))
        ]
        if said or _FACT.search(comment.text):
            return f"{where} says something of the model that the export does not say: {shown(comment.text)}", ""
        if len(comment.text) > MAX_LETTERS:
            return f"{where} has {len(comment.text):,} letters, too many to vouch for: {shown(comment.text)}", ""
    if len(comments) > MAX_ADDED:
        return (
            f"{len(comments):,} added comments, too many comments to vouch for: expected at most {MAX_ADDED}",
            "",
        )
    if not comments:
        return None, ""
    quoted = ", ".join(f"line {comment.line}: {comment.text!a}" for comment in comments)
    return None, f"; comments that were added are not checked ({quoted})"


def _words(text: str) -> str:
    """Return letters and digits of a text, in one case, with one blank between words."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))


def _apart(found: str, meant: str) -> str:
    """Return where two texts part."""
    start = max(0, _shared(found, meant) - 20)
    return f"{shown(found[start:])} where {shown(meant[start:])} was expected"


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
