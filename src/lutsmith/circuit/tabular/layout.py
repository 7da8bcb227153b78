"""How a table is laid out and written: delimiter, header, places of columns, how numbers and missing values look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from lutsmith.circuit.tabular.numerals import Numerals
from lutsmith.ground.frozen import FrozenMapping

MISSING = ("", "?", "na", "n/a", "nan", "null", "none")
"""The spellings of a missing value in a text file, in lower case: cells are compared without regard to case or to
spaces around them. An empty cell is always missing."""


UNSEEN = ("missing", "error")
"""What a name may be that was not there in training."""


@dataclass(frozen=True, kw_only=True)
class TableLayout:
    """What a model records about the layout of its table, beside the names of its columns and categories.

    Attributes:
        numerals: of the features whose numbers are not plain, by place, how they are written.
        missing: the spellings of a missing value, in lower case, the empty one among them.
        delimiter: what separates the fields of a text file; None where the model was not trained on one.
        header: whether that file had a header; None where it is not known.
        width: the columns of that table, the label's and those left out included; None where it is not known.
        places: the places of the features among them; None: all but the label's.
        label: the place of the label column among them, or None.
        label_name: its name, or None.
        ordered: the places of the features whose categories have an order: their codes are compared as numbers.
        pooled: by the place of a feature, the names of it that are read as one; the first of them is among the
            categories.
        unseen: how a name that is not among the categories is treated: as "missing", or as an "error".
    """

    numerals: Mapping[int, Numerals] = field(default_factory=FrozenMapping)
    missing: tuple[str, ...] = MISSING
    delimiter: str | None = None
    header: bool | None = None
    width: int | None = None
    places: tuple[int, ...] | None = None
    label: int | None = None
    label_name: str | None = None
    ordered: tuple[int, ...] = ()
    pooled: Mapping[int, tuple[str, ...]] = field(default_factory=FrozenMapping)
    unseen: str = UNSEEN[0]

    def __post_init__(self) -> None:
        object.__setattr__(self, "numerals", FrozenMapping(self.numerals))
        object.__setattr__(self, "pooled", FrozenMapping(self.pooled))

    @property
    def layout(self) -> TableLayout:
        """These fields alone, of a schema too."""
        return TableLayout(**{item.name: getattr(self, item.name) for item in fields(TableLayout)})

    def to_json(self) -> dict[str, Any]:
        """Return what a model file keeps under `table`."""
        numerals = {str(place): item.to_json() for place, item in self.numerals.items()}
        return {
            "delimiter": self.delimiter,
            "header": self.header,
            "width": self.width,
            "label": self.label,
            "label_name": self.label_name,
            "missing": list(self.missing),
            **({} if self.places is None else {"places": list(self.places)}),
            **({"numerals": numerals} if numerals else {}),
            **({"ordered": list(self.ordered)} if self.ordered else {}),
            **({"pooled": {str(place): list(names) for place, names in self.pooled.items()}} if self.pooled else {}),
            **({} if self.unseen == UNSEEN[0] else {"unseen": self.unseen}),
        }

    @classmethod
    def from_json(cls, table: Any) -> TableLayout:
        """Return the layout that `to_json` wrote; what it leaves out is not known.

        Raises:
            ValueError: it is something else.
        """
        known = {item.name for item in fields(TableLayout)}
        if not isinstance(table, dict) or not table.keys() <= known:
            raise ValueError(f"table is {brief(table)}, expected an object with {', '.join(sorted(known))}")
        width, label = table.get("width"), table.get("label")
        checks: dict[str, Callable[[Any], bool]] = {
            "delimiter": lambda v: v is None or (isinstance(v, str) and len(v) == 1),
            "header": lambda v: v is None or isinstance(v, bool),
            "width": lambda v: v is None or _is_count(v),
            "label": lambda v: v is None or (_is_count(v) and width is not None and v < width),
            "label_name": lambda v: v is None or isinstance(v, str),
            "places": lambda v: v is None or (isinstance(v, list) and _are_places(v, width, label)),
            "missing": lambda v: is_names(v) and "" in v,
            "numerals": lambda v: isinstance(v, dict) and all(_is_place(place) for place in v),
            "ordered": lambda v: isinstance(v, list) and all(map(_is_count, v)) and sorted(set(v)) == v,
            "pooled": lambda v: isinstance(v, dict) and all(_is_place(k) and is_names(v[k]) and v[k] for k in v),
            "unseen": lambda v: v in UNSEEN,
        }
        given = {"missing": list(MISSING), "numerals": {}, "ordered": [], "pooled": {}, "unseen": UNSEEN[0], **table}
        for name, fits in checks.items():
            if not fits(given.get(name)):
                raise ValueError(f"{name} of the table is {brief(given.get(name))}, which no table has")
        places = given.get("places")
        return TableLayout(
            numerals={int(place): Numerals.from_json(value) for place, value in given["numerals"].items()},
            missing=tuple(given["missing"]),
            delimiter=given.get("delimiter"),
            header=given.get("header"),
            width=width,
            places=None if places is None else tuple(places),
            label=label,
            label_name=given.get("label_name"),
            ordered=tuple(given["ordered"]),
            pooled={int(place): tuple(names) for place, names in given["pooled"].items()},
            unseen=given["unseen"],
        )

    def check(self, features: int, categories: Sequence[Sequence[str] | None] = ()) -> None:
        """Raise ValueError where this is not the layout of a table of so many features, with these categories."""
        columns = features + (self.label is not None)
        named = {place: names for place, names in enumerate(categories) if names is not None}
        lost = {place: names for place, names in self.pooled.items() if names[0] not in named.get(place, ())}
        wrong: dict[str, Any] = {
            "width": self.width if self.places is None and self.width not in (None, columns) else None,
            "places": self.places if self.places is not None and len(self.places) != features else None,
            "numerals": dict(self.numerals) if any(place >= features for place in self.numerals) else None,
            "ordered": self.ordered if not named.keys() >= set(self.ordered) else None,
            "pooled": dict(self.pooled) if lost else None,
        }
        for name, value in wrong.items():
            if value is not None:
                raise ValueError(f"{name} of the table is {brief(value)}, with {features} features")


def is_names(value: Any) -> bool:
    """Return whether a value of JSON is a list of text."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def brief(value: Any) -> str:
    """Return a value for a message, at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_place(text: str) -> bool:
    """Whether text is a place as `str` writes it: no zeros in front, no other digits."""
    return text.isascii() and text.isdecimal() and len(text) <= 9 and str(int(text)) == text


def _are_places(values: list[Any], width: int | None, label: int | None) -> bool:
    fit = width is not None and all(_is_count(value) and value < width and value != label for value in values)
    return fit and len(set(values)) == len(values)
