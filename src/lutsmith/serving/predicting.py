"""The path that predicts: from the bytes of a request to the bytes of its answer."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl

from numpy.typing import NDArray
from starlette.types import Receive, Scope, Send

from lutsmith.serving.answers import as_arrow, as_json
from lutsmith.serving.arrow_rows import ArrowRows
from lutsmith.serving.body import Bodies
from lutsmith.serving.catalog import Catalog
from lutsmith.serving.json_rows import JsonRows
from lutsmith.serving.loaded import LoadedModel
from lutsmith.serving.openapi import ARROW, JSON, TEMPERATURES
from lutsmith.serving.problems import RequestError, late

SMALL = 16_384
"""Bytes of a body that is read in the event loop; longer ones are read in a thread, which costs 0.1 ms."""

READERS = 2
"""Threads that read long bodies. Python reads JSON in one thread at a time: more of them would hold up the event loop
without reading more, and what hostile bodies take of memory is taken so many times at once."""

FEW_VALUES = 4096
"""Values of an answer that is written in the event loop."""

_NUMBER = re.compile(r"\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_FORMS = {JSON: JSON.encode(), ARROW: ARROW.encode()}


class Predicting:
    """An ASGI application for `POST /models/{name}/predict`.

    Args:
        catalog: the models.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._bodies = Bodies()
        self._readers = ThreadPoolExecutor(READERS, "lutsmith-reader")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            RequestError: what is wrong with it.
        """
        name = scope["path_params"]["name"]
        served = self._catalog.get(name)
        if served is None:
            raise RequestError(404, f"there is no model {name[:80]!r}; there are {', '.join(self._catalog)}")
        scope["lutsmith.model"] = served
        model = served.current  # whatever is loaded meanwhile
        headers = dict(scope["headers"])
        media = _media_type(headers, model)
        form = _accepted(headers.get(b"accept", b""), media)
        kinds, temperature = _query(scope["query_string"], model)
        needed = model.answers.needed(kinds, temperature)
        reader = model.json_rows if media == JSON else model.arrow_rows
        served.batcher.arriving += 1
        try:
            async with self._bodies.read(headers, receive, model.limits) as body:
                deadline = asyncio.get_running_loop().time() + model.limits.timeout
                rows = reader.read(body) if len(body) <= SMALL else await self._read(reader, body, model, deadline)
        finally:
            served.batcher.arriving -= 1
        scope["lutsmith.rows"] = len(rows)
        values = len(rows) * model.answers.width(kinds, temperature)
        if values > model.limits.max_values:
            most = f"{model.limits.max_values:,} values that an answer may have"
            raise RequestError(413, f"{values:,} values are more than the {most}: send fewer rows, or ask for less")
        computed = await served.batcher.answer(model, rows, needed, deadline)
        further: dict[str, Any] = {"model": name, "version": model.version}
        if warnings := model.warnings(rows):
            further["warnings"] = warnings

        def write() -> bytes:
            told = model.answers.told(computed, kinds, temperature)
            return as_arrow(told) if form == ARROW else as_json(told, further)

        answer = write() if values <= FEW_VALUES else await asyncio.to_thread(write)
        sent = [
            (b"content-type", _FORMS[form]),
            (b"content-length", b"%d" % len(answer)),
            (b"x-model-version", model.version.encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": sent})
        await send({"type": "http.response.body", "body": answer})

    async def _read(
        self, reader: JsonRows | ArrowRows, body: bytes | bytearray, model: LoadedModel, deadline: float
    ) -> NDArray[Any]:
        """Return the rows of a long body, read in a thread; RequestError 504 where its turn does not come in time."""
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.get_running_loop().run_in_executor(self._readers, reader.read, body)
        except TimeoutError:
            raise late(model.limits.timeout) from None


def _media_type(headers: dict[bytes, bytes], model: LoadedModel) -> str:
    """Return what the body is: JSON or Arrow."""
    given = headers.get(b"content-type", b"").decode("latin-1")
    kind, _, parameters = given.partition(";")
    kind, charset = kind.strip().lower(), parameters.replace(" ", "").replace('"', "").lower()
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise RequestError(415, "the body is compressed: send it as it is, without content-encoding")
    if kind == JSON and charset in ("", "charset=utf-8"):
        return JSON
    if kind == ARROW:
        if model.json_rows.exact:
            raise RequestError(415, f"the model reads words that tables do not hold: send {JSON}")
        if not has_arrow():
            raise RequestError(415, f"this server reads no Arrow, for want of pyarrow: send {JSON}")
        return ARROW
    raise RequestError(415, f"content-type is {given[:80]!r}; expected {JSON} (UTF-8) or {ARROW}")


def _accepted(accept: bytes, media: str) -> str:
    """Return what the answer is: what the client accepts, of two equal ones that of its body."""
    if accept in (b"", b"*/*"):
        return media
    best, found = 0.0, None
    for item in accept.decode("latin-1").lower().split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        weight = _weight(parameters)
        kinds = {JSON: (JSON,), ARROW: (ARROW,), "*/*": (media,), "application/*": (media,)}.get(kind, ())
        for each in kinds:
            if (each == JSON or has_arrow()) and (weight > best or (weight == best > 0 and each == media)):
                best, found = weight, each
    if found is None:
        raise RequestError(406, f"accept is {accept[:80].decode('latin-1')!r}; expected {JSON} or {ARROW}")
    return found


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _query(query: bytes, model: LoadedModel) -> tuple[tuple[str, ...], float | None]:
    """Return the kinds of answers that are asked for, and the temperature of probabilities."""
    if not query:
        return model.answers.kinds[:1], None
    try:
        given = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=64, errors="strict")
    except ValueError:
        raise RequestError(422, "the query cannot be read; expected such as ?answers=predictions,scores") from None
    kinds: list[str] = []
    temperature: float | None = None
    for name, value in given:
        if name == "answers":
            kinds += value.split(",")
        elif name == "temperature":
            low, high = TEMPERATURES
            if temperature is not None:
                raise RequestError(422, "temperature is given twice")
            temperature = float(value) if _NUMBER.fullmatch(value) else 0.0
            if not low <= temperature <= high:
                raise RequestError(422, f"temperature is {value[:40]!r}; expected a number from {low:g} to {high:g}")
        else:
            raise RequestError(422, f"the query has {name[:40]!r}; expected answers or temperature")
    return model.answers.chosen(kinds or model.answers.kinds[:1]), temperature


@lru_cache(maxsize=1)
def has_arrow() -> bool:
    """Whether pyarrow is installed."""
    return find_spec("pyarrow") is not None
