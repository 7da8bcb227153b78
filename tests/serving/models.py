"""Circuits as a server answers for them, and requests to an application in this process."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np

from lutsmith.circuit import Circuit, CircuitBuilder, Metadata
from lutsmith.serving import Application, application

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
CITIES = ("Bern", "Zürich", 'a"b\\c', "true", "7")


def images(
    seed: int = 0, shape: tuple[int, ...] = (1, 4, 4), classes: tuple[Any, ...] | None = ("a", "b", "c")
) -> Circuit:
    """A classifier of images from 0 to 16, without names of columns."""
    random, builder = np.random.default_rng(seed), CircuitBuilder(shape)
    features = np.repeat(builder.features.reshape(-1), 3)
    signals = builder.compare(features, np.tile([3.5, 7.5, 11.5], len(features) // 3).astype(np.float32))
    builder.popcount(builder.lut(random.choice(signals, (30, 4)), random.integers(0, 2, (30, 16))), 3)
    size = builder.features.size
    fitted = np.zeros(size, np.float32), np.full(size, 16, np.float32)
    return builder.build(classes=classes, objective="classification", fitted_range=fitted)


def table(seed: int = 0, *, unseen: str = "missing", missing: tuple[str, ...] = ("", "?")) -> Circuit:
    """A model of a table: two columns of numbers, one of names."""
    random, builder = np.random.default_rng(seed), CircuitBuilder((3,))
    age = builder.compare(np.zeros(8, int), np.linspace(20, 70, 8).astype(np.float32))
    pay = builder.compare(np.ones(8, int), np.linspace(-1e3, 1e3, 8).astype(np.float32))
    city = builder.compare(np.full(5, 2), np.arange(5, dtype=np.float32) - 0.5)
    signals = np.concatenate([age, pay, city, builder.missing([0, 2])])
    builder.popcount(builder.lut(random.choice(signals, (40, 5)), random.integers(0, 2, (40, 32))), 2)
    metadata = Metadata.from_json(
        {
            "feature_names": ["age", "pay", "city"],
            "categories": [None, None, list(CITIES)],
            "target": "label",
            "table": {"missing": list(missing), "unseen": unseen},
        }
    )
    fitted = np.array([17, -2e3, 0], np.float32), np.array([90, 2e3, 4], np.float32)
    return builder.build(classes=("no", "yes"), objective="classification", fitted_range=fitted, metadata=metadata)


def records(seed: int, count: int) -> list[dict[str, Any]]:
    """Rows of such a table, with missing values."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        age, pay = random.normal(45, 20), random.normal(0, 900)
        city = random.choice([*CITIES, "Nowhere"])
        row = {"age": round(age), "pay": pay, "city": str(city)}
        rows.append({name: None if random.random() < 0.1 else value for name, value in row.items()})
    return rows


def arrow(columns: dict[str, Any]) -> bytes:
    """Columns as a stream of Arrow's IPC format."""
    import pyarrow
    import pyarrow.ipc

    made, sink = pyarrow.table(columns), io.BytesIO()
    with pyarrow.ipc.new_stream(sink, made.schema) as writer:
        writer.write_table(made)
    return sink.getvalue()


def read_arrow(data: bytes) -> dict[str, list[Any]]:
    """The columns of a stream."""
    import pyarrow.ipc

    return dict(pyarrow.ipc.open_stream(data).read_all().to_pydict())


class Client:
    """Sends requests to an application in this process, one after the other."""

    def __init__(self, app: Application) -> None:
        self.app = app
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://server")
        self.runner = asyncio.Runner()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the response to one request."""
        return self.runner.run(self.http.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Return the response to GET."""
        return self.request("GET", path, **options)

    def predict(self, rows: Any, name: str = "m", query: str = "", **headers: str) -> httpx.Response:
        """Return the response to rows as JSON."""
        return self.post(json.dumps({"rows": rows}).encode(), JSON, name, query, **headers)

    def post(self, body: Any, media: str = JSON, name: str = "m", query: str = "", **headers: str) -> httpx.Response:
        """Return the response to a body."""
        sent = {"content-type": media, **headers}
        return self.request("POST", f"/models/{name}/predict{query}", content=body, headers=sent)


@contextmanager
def client(models: Any, **options: Any) -> Iterator[Client]:
    """A client of an application for models."""
    app = models if isinstance(models, Application) else application(models, watch=False, **options)
    found = Client(app)
    try:
        yield found
    finally:
        found.runner.run(found.http.aclose())
        found.runner.close()
        app.catalog.close()
