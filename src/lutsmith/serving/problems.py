"""What is wrong with a request, as clients get it: problem details of RFC 9457."""

from __future__ import annotations

import ast
import json
from http import HTTPStatus
from typing import Any

from lutsmith.circuit.tabular import SchemaError
from lutsmith.ground.printable import printable

PROBLEM_JSON = "application/problem+json"
MAX_DETAIL = 1000
"""Letters of what is said: it may quote what a stranger sent."""


class RequestError(Exception):
    """A request that is not answered as it was wished.

    Attributes:
        status: the status of HTTP.
        detail: one line: what was given, what was expected, what to do.
        row: the row of the data that is wrong, from 0, or None.
        column: its column, or None.
        headers: further headers of the answer.
        close: whether the connection is closed, because the rest of the request was not read.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        row: int | None = None,
        column: str | int | None = None,
        headers: dict[str, str] | None = None,
        close: bool = False,
    ) -> None:
        line = printable(" ".join(detail.split()))
        self.detail = line if len(line) <= MAX_DETAIL else f"{line[: MAX_DETAIL - 4]} ..."
        super().__init__(self.detail)
        self.status, self.row, self.column, self.close = status, row, column, close
        self.headers = headers or {}

    def body(self) -> bytes:
        """Return the problem as JSON."""
        place = {"row": self.row, "column": self.column}
        told: dict[str, Any] = {
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **{name: value for name, value in place.items() if value is not None},
        }
        return json.dumps(told).encode()


def unreadable(error: Exception) -> RequestError:
    """Return what a circuit says of data that it cannot read, as a problem of the request."""
    if isinstance(error, SchemaError):
        column = None if error.column is None else ast.literal_eval(error.column)  # the repr of a name, or a place
        return RequestError(422, str(error), row=error.row, column=column)
    return RequestError(422, str(error) or type(error).__name__)


def busy(what: str, *, close: bool = False) -> RequestError:
    """Return what a client is told while the server has too much to do."""
    detail = f"the server is busy: {what}; try again in a second"
    return RequestError(503, detail, headers={"retry-after": "1"}, close=close)


def late(seconds: float) -> RequestError:
    """Return what a client is told whose answer takes longer than the limit."""
    detail = f"no answer within {seconds:g} seconds: send fewer rows, or try again in a second"
    return RequestError(504, detail, headers={"retry-after": "1"})


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What is wrong (RFC 9457).",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what was given, and what was expected"},
        "row": {"type": "integer", "minimum": 0, "description": "the row that is wrong, from 0"},
        "column": {"type": ["string", "integer"], "description": "its column"},
    },
    "required": ["title", "status", "detail"],
}
