"""Whether training on some data can start from a circuit, whatever the training method."""

from __future__ import annotations

import math
import warnings
from typing import Any

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.traits import popcount_head
from lutsmith.data.dataset import Dataset
from lutsmith.ground.arguments import instance_of


def check_start(start: Circuit, dataset: Dataset, *, seed: int, validation: float, any_shape: bool = False) -> None:
    """Raise an error if a circuit does not fit these data; warn if it was trained on the validation rows.

    Args:
        start: the circuit.
        dataset: what it is to be trained on.
        seed: of the choice of validation rows.
        validation: their share.
        any_shape: whether samples of another shape are accepted if they have as many features.

    Raises:
        TypeError: it is not a circuit.
        ValueError: samples of another shape, other classes, names or categories, another objective.
    """
    instance_of("start", start, Circuit, "(lutsmith.load reads one)")
    told = start.metadata
    objective = "classification" if start.is_classifier else start.objective
    head = popcount_head(start, "training that goes on from a circuit", "train a new network")
    scores = 0 if head is None else head.num_classes
    pairs: list[tuple[str, Any, Any]] = [
        ("features", start.encoder.num_features, math.prod(dataset.input_shape))
        if any_shape
        else ("samples of shape", start.input_shape, dataset.input_shape),
        ("objective", objective, dataset.objective),
        ("scores", scores, dataset.num_classes),
        ("classes", start.classes, dataset.classes or None),
        ("feature names", told.feature_names, dataset.feature_names),
        ("categories", told.categories, dataset.categories or None),
    ]
    for what, own, wanted in pairs:
        known = own is not None and wanted is not None
        if known and own != wanted:
            raise ValueError(f"start is for {what} {_brief(own)}, and {dataset.name} has {_brief(wanted)}")
    trained = told.training
    if trained is not None and trained.rows_seed is not None and trained.rows_seed != seed and validation:
        warnings.warn(
            f"start was trained with seed {trained.rows_seed}, and seed={seed} holds out other validation rows: it "
            f"has seen most of them, and is measured too well; give seed={trained.rows_seed}",
            stacklevel=4,
        )


def coded_as(start: Circuit, dataset: Dataset) -> Dataset:
    """Return data whose ordered categories have the codes that the circuit uses for the same names."""
    instance_of("start", start, Circuit)
    names = dict(zip(dataset.categorical, dataset.category_names, strict=True))
    told, ordered = start.metadata.categories or (), set(start.schema.ordered) - set(dataset.ordered)
    orders = {
        place: own
        for place, own in enumerate(told)
        if own is not None and place in names and sorted(own) == sorted(names[place])
        if own != names[place] or place in ordered
    }
    return dataset.recoded(orders) if orders else dataset


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
