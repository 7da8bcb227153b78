"""Comments of a file beside those that the export writes: names, classes and thresholds are read by people, too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MAX_NAMED = 20
"""Comments that nothing vouches for, all of which are quoted; a file with more is refused."""

_FACT = re.compile(r"[\"\d]")
_SUBJECTS = "class|label|target|feature|group|word|bit|port|score|count|input|output|latency|lutsmith"
_LIKE_A_FACT = re.compile(rf"\W*(the |first |second )*({_SUBJECTS})", re.IGNORECASE)
"""How comments begin that say something of a model."""


@dataclass(frozen=True)
class Comment:
    """One line of a comment.

    Attributes:
        line: where it stands, from 1.
        text: what it says, blanks at its ends left out, and before it the bit of a port that its line drives or reads.
    """

    line: int
    text: str

    @property
    def is_fact(self) -> bool:
        """Whether it says anything of this model: a name, which stands in quotes, or a number."""
        return _FACT.search(self.text) is not None


def compare_comments(
    found: Sequence[Comment], written: Sequence[Comment], names: Sequence[str] = ()
) -> tuple[str | None, str]:
    """Compare comments with those that an export writes.

    Comments may be missing. What is there must say what the export says, in its order. Comments that the export does
    not write are quoted; they are faults where they say something of the model: where they hold the name of a class or
    a feature, begin like something that the export says, or stand in place of a comment with a name or a number.

    Args:
        found: of the file.
        written: of the export.
        names: of classes and features.

    Returns:
        What is wrong, or None; and a sentence about what was compared, with the comments that nothing vouches for.
    """
    ours, theirs = Counter(comment.text for comment in written), Counter(comment.text for comment in found)
    known = {comment.text: comment for comment in written}
    extra = [comment for comment in found if comment.text and comment.text not in ours]
    missing = [text for text, count in ours.items() if known[text].is_fact and theirs[text] < count]
    strange = [comment for comment in extra if comment.is_fact]
    if missing and strange:
        odd, meant = strange[0], _nearest(strange[0].text, missing)
        return f"the comment in line {odd.line} says {_short(odd.text)}; the export says {_short(meant)}", ""
    spoken = [name.lower() for name in names if len(name) > 1]
    for comment in extra:
        text = comment.text.lower()
        if _LIKE_A_FACT.match(text) or any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in spoken):
            return f"the comment in line {comment.line} is not the export's: {_short(comment.text)}; take it out", ""
    if len(extra) > MAX_NAMED:
        return f"{len(extra):,} comments are not the export's, more than {MAX_NAMED} to quote: take them out", ""
    waiting = iter(written)
    for comment in found:
        if comment.text in ours and comment.is_fact and all(comment.text != other.text for other in waiting):
            return f"the comment in line {comment.line} stands in another order: {_short(comment.text)}", ""
    facts = sum(comment.is_fact and comment.text in ours for comment in found)
    said = f"{facts:,} comments with names or numbers say what the export says"
    if extra:
        quoted = "; ".join(f"line {comment.line}: {_short(comment.text)}" for comment in extra)
        said += f"; nothing vouches for {len(extra):,} other{'s' if len(extra) != 1 else ''} ({quoted})"
    return None, said


def _nearest(text: str, candidates: Sequence[str]) -> str:
    """Return the candidate that begins most like the text."""

    def alike(candidate: str) -> int:
        return next((i for i, (a, b) in enumerate(zip(text, candidate, strict=False)) if a != b), len(candidate))

    return max(candidates, key=alike)


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
