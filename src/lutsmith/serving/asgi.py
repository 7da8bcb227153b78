"""The server as an ASGI application, for uvicorn, gunicorn, or a larger application that mounts it."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from lutsmith.circuit import Circuit
from lutsmith.serving import openapi
from lutsmith.serving.catalog import Catalog, ServedModel
from lutsmith.serving.limits import ServerLimits
from lutsmith.serving.metrics import MEDIA_TYPE, exposition
from lutsmith.serving.predicting import Predicting, has_arrow
from lutsmith.serving.problems import PROBLEM_JSON, RequestError

WATCH_SECONDS = 1.0
"""Between two looks at the model files."""

_OPEN = ("/healthz", "/readyz")
"""Paths that need no token."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def application(
    models: Mapping[str, str | os.PathLike[str] | Circuit] | str | os.PathLike[str],
    *,
    limits: ServerLimits | None = None,
    token: str | None = None,
    watch: bool = True,
    access_log: bool = False,
) -> Application:
    """Return an ASGI application that answers for models.

    Models are read and warmed up before it returns. It reads no other files, and connects to nothing.

    Args:
        models: model files, or circuits, by the names under which they answer: up to 64 letters, digits, `_`, `-` and
            `.`. Or one file, which answers under its own name without `.lut`.
        limits: of requests; None: the defaults.
        token: what clients have to send as `Authorization: Bearer TOKEN`, except to `/healthz` and `/readyz`; None:
            nothing.
        watch: whether changed files are loaded, while a server runs the application (ASGI's lifespan).
            `Application.reload` does so at once.
        access_log: whether each request is a line of JSON on stderr.

    Raises:
        TypeError, ValueError: names, limits or a token that cannot be.
        OSError, ModelFileError: a file cannot be loaded.
        ModuleNotFoundError: starlette is not installed: pip install 'lutsmith[serve]'.
    """
    if isinstance(models, (str, os.PathLike)):
        models = {Path(models).stem: models}
    if token is not None and (not token or not token.isascii() or not token.isprintable() or " " in token):
        raise ValueError("the token is empty, or has signs other than printable ones of ASCII without spaces")
    return Application(Catalog(models, limits or ServerLimits()), token=token, watch=watch, access_log=access_log)


class Application:
    """The application; `application` makes it.

    Attributes:
        catalog: its models.
    """

    def __init__(self, catalog: Catalog, *, token: str | None, watch: bool, access_log: bool) -> None:
        self.catalog = catalog
        self._token = None if token is None else token.encode()
        self._watched, self._access_log = watch, access_log
        self._begun, self._numbers = secrets.token_hex(4), count(1)
        self._document: tuple[tuple[str, ...], bytes] = ((), b"")
        self._inner = Starlette(
            routes=[
                Route("/models/{name}/predict", Predicting(catalog), methods=["POST"]),
                Route("/healthz", self._health),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics),
                Route("/openapi.json", self._openapi),
                Route("/models", self._models),
                Route("/models/{name}", self._model),
            ],
            exception_handlers={RequestError: _problem, HTTPException: _http_problem, Exception: _fault},
            lifespan=self._lifespan,
        )
        self._inner.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1003})
                return
            await self._inner(scope, receive, send)
            return
        start, status = time.perf_counter(), 0
        request_id = self._request_id(scope)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        try:
            path = scope["path"].removeprefix(scope.get("root_path", ""))  # of where a larger application mounts it
            if self._token is not None and path not in _OPEN and not self._is_known(scope):
                problem = RequestError(
                    401,
                    "no token, or another; send Authorization: Bearer TOKEN",
                    headers={"www-authenticate": "Bearer"},
                )
                await _answered(problem)(scope, receive, sending)
            else:
                await self._inner(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - start
            model = scope.get("lutsmith.model")
            if isinstance(model, ServedModel):
                model.metrics.answered(status, seconds)
            if self._access_log:
                self._log(scope, status, seconds, request_id)

    async def reload(self, *, force: bool = True) -> list[str]:
        """Load the model files that changed, and return a line about each; requests go on meanwhile.

        Args:
            force: whether to read files even where their times and sizes are the same.
        """
        lines = await asyncio.to_thread(partial(self.catalog.refresh, force=force))
        for line in lines:
            _say(f"lutsmith: {line}")
        return lines

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch()) if self._watched else None
        try:
            yield
        finally:
            if watching is not None:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watching
            await asyncio.to_thread(self.catalog.close)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.reload(force=False)

    async def _health(self, _: Request) -> Response:
        return _json({"status": "ok"})

    async def _ready(self, _: Request) -> Response:
        failures = {name: model.failure for name, model in self.catalog.items()}
        told = {
            name: {"version": model.current.version, "failure": failures[name]} for name, model in self.catalog.items()
        }
        return _json({"status": "stale" if any(failures.values()) else "ok", "models": told})

    async def _metrics(self, _: Request) -> Response:
        told = [
            model.metrics.families(name, model.current.version, model.batcher.waiting, model.failure is not None)
            for name, model in self.catalog.items()
        ]
        return Response(exposition(told), headers={"content-type": MEDIA_TYPE})

    async def _models(self, _: Request) -> Response:
        return _json({"models": [openapi.described(model.name, model.current, model.failure) for model in self._all]})

    async def _model(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.catalog:
            raise RequestError(404, f"there is no model {name[:80]!r}; there are {', '.join(self.catalog)}")
        model = self.catalog[name]
        return _json(openapi.described(name, model.current, model.failure))

    async def _openapi(self, _: Request) -> Response:
        current = {name: model.current for name, model in self.catalog.items()}
        versions = tuple(model.version for model in current.values())
        if self._document[0] != versions:
            made = openapi.document(current, with_arrow=has_arrow(), with_token=self._token is not None)
            self._document = versions, json.dumps(made).encode()
        return Response(self._document[1], media_type="application/json")

    @property
    def _all(self) -> list[ServedModel]:
        return list(self.catalog.values())

    def _is_known(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, found = given.partition(b" ")
        assert self._token is not None
        return hmac.compare_digest(found.strip(), self._token) and scheme.lower() == b"bearer"

    def _request_id(self, scope: Scope) -> bytes:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                return bytes(value)
        return f"{self._begun}-{next(self._numbers)}".encode()

    def _log(self, scope: Scope, status: int, seconds: float, request_id: bytes) -> None:
        client = scope.get("client")
        told = {
            "time": round(time.time(), 3),
            "request": request_id.decode(),
            "client": None if client is None else client[0],
            "method": scope["method"][:16],
            "path": scope["path"][:200],
            "status": status,
            "rows": scope.get("lutsmith.rows"),
            "ms": round(seconds * 1000, 3),
        }
        _say(json.dumps(told))


def _say(line: str) -> None:
    """Write a line to stderr, if there is somebody who reads it."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line + "\n")


def _json(value: Any) -> Response:
    return Response(json.dumps(value, allow_nan=False), media_type="application/json")


def _answered(problem: RequestError) -> Response:
    further = {"connection": "close"} if problem.close else {}
    headers = {**problem.headers, **further, "content-type": PROBLEM_JSON}
    return Response(problem.body(), problem.status, headers=headers)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return _answered(error)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path[:200]
    detail = {
        404: f"there is nothing at {path}; /openapi.json says what there is",
        405: f"{path} does not take {request.method[:16]}",
    }.get(error.status_code, error.detail)
    return _answered(RequestError(error.status_code, detail, headers=dict(error.headers or {})))


async def _fault(_: Request, error: Exception) -> Response:
    return _answered(RequestError(500, f"a fault of the server ({type(error).__name__}); its log says more"))
