"""Comments of a file beside those that the export writes: names, classes and thresholds are read by people, too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MAX_NAMED = 3
"""Comments that nothing vouches for and that are quoted."""

_FACT = re.compile(r"[\"\d]")


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


def compare_comments(found: Sequence[Comment], written: Sequence[Comment]) -> tuple[str | None, str]:
    """Compare comments with those that an export writes.

    Comments may be missing. What is there must say what the export says, in its order; comments that say something
    else are faults where one of the export's with a name or a number is missing in their place.

    Args:
        found: of the file.
        written: of the export.

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
    waiting = iter(written)
    for comment in found:
        if comment.text in ours and comment.is_fact and all(comment.text != other.text for other in waiting):
            return f"the comment in line {comment.line} stands in another order: {_short(comment.text)}", ""
    facts = sum(comment.is_fact and comment.text in ours for comment in found)
    said = f"{facts:,} comments with names or numbers say what the export says"
    if extra:
        quoted = "; ".join(f"line {comment.line}: {_short(comment.text)}" for comment in extra[:MAX_NAMED])
        said += f"; nothing vouches for {len(extra):,} other{'s' if len(extra) != 1 else ''} ({quoted})"
    return None, said


def _nearest(text: str, candidates: Sequence[str]) -> str:
    """Return the candidate that begins most like the text."""

    def alike(candidate: str) -> int:
        return next((i for i, (a, b) in enumerate(zip(text, candidate, strict=False)) if a != b), len(candidate))

    return max(candidates, key=alike)


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
