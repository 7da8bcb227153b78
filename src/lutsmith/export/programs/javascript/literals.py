"""Numbers and texts as JavaScript that gives them back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray


def array(values: NDArray[Any]) -> str:
    """Return a typed array: literals that give the same numbers."""
    kind = {"f4": "Float32Array", "f8": "Float64Array"}.get(values.dtype.str[1:], "Int32Array")
    numbers = [_number(value) for value in values.tolist()]
    lines = [", ".join(numbers[start : start + 24]) for start in range(0, len(numbers), 24)]
    return f"new {kind}([{f',{chr(10)}    '.join(lines)}])"


def constant(name: str, values: NDArray[Any]) -> str:
    """Return the definition of a typed array."""
    return f"const {name} = {array(values)};"


def literal(value: object) -> str:
    """Return JSON that stands in a script of a page, too."""
    return json.dumps(value).replace("<", "\\u003c")


def _number(value: float) -> str:
    return repr(value) if np.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"
