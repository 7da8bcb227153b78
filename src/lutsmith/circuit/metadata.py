"""The metadata of a circuit, beside its logic: names, its table, how it was trained, what it reached.

In a model file it is one flat JSON object, under the key `facts`; `_ENTRIES` says where each key belongs and what it
may hold. Keys that are not there, those of other versions among them, are kept as they are. All of it is immutable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, NamedTuple

from lutsmith.circuit.tabular import Schema, TableLayout
from lutsmith.circuit.tabular.layout import brief, is_names
from lutsmith.circuit.tabular.schema import is_place
from lutsmith.ground.arguments import is_finite
from lutsmith.ground.frozen import FrozenMapping, copied_json, frozen_json, plain_json

MAX_DEPTH = 32
"""Lists and objects within each other."""


@dataclass(frozen=True)
class HeldOut:
    """How to find the rows that training did not see in the same table. It holds no rows and no paths.

    Attributes:
        share: of each class, rounded; 0 where nothing is held out.
        seed: the seed of the choice, as `data.split.stratified_split` makes it.
        rows: how many there are.
        table: a checksum over all rows and labels of the table.
    """

    share: float
    seed: int
    rows: int
    table: str


@dataclass(frozen=True)
class Accuracy:
    """The measured quality of a circuit: for classes the share of samples with the right label, in [0, 1].

    Attributes:
        value: that share, for the circuit.
        soft: that share, for the network before its tables were hardened.
        measured_on: the rows that it was measured on: "test", "held-out", "validation", "cross-validation" or
            "training".
        score: where there are no classes, R^2 or the share of right bits, for the circuit.
        soft_score: the same for the network before its tables were hardened.
    """

    value: float | None = None
    soft: float | None = None
    measured_on: str | None = None
    score: float | None = None
    soft_score: float | None = None


@dataclass(frozen=True)
class Training:
    """How a circuit was trained; paths are not recorded.

    Attributes:
        task: the name of the data, such as "mnist" or "csv".
        preset: the row of `presets.list_presets()`.
        seed: the seed of all that is random.
        best_epoch: the epoch that the network comes from, counted from 1; 0 is the circuit that training began with.
        seconds: how long training took; only earlier versions record it.
        architecture: the fields of `nn.Architecture`.
        settings: the fields of `training.Settings`, or of `additive.AdditiveSettings`.
        held_out: which rows of its table training did not see; None where the table has a test part of its own.
        lutsmith: the version that trained it.
        method: how it was trained, such as "additive"; None: by gradients.
        refined_from: the metadata of the circuit before its LUTs were fitted again, with its `checksum` and `luts`.
    """

    task: str | None = None
    preset: str | None = None
    seed: int | None = None
    best_epoch: int | None = None
    seconds: float | None = None
    architecture: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None
    held_out: HeldOut | None = None
    lutsmith: str | None = None
    method: str | None = None
    refined_from: Mapping[str, Any] | None = None

    @property
    def rows_seed(self) -> int | None:
        """The seed of the validation rows: `split_seed` of the settings, else `seed`; None where none is known."""
        given = (self.settings or {}).get("split_seed")
        return self.seed if given is None else int(given)


@dataclass(frozen=True)
class Metadata:
    """The metadata of a circuit. None means that nothing is recorded. `dataclasses.replace` changes fields.

    Mappings and lists that are given are copied, as JSON keeps them: objects become read-only mappings, lists tuples.

    Attributes:
        feature_names: of the columns; they name the features where there is one for each.
        categories: for each feature the names of its categories, None where it holds numbers.
        integer_features: whether all features are integers.
        target: the label column of the table, by name or by place, as it was asked for.
        table: how the table was laid out and written.
        accuracy: what the circuit reached.
        training: how it was trained.
        encoder_luts: LUTs that the encoder emits.
        wasted_thresholds: thresholds of the encoder that do not distinguish any training rows.
        input_bits: the word length of the features that the thresholds are made for.
        simplified: what `simplify` did; not read by lutsmith.
        simplified_on_data: what `simplify_on` did; likewise.
        optimised: what `hardware.optimise` did; likewise.
        merged: how many circuits `ensembles.merge` put together, and their LUTs; likewise.
        other: whatever else: entries of other versions, and your own.
        order: the keys of the JSON form in the order in which they are written; a key without a value is written as
            null. Keys that are not in it follow in lutsmith's order.

    Raises:
        TypeError: parts of another class.
        ValueError: entries of another type than lutsmith reads, that JSON cannot hold, or that are in `other` and
            belong elsewhere.
    """

    feature_names: tuple[str, ...] | None = None
    categories: tuple[tuple[str, ...] | None, ...] | None = None
    integer_features: bool | None = None
    target: str | int | None = None
    table: TableLayout | None = None
    accuracy: Accuracy | None = None
    training: Training | None = None
    encoder_luts: int | None = None
    wasted_thresholds: int | None = None
    input_bits: int | None = None
    simplified: Mapping[str, Any] | None = None
    simplified_on_data: Mapping[str, Any] | None = None
    optimised: Mapping[str, Any] | None = None
    merged: Mapping[str, Any] | None = None
    other: Mapping[str, Any] = field(default_factory=FrozenMapping)
    order: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in _PARTS.items():
            part = getattr(self, name)
            if part is not None and not isinstance(part, kind):
                raise TypeError(f"{name} must be {kind.__name__} or None, not {type(part).__name__}")
        if not isinstance(self.other, Mapping):
            raise TypeError(f"other must be a mapping, not {type(self.other).__name__}")
        if misplaced := sorted(key for key in self.other if key in _ENTRIES):
            raise ValueError(f"other has {misplaced[0]!r}, which is {_ENTRIES[misplaced[0]].place} of the metadata")
        for name, value in {**dict.fromkeys(_PARTS), **_read(self._document())}.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_json(cls, document: Any) -> Metadata:
        """Return the metadata of a JSON object, such as a model file holds.

        Raises:
            TypeError: it is not an object.
            ValueError: JSON cannot hold it, or a known key has another type than lutsmith reads.
        """
        if not isinstance(document, Mapping):
            raise TypeError(f"metadata must be an object of JSON (a dict), not {type(document).__name__}")
        read, made = _read(document), cls.__new__(cls)  # what was read is checked: not once more
        for item in fields(cls):
            object.__setattr__(made, item.name, read.get(item.name))
        return made

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object: dicts and lists of the caller's own."""
        document: dict[str, Any] = plain_json(self._document())
        return document

    def schema(self, features: int) -> Schema:
        """Return what is known about the table, for a circuit with so many features; models of earlier versions have
        only names and categories.

        Raises:
            ValueError: this does not describe a table of so many features.
        """
        names, categories, target = self.feature_names, self.categories or (), self.target
        if categories and len(categories) != features:
            shown = brief(plain_json(categories))
            raise ValueError(
                f"categories is {shown}, expected {features} lists of names, null where a column holds numbers"
            )
        layout = self.table or TableLayout()
        layout.check(features, categories)
        if not layout.label_name and isinstance(target, str) and not is_place(target):
            layout = replace(layout, label_name=target)
        named = names if names is not None and len(names) == features else None  # else notes on something else
        return Schema(features, named, categories, None if target is None else str(target), **vars(layout))

    @property
    def task(self) -> str | None:
        """The name of the data that the circuit was trained on."""
        return None if self.training is None else self.training.task

    def unmeasured(self) -> Metadata:
        """Return the same metadata without an accuracy, for a circuit whose predictions differ."""
        stale = {key for key, entry in _ENTRIES.items() if entry.place.startswith("accuracy.")}
        return replace(self, accuracy=None, order=tuple(key for key in self.order if key not in stale))

    def refined(self, **known: Any) -> Metadata:
        """Return the metadata of a circuit that was trained from the circuit of this metadata: its table and task,
        everything else under `training.refined_from`, and what is `known` about the new circuit.
        """
        training = self.training or Training()
        stays = Training(task=training.task, held_out=training.held_out)
        gone = {key for key in _ENTRIES if key not in _STAY}
        document = self._document()
        told = {key: document[key] for key in _ENTRIES if key in gone and document.get(key) is not None}
        told.pop("refined_from", None)
        nothing: dict[str, Any] = dict.fromkeys(_OF_CIRCUIT)
        return replace(
            self,
            **nothing,
            training=replace(stays, refined_from={**known, **told}),
            order=tuple(key for key in self.order if key not in gone),
        )

    def _document(self) -> dict[str, Any]:
        """Return the JSON object, with values as they are."""
        known = {key: self._at(entry.place) for key, entry in _ENTRIES.items()}
        entries = {**known, **self.other}
        order = self.order
        if not order and self.training is not None:  # it tells of the table that there is none
            told = ("target", "feature_names")
            order = tuple(key for key in known if known[key] is not None or key in told)
        said = [key for key in entries if entries[key] is not None or key in self.other]
        return {key: entries[key] for key in dict.fromkeys((*order, *said)) if key in entries}

    def _at(self, place: str) -> Any:
        part, _, name = place.rpartition(".")
        owner = getattr(self, part) if part else self
        value = None if owner is None else getattr(owner, name)
        if isinstance(value, TableLayout):
            return value.to_json()
        return asdict(value) if isinstance(value, HeldOut) else value


