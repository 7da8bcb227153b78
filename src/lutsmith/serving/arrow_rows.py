"""Rows of samples out of Arrow's IPC streams, of strangers: checked before anything is computed from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit import Circuit
from lutsmith.circuit.engine.thresholds import as_float32
from lutsmith.serving.arrow_messages import is_compressed
from lutsmith.serving.json_rows import too_many
from lutsmith.serving.problems import RequestError, unreadable

MAX_COLUMNS = 1 << 16

FEW_CELLS = 1 << 23
"""Cells that a request may have however short its body is: columns of nulls take no room."""


class ArrowRows:
    """Reads the rows of requests for a circuit. Immutable.

    Args:
        circuit: whose rows are read.
        max_rows: of a request.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
    """

    def __init__(self, circuit: Circuit, max_rows: int) -> None:
        import pyarrow
        import pyarrow.ipc

        self._arrow: Any = pyarrow
        self._circuit, self._max_rows = circuit, max_rows
        self._features = circuit.encoder.num_features

    def read(self, body: bytes | bytearray) -> NDArray[Any]:
        """Return the rows of a stream, (N, F): float32, or uint8 where all columns are bytes.

        Raises:
            RequestError: 400 where it is not a stream or is damaged, 413 for too many rows, 422 for what the circuit
                cannot read.
        """
        arrow = self._arrow
        try:
            if is_compressed(body):
                raise RequestError(400, "the Arrow stream is compressed: send it without compression")
            batches, rows = [], 0
            with arrow.ipc.open_stream(arrow.py_buffer(body)) as stream:
                if len(stream.schema) > MAX_COLUMNS:
                    raise RequestError(422, f"the Arrow stream has {len(stream.schema):,} columns")
                for batch in stream:
                    rows += batch.num_rows
                    if rows > self._max_rows:
                        raise too_many(self._max_rows)
                    if rows * self._features > max(8 * len(body), FEW_CELLS):
                        raise RequestError(413, f"{rows:,} rows are more than the bytes of the body hold: send fewer")
                    batch.validate(full=True)
                    entries = [len(column.dictionary) for column in batch.columns if hasattr(column, "dictionary")]
                    if max(entries, default=0) > len(body):  # of nulls, which take no room
                        raise RequestError(413, f"a dictionary has {max(entries):,} entries")
                    batches.append(batch)
                table = arrow.Table.from_batches(batches, stream.schema)
        except (arrow.ArrowException, OSError, ValueError, MemoryError, OverflowError, RecursionError) as error:
            what = str(error) or type(error).__name__
            raise RequestError(400, f"the body is not a stream of Arrow's IPC format: {what}") from None
        return self._read(table)

    def _read(self, table: Any) -> NDArray[Any]:
        try:
            rows = self._circuit.read(table)
        except (TypeError, ValueError, OSError, LookupError, self._arrow.ArrowException) as error:
            raise unreadable(error) from None
        except MemoryError:
            raise RequestError(413, "the rows take more memory than there is: send several requests") from None
        return rows if rows.dtype == np.uint8 else as_float32(rows)
