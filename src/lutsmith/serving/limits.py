"""What a server takes: bytes, rows, seconds, connections, and how much may wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lutsmith.ground.arguments import number, whole_number


@dataclass(frozen=True, kw_only=True)
class ServerLimits:
    """The limits of a server. What is beyond one is answered with the status in brackets, never with an error of 5xx
    that the client could have caused by its data alone.

    Attributes:
        max_bytes: of the body of a request (413).
        max_rows: of a request (413).
        max_values: numbers, labels and bits of an answer (413).
        max_waiting: rows of all requests that wait for an answer of one model (503, with Retry-After). A request is
            always taken where none waits.
        max_body_bytes: of all bodies that are being read at one time (503, with Retry-After); bodies up to 16 KiB are
            always read.
        max_connections: open at one time (503, with Retry-After).
        timeout: seconds from the whole request to its answer (504, with Retry-After). A client that does not take an
            answer for so long is disconnected.
        read_timeout: seconds in which the head of a request has to arrive, and then its body (408): more of them for a
            body that keeps coming, with 16 KiB a second at least. An idle connection is closed after so many seconds.
        batch_rows: rows of several requests that are predicted together, at most. A request of more rows is predicted
            alone.
        batch_ms: milliseconds that a batch waits for requests whose bodies are being read; it never waits where there
            are none.

    Raises:
        TypeError, ValueError: a limit that is not a positive number.
    """

    max_bytes: int = 16 << 20
    max_rows: int = 65_536
    max_values: int = 1 << 23
    max_waiting: int = 1 << 18
    max_body_bytes: int = 256 << 20
    max_connections: int = 1024
    timeout: float = 30.0
    read_timeout: float = 15.0
    batch_rows: int = 8192
    batch_ms: float = 0.0

    def __post_init__(self) -> None:
        for name in (
            "max_bytes",
            "max_rows",
            "max_values",
            "max_waiting",
            "max_body_bytes",
            "max_connections",
            "batch_rows",
        ):
            whole_number(name, getattr(self, name), 1, 1 << 40, "a limit")
        for name in ("timeout", "read_timeout"):
            number(name, getattr(self, name), lambda value: 0 < value <= 86_400, "seconds, above 0, at most a day")
        number("batch_ms", self.batch_ms, lambda value: 0 <= value <= 10_000, "milliseconds, 0 to 10,000")

    def to_json(self) -> dict[str, Any]:
        """Return the limits by name."""
        return dict(vars(self))