def _read(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the metadata that a JSON object holds, all of them immutable."""
    try:
        copy = copied_json(document, max_depth=MAX_DEPTH)
    except ValueError as error:
        raise ValueError(f"metadata cannot be saved as JSON: {error}") from error
    parts: dict[str, dict[str, Any]] = {}
    for key, (place, expected, fits, made) in _ENTRIES.items():
        value = copy.get(key)
        if value is None:
            continue
        if not fits(value):
            raise ValueError(f"metadata: {key} is {brief(value)}, expected {expected}")
        try:
            read = made(value)
        except ValueError as error:
            raise ValueError(f"metadata: {error}") from error
        part, _, name = place.rpartition(".")
        parts.setdefault(part, {})[name] = read
    return {
        **parts.pop("", {}),
        **{part: _PARTS[part](**values) for part, values in parts.items()},
        "other": FrozenMapping({key: frozen_json(value) for key, value in copy.items() if key not in _ENTRIES}),
        "order": tuple(copy),
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and is_finite(value)


def _is_integer(value: Any) -> bool:
    return type(value) is int


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_held_out(value: Any) -> bool:
    parts = {"share": _is_number, "seed": _is_integer, "rows": _is_integer, "table": _is_text}
    return isinstance(value, dict) and value.keys() == parts.keys() and all(parts[name](value[name]) for name in parts)


def _is_lists_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(entry is None or is_names(entry) for entry in value)


class _Entry(NamedTuple):
    """A key of the JSON object: where it belongs in `Metadata`, what it may be, and what is made of it."""

    place: str
    expected: str
    fits: Callable[[Any], bool]
    made: Callable[[Any], Any] = frozen_json


def _text(place: str) -> _Entry:
    return _Entry(place, "text", _is_text)


def _number(place: str) -> _Entry:
    return _Entry(place, "a number", _is_number)


def _integer(place: str) -> _Entry:
    return _Entry(place, "an integer", _is_integer)


def _object(place: str) -> _Entry:
    return _Entry(place, "an object", lambda value: isinstance(value, dict))


_ENTRIES = {
    "task": _text("training.task"),
    "preset": _text("training.preset"),
    "method": _text("training.method"),
    "seed": _integer("training.seed"),
    "target": _Entry("target", "the name or the place of a column", lambda v: _is_text(v) or _is_integer(v)),
    "feature_names": _Entry("feature_names", "a list of names", is_names),
    "integer_features": _Entry("integer_features", "true or false", lambda value: isinstance(value, bool)),
    "categories": _Entry("categories", "a list, for each column names or null", _is_lists_of_names),
    "table": _Entry("table", "an object", lambda value: isinstance(value, dict), TableLayout.from_json),
    "accuracy": _number("accuracy.value"),
    "soft_accuracy": _number("accuracy.soft"),
    "objective_score": _number("accuracy.score"),
    "objective_soft_score": _number("accuracy.soft_score"),
    "measured_on": _text("accuracy.measured_on"),
    "best_epoch": _integer("training.best_epoch"),
    "encoder_luts": _integer("encoder_luts"),
    "train_seconds": _number("training.seconds"),
    "architecture": _object("training.architecture"),
    "settings": _object("training.settings"),
    "lutsmith": _text("training.lutsmith"),
    "held_out": _Entry(
        "training.held_out", "an object with share, seed, rows and table", _is_held_out, lambda v: HeldOut(**v)
    ),
    "refined_from": _object("training.refined_from"),
    "wasted_thresholds": _integer("wasted_thresholds"),
    "input_bits": _integer("input_bits"),
    "simplified": _object("simplified"),
    "simplified_on_data": _object("simplified_on_data"),
    "optimised": _object("optimised"),
    "merged": _object("merged"),
}
"""The keys that lutsmith writes and reads, in the order in which it writes them."""

_STAY = ("task", "held_out", "target", "feature_names", "integer_features", "categories", "table", "input_bits")
"""Keys of what a circuit that is trained further goes on to tell."""

_OF_CIRCUIT = (
    *("accuracy", "encoder_luts", "wasted_thresholds"),
    *("simplified", "simplified_on_data", "optimised", "merged"),
)
"""Fields that tell of a circuit what is not so of one made from it."""

_PARTS: dict[str, type] = {"table": TableLayout, "accuracy": Accuracy, "training": Training}
