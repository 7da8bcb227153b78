"""The functions of a header from counts to scores, and from scores to what they mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.heads import Head
from lutsmith.export.programs.c import results
from lutsmith.export.programs.c.constants import Constants
from lutsmith.export.programs.packing import narrowest

_INT32_MAX = np.iinfo(np.int32).max
_DECISIONS = {
    "classification": results.ARGMAX,
    "multilabel": results.ABOVE_ZERO,
    "regression": results.VALUES,
}


def scores(head: Head, group: int, constants: Constants) -> str:
    """Return the function from counts to scores."""
    if head.is_plain:
        return results.PLAIN_SCORES
    terms = []
    reach = np.full(head.num_classes, group, np.int64)
    if head.weights is not None:
        constants.add("weights", _signed(head.weights), "weight")
        reach = group * np.abs(head.weights.astype(np.int64)).sum(axis=1)
        terms.append(results.WEIGHTED)
    else:
        terms.append(results.UNWEIGHTED)
    if head.bias is not None:
        constants.add("bias", _signed(head.bias), "bias_type")
        reach = reach + np.abs(head.bias.astype(np.int64))
        terms.append(results.BIAS)
    total = "int32_t" if int(reach.max()) <= _INT32_MAX else "int64_t"  # partial sums, too
    text = results.AFFINE_SCORES.replace("@TERMS", "\n".join(terms)).replace("@sum", total)
    return text.replace("@GROUPS", ", g" if head.weights is not None else "")


def _signed(values: NDArray[np.int32]) -> NDArray[Any]:
    """Return integers in the narrowest signed type: products with counts are signed."""
    array = narrowest(values)
    return array if array.dtype.kind == "i" else narrowest(np.append(values.astype(np.int64).ravel(), -1))[:-1]


def decision(head: Head, objective: str, constants: Constants) -> str:
    """Return the function from scores to the result."""
    text = _DECISIONS[objective]
    if objective != "regression":
        return text
    steps = []
    for values, name, step in ((head.scale, "scale", results.SCALE), (head.offset, "offset", results.OFFSET)):
        if values is not None:
            constants.add(name, values)
            steps.append(step)
    return text.replace("@STEPS\n", "".join(f"{step}\n" for step in steps))
