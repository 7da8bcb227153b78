"""What a fitted estimator offers through its circuit: explanations, other formats, files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from lutsmith.circuit import Circuit
from lutsmith.circuit.file import from_bytes, save, to_bytes
from lutsmith.data.report import Report
from lutsmith.explaining import Explanation, Importances, Rules, explain, importances, rules
from lutsmith.ground.arguments import one_of
from lutsmith.sklearn.reading import InputForm

if TYPE_CHECKING:
    from lutsmith.hardware.verification.report import Verification


class FittedCircuit(BaseEstimator):
    """An estimator that holds a circuit, and knows how X of `fit` was read."""

    circuit_: Circuit
    _reading: InputForm

    # Prediction

    def _rows(self, X: Any) -> Any:
        check_is_fitted(self)
        return self._reading.again(self, X)

    # The circuit

    def explain(self, row: Any) -> Explanation:
        """Explain the answer to one row, and which values of each feature would change it: see `lutsmith.explain`.

        Args:
            row: one row: a mapping by the names of columns, a Series of pandas, an array (F,) or (1, F), or a frame of
                one row.
        """
        check_is_fitted(self)
        if isinstance(row, Mapping) or (hasattr(row, "to_dict") and np.ndim(row) == 1):
            row = [dict(row)] if self._reading.named else [list(row.values())] if isinstance(row, Mapping) else [row]
        elif isinstance(row, (np.ndarray, list, tuple)) and np.ndim(row) == 1:
            row = row if isinstance(next(iter(row), None), Mapping) else [row]
        rows = self._rows(row)
        x = self.circuit_.read(rows)
        if len(x) != 1:
            raise ValueError(f"{len(x)} rows are given; expected one")
        return explain(self.circuit_, x[0])

    def rules(self, most: int = 100) -> Rules:
        """Return a small network as text, in terms of the names of features: see `lutsmith.rules`."""
        check_is_fitted(self)
        return rules(self.circuit_, most=most)

    def importances(self, X: Any, y: Any = None, **options: Any) -> Importances:
        """Return how often answers change with each feature on rows of yours: see `lutsmith.importances`."""
        rows = self._rows(X)
        return importances(self.circuit_, rows, y, **options)

    def export(self, format: str = "verilog", folder: str | os.PathLike[str] | None = None, **options: Any) -> Any:  # noqa: A002
        """Return the circuit in another format: {name of a file: bytes}; with a folder they are written there too.

        Args:
            format: a key of `lutsmith.export.FORMATS`.
            folder: where files go; it is created if it does not exist.
            **options: fields of `lutsmith.export.Options`, such as `pipeline=3`.

        Raises:
            ExportError: a format or an option that does not exist, or a circuit that the format cannot hold.
            OSError: files that cannot be written.
        """
        from lutsmith.export import FORMATS, Options
        from lutsmith.ground.atomic import write_atomically

        check_is_fitted(self)
        one_of("format", format, tuple(FORMATS))
        files = FORMATS[format].files(self.circuit_, Options(**options))
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                write_atomically(Path(folder) / name, content)
        return files

    def verify(self, formats: Sequence[str] | None = None, **options: Any) -> Verification:
        """Check that exports of the circuit are equal to it: see `lutsmith.hardware.verify`."""
        from lutsmith.hardware import verify
        from lutsmith.hardware.verification.verify import FORMATS

        check_is_fitted(self)
        return verify(self.circuit_, FORMATS if formats is None else formats, **options)

    def synth(self, target: str = "ice40", **options: Any) -> Any:
        """Count what the circuit takes on a device: see `lutsmith.hardware.synth`."""
        from lutsmith.hardware import synth

        check_is_fitted(self)
        return synth(self.circuit_, target, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the circuit to a model file: see `lutsmith.save`. It predicts without scikit-learn."""
        check_is_fitted(self)
        save(self.circuit_, path)

    # Files

    def __getstate__(self) -> dict[str, Any]:
        """Parameters, and what was fitted: the bytes of a model file, and plain values."""
        state = dict(self.__dict__)
        fitted: dict[str, Any] = {}
        if "circuit_" in state:
            fitted["circuit_"] = to_bytes(state.pop("circuit_"))
        if "_reading" in state:
            reading = state.pop("_reading")
            fitted["_reading"] = (reading.named, reading.shape, reading.given, reading.columns)
        if "report_" in state:
            report = state.pop("report_")
            fitted["report_"] = {name: getattr(report, name) for name in report.__dataclass_fields__}
        parameters = self.get_params(deep=False)
        for name in [name for name in state if name not in parameters]:
            fitted[name] = _plain(state.pop(name))
        return {"parameters": state, "fitted": fitted}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        if set(state) != {"parameters", "fitted"}:  # as scikit-learn's own would be
            raise ValueError("this is not a pickled estimator of lutsmith, or one of another version")
        self.__dict__.update(state["parameters"])
        for name, value in state["fitted"].items():
            found = value
            if name == "circuit_":
                found = from_bytes(value)
            elif name == "_reading":
                found = InputForm(*value)
            elif name == "report_":
                found = Report(**value)
            elif isinstance(value, dict) and set(value) == {"array", "dtype"}:
                found = np.array(value["array"], value["dtype"])
            self.__dict__[name] = found


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.str}
    return value.item() if isinstance(value, np.generic) else value
