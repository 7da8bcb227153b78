"""The server under load: rows and requests a second, times, answers by status; and `predict` in process beside it.

    python -m benchmarks.server [MODEL.lut ...] [--seconds N] [--connections N] [--json FILE]

A server (`lutsmith serve`) and a client run in processes of their own, on loopback. The client holds 64 connections
open, each sends its next request when the answer of its last one is there, and knows the bytes of its requests
beforehand: it is an asyncio protocol that looks at status and length alone. Requests are single rows or batches of
1,000, as JSON and as Arrow. Time is from the first byte sent to the last byte of the answer, of answers of
status 200; the others are counted by their status, connections that break off as "lost". `predict` in process is
`Circuit.predict` of one row in a loop, and of arrays of 1,000 rows. Without models, a random network of 3,000 LUT6 on
784 features is measured, and one of 500 LUT6 on a table of 6 columns of numbers and 8 of names.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from rich.console import Console
from rich.table import Table

import lutsmith
from benchmarks.serving import random_network
from lutsmith.circuit import Circuit, CircuitBuilder, Metadata

BATCH = 1000
WARM = 0.5
"""Seconds of each load before it is measured."""


def random_table() -> Circuit:
    rng, builder = np.random.default_rng(2), CircuitBuilder((14,))
    bits = builder.compare(np.arange(224) % 14, rng.uniform(0, 12, 224).astype(np.float32))
    luts = builder.lut(rng.choice(bits, (500, 6)), rng.integers(0, 2, (500, 64)))
    builder.popcount(luts, 2)
    categories = [None] * 6 + [[f"name {number}" for number in range(12)]] * 8
    names = [f"column {number}" for number in range(14)]
    metadata = Metadata.from_json({"feature_names": names, "categories": categories})
    return builder.build(classes=("no", "yes"), objective="classification", metadata=metadata)


def random_rows(circuit: Circuit, count: int) -> list[list[Any]]:
    """Rows in the range that the circuit was fitted on, or of bytes; names of its categories."""
    rng, schema = np.random.default_rng(3), circuit.schema
    size = circuit.encoder.num_features
    low, high = circuit.fitted_range or (np.zeros(size), np.full(size, 255))
    rows = (low + rng.random((count, size)) * (high - low)).round(1)
    if circuit.metadata.integer_features or not schema.names:
        rows = rows.astype(int)
    columns: list[list[Any]] = rows.T.tolist()
    for place, names in enumerate(schema.categories):
        if names:
            columns[place] = rng.choice(names, count).tolist()
    return [list(row) for row in zip(*columns, strict=True)]


def bodies(circuit: Circuit, rows: list[list[Any]]) -> dict[str, tuple[str, bytes]]:
    """The content type and the body of a request, by format: records where columns have names."""
    import pyarrow
    import pyarrow.ipc

    names = circuit.schema.names
    given = rows if names is None else [dict(zip(names, row, strict=True)) for row in rows]
    columns = list(zip(*rows, strict=True))
    if names is None:
        array = pyarrow.array(np.array(rows).reshape(-1).astype(np.uint8))
        table = pyarrow.table({"x": pyarrow.FixedSizeListArray.from_arrays(array, len(columns))})
    else:
        table = pyarrow.table([pyarrow.array(column) for column in columns], names=list(names))
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return {
        "JSON": ("application/json", json.dumps({"rows": given}, separators=(",", ":")).encode()),
        "Arrow": ("application/vnd.apache.arrow.stream", sink.getvalue()),
    }


class Connection(asyncio.Protocol):
    """Sends a request again and again, one at a time; keeps how long each that was answered took, and all statuses."""

    def __init__(self, request: bytes) -> None:
        self.request, self.seconds, self.statuses = request, list[float](), Counter[str]()
        self.stopping, self.status = False, ""
        self.done = asyncio.get_running_loop().create_future()
        self.received, self.missing, self.started = b"", -1, 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.received, self.missing, self.started = b"", -1, time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self.missing < 0:
            self.received += data
            head, end, rest = self.received.partition(b"\r\n\r\n")
            if not end:
                return
            self.status = head[9:12].decode("latin-1")
            lines = head.lower().split(b"\r\n")
            length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
            self.missing = length - len(rest)
        else:
            self.missing -= len(data)
        if self.missing == 0:
            self.statuses[self.status] += 1
            if self.status == "200":
                self.seconds.append(time.perf_counter() - self.started)
            if self.stopping:
                self.transport.close()
            else:
                self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None or not self.stopping:
            self.statuses["lost"] += 1
        if not self.done.done():
            self.done.set_result(None)


async def load(url: str, media: str, body: bytes, connections: int, seconds: float) -> dict[str, Any]:
    """Keep so many connections busy for some seconds."""
    place = urlsplit(url)
    head = f"POST {place.path} HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-type: {media}\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    assert place.hostname is not None
    assert place.port is not None
    loop, open_ones = asyncio.get_running_loop(), list[Connection]()
    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: Connection(request), place.hostname, place.port)
        open_ones.append(connection)
    await asyncio.sleep(WARM)
    for connection in open_ones:
        connection.seconds.clear()
        connection.statuses.clear()
    start = time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - start
    times = np.sort(np.concatenate([connection.seconds for connection in open_ones]))
    for connection in open_ones:
        connection.stopping = True
    await asyncio.wait_for(asyncio.gather(*(connection.done for connection in open_ones)), 60)
    statuses = sum((connection.statuses for connection in open_ones), Counter[str]())
    others = {status: count for status, count in sorted(statuses.items()) if status != "200"}
    middle, late = (float(np.percentile(times, share)) for share in (50, 99)) if times.size else (None, None)
    return {"requests": times.size, "seconds": took, "p50": middle, "p99": late, "other_answers": others}


def client(arguments: argparse.Namespace) -> None:
    """What the client's process does: a load of stdin's bytes; the result is JSON."""
    body = sys.stdin.buffer.read()
    found = asyncio.run(load(arguments.client, arguments.media, body, arguments.connections, arguments.seconds))
    print(json.dumps(found))


def in_process(circuit: Circuit, rows: list[list[Any]]) -> float:
    """Rows a second of `predict`, in calls of so many rows."""
    from lutsmith.serving import ServerLimits
    from lutsmith.serving.json_rows import JsonRows

    array = JsonRows(circuit, ServerLimits().max_rows).read(json.dumps({"rows": rows}).encode())
    circuit.predict(np.repeat(array[:1], BATCH, axis=0))  # compiled code is loaded
    circuit.predict(array)
    calls, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < 1:
        circuit.predict(array)
        calls += 1
    return calls * len(rows) / took


def measure(url: str, circuit: Circuit, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure one model, every form and size of requests."""
    found = []
    for count in (1, BATCH):
        rows = random_rows(circuit, count)
        rate = in_process(circuit, rows)
        for form, (media, body) in bodies(circuit, rows).items():
            command = [sys.executable, "-m", "benchmarks.server", "--client", url, "--media", media]
            command += ["--connections", str(arguments.connections), "--seconds", str(arguments.seconds)]
            told = json.loads(subprocess.run(command, input=body, capture_output=True, check=True).stdout)
            a_second = told["requests"] / told["seconds"]
            found.append(
                {"form": form, "rows": count, "requests_per_second": a_second, "rows_per_second": a_second * count,
                 "in_process_rows_per_second": rate, "body_bytes": len(body), **told}
            )  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--media", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        client(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        paths = {path.parent.name or path.stem: path for path in arguments.models}
        if not paths:
            for name, circuit in {"network": random_network(1, 3000, 6), "table": random_table()}.items():
                paths[name] = Path(folder) / f"{name}.lut"
                lutsmith.save(circuit, paths[name])
        command = [sys.executable, "-m", "lutsmith.cli", "serve", "--port", "0", "--no-watch"]
        command += [f"{name}={path}" for name, path in paths.items()]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                urls = [server.stdout.readline().strip() for _ in paths]
                results = {
                    name: measure(url, lutsmith.load(path), arguments)
                    for (name, path), url in zip(paths.items(), urls, strict=True)
                }
            finally:
                server.terminate()
        assert server.returncode == 0, server.returncode
    table = Table("model", "form", "rows", "requests/s", "rows/s", "p50", "p99", "other answers", "predict in process")
    for name, rows in results.items():
        for row in rows:
            times = [f"{row[key] * 1e3:.1f} ms" if row[key] is not None else "-" for key in ("p50", "p99")]
            table.add_row(
                name, row["form"], f"{row['rows']:,}", f"{row['requests_per_second']:,.0f}",
                f"{row['rows_per_second']:,.0f}", *times,
                ", ".join(f"{status}: {count}" for status, count in row["other_answers"].items()) or "none",
                f"{row['in_process_rows_per_second']:,.0f} rows/s",
            )  # fmt: skip
    Console(width=140).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
