"""Inputs of several circuits as inputs of one: equal ones are shared, and names of categories are a union."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.features.names import feature_names
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.tabular import TableLayout
from lutsmith.encodings.transitions import lower_code

Names = tuple[str, ...]

OR = 0b1110
"""The table of a LUT2."""


@dataclass(frozen=True)
class SharedTable:
    """The tables of several circuits, combined.

    Attributes:
        categories: for each feature the names of its categories, those of the first circuit before further ones of
            others; None where it holds numbers; None altogether where no circuit records any.
        layout: how the table is laid out; None where no circuit records it.
    """

    categories: tuple[Names | None, ...] | None
    layout: TableLayout | None

    @classmethod
    def of(cls, circuits: Sequence[Circuit]) -> SharedTable:
        """Return the union.

        Raises:
            ValueError: a feature that holds names in one circuit and numbers in another, or tables that are not read
                alike.
        """
        told = [circuit.metadata.categories for circuit in circuits]
        layouts = [circuit.metadata.table or TableLayout() for circuit in circuits]
        first = layouts[0]
        for number, layout in enumerate(layouts):
            for name in ("numerals", "missing", "unseen"):
                if getattr(layout, name) != getattr(first, name):
                    raise ValueError(
                        f"circuit {number} has {name} {getattr(layout, name)!r} of its table, circuit 0 "
                        f"{getattr(first, name)!r}: expected circuits that read a table alike"
                    )
        if not any(told):
            return cls(None, circuits[0].metadata.table)
        features = circuits[0].encoder.num_features
        found: list[Names | None] = []
        pooled = {}
        for place in range(features):
            own = [None if names is None else names[place] for names in told]
            if len({names is None for names in own}) > 1:
                what = feature_names(circuits[0])[place]
                raise ValueError(f"{what} holds names of categories in one circuit and numbers in another")
            pools = list(dict.fromkeys(layout.pooled.get(place, ()) for layout in layouts))
            if own[0] is None:
                found.append(None)
                continue
            if len(pools) > 1:  # what some read as one others may not
                own += pools
            elif pools[0]:
                pooled[place] = pools[0]
            found.append(tuple(dict.fromkeys(name for names in own for name in names or ())))
        ordered = set.intersection(*(set(layout.ordered) for layout in layouts))
        same = {
            name: getattr(first, name)
            for name in ("delimiter", "header", "width", "places", "label", "label_name")
            if all(getattr(layout, name) == getattr(first, name) for layout in layouts)
        }
        return cls(
            tuple(found),
            TableLayout(numerals=first.numerals, missing=first.missing, unseen=first.unseen, pooled=pooled,
                        ordered=tuple(sorted(ordered)), **same),
        )  # fmt: skip

    def codes(self, circuit: Circuit, place: int) -> NDArray[np.float32] | None:
        """Return the circuit's own code of each name of a feature, float32 (M,), NaN where it knows none; None where
        codes are the same.
        """
        told = circuit.metadata.categories
        names, own = None if self.categories is None else self.categories[place], None if told is None else told[place]
        if names is None or own is None or names == own:
            return None
        known = {name: float(code) for code, name in enumerate(own)}
        if circuit.metadata.table is not None and (pool := circuit.metadata.table.pooled.get(place)):
            known |= dict.fromkeys(pool, known[pool[0]])
        return np.array([known.get(name, np.nan) for name in names], np.float32)


def emit_inputs(builder: CircuitBuilder, circuit: Circuit, table: SharedTable) -> NDArray[np.int32]:
    """Return the signals (I,) that are the inputs of a circuit for samples as the shared table codes them.

    A feature whose names have other codes there is compared with those: each input becomes an XOR of comparators
    where it changes from one code to the next, missing for names that the circuit does not know.

    Raises:
        ValueError: a feature that is a word of another kind already.
    """
    inputs = circuit.inputs
    signals = np.zeros(len(inputs), np.int32)
    recoded = np.zeros(len(inputs), np.bool_)
    for place in np.unique(inputs.feature).tolist():
        codes = table.codes(circuit, place)
        if codes is not None:
            which = np.flatnonzero(inputs.feature == place)
            recoded[which] = True
            signals[which] = _recoded(builder, inputs.kept(which), place, codes)
    left = np.flatnonzero(~recoded)
    kept = inputs.kept(left)
    parts = [builder.compare(kept.comparators.feature, kept.comparators.threshold)]
    if kept.words is not None:
        parts.append(_words(builder, kept))
    signals[left] = np.concatenate([*parts, builder.missing(kept.missing)])
    return signals


def _words(builder: CircuitBuilder, inputs: Inputs) -> NDArray[np.int32]:
    words = inputs.words
    assert words is not None
    formats = words.formats
    columns = zip(*(getattr(formats, name).tolist() for name in ("feature", "bits", "signed", "offset", "per_unit")),
                  strict=True)  # fmt: skip
    bits = {
        feature: builder.words([feature], length, signed=signed, offset=offset, per_unit=per_unit)[0]
        for feature, length, signed, offset, per_unit in columns
    }
    return np.array(
        [bits[feature][bit] for feature, bit in zip(words.feature.tolist(), words.bit.tolist(), strict=True)], np.int32
    )


def _recoded(builder: CircuitBuilder, inputs: Inputs, place: int, codes: NDArray[np.float32]) -> NDArray[np.int32]:
    """The signals of inputs of one feature, by what they are at each of its codes."""
    rows = np.zeros((len(codes) + 1, inputs.num_features), np.float32)
    rows[:, place] = np.append(codes, np.float32(np.nan))
    bits = inputs.encode(rows)
    whether = np.concatenate([np.zeros((1, len(inputs)), np.bool_), bits[:-1]])  # below all codes, as NaN compares
    thresholds = np.arange(len(codes), dtype=np.float32)[None] - np.float32(0.5)
    signals: NDArray[np.int32] = lower_code(builder, np.array([place], np.int32), thresholds, whether)[0]
    absent = np.flatnonzero(bits[-1])
    if absent.size:
        both = np.stack([np.repeat(builder.missing([place]), absent.size), signals[absent]], axis=1)
        signals[absent] = builder.lut(both, np.full(absent.size, OR, np.uint64))
    return signals


def shared_metadata(circuits: Sequence[Circuit], table: SharedTable) -> dict[str, Any]:
    """Return the fields of the metadata that circuits have in common, or that are those of all of them together."""
    told = [circuit.metadata for circuit in circuits]
    found: dict[str, Any] = {
        name: getattr(told[0], name)
        for name in ("feature_names", "integer_features", "target", "input_bits")
        if all(getattr(each, name) == getattr(told[0], name) for each in told)
    }
    encoders = sorted(each.encoder_luts if each.encoder_luts is not None else -1 for each in told)
    if encoders[0] >= 0 and not any(encoders[:-1]):
        found["encoder_luts"] = encoders[-1]
    trained = [each.training for each in told]
    if trained[0] is not None:
        same = {
            name: getattr(trained[0], name)
            for name in ("task", "held_out")
            if all(each is not None and getattr(each, name) == getattr(trained[0], name) for each in trained)
        }
        found["training"] = replace(type(trained[0])(), **same)
    return {**found, "categories": table.categories, "table": table.layout}
