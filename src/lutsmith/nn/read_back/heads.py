"""Whether a circuit's head is the one that a module states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.nn.read_back.statements import Scores


def wrong_head(stated: Scores, circuit: Circuit) -> str:
    """Return how the circuit's head differs from the statement; "" if it does not."""
    head = circuit.head
    if not isinstance(head, Head):
        return "the circuit has no head of popcounts"
    if head.shape != stated.shape:
        return f"the circuit has decisions of shape {head.shape}, the head {stated.shape}"
    objective = circuit.objective or "classification"
    if objective != stated.objective:
        return f"the circuit's objective is {objective}, the head's {stated.objective}"
    if head.num_groups != stated.num_groups:
        return f"the circuit has {head.num_groups} groups, the head {stated.num_groups}"
    width = stated.num_groups if stated.weights is None else len(stated.weights)
    if head.num_classes != width:
        return f"the circuit has {head.num_classes} scores, the head {width}"
    for name, neutral in (("weights", 0.0), ("bias", 0.0), ("scale", 1.0), ("offset", 0.0)):
        theirs, ours = getattr(head, name), getattr(stated, name)
        if theirs is None and ours is None:
            continue
        default = np.eye(width) if name == "weights" else np.full(width, neutral)
        if not np.array_equal(default if theirs is None else theirs, default if ours is None else ours):
            return f"its {name} {'are' if name == 'weights' else 'is'} not the circuit's"
    return ""


def labels_of(labels: Sequence[Any]) -> list[tuple[type, Any]]:
    """Labels with their types: 1, 1.0 and True are different labels."""
    plain = [label.item() if isinstance(label, np.generic) else label for label in labels]
    return [(type(label), label) for label in plain]
