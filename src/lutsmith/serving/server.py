"""An application on a socket, by uvicorn: signals, limits of connections, and clients that are too slow."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from lutsmith.serving.asgi import Application
from lutsmith.serving.limits import ServerLimits
from lutsmith.serving.problems import PROBLEM_JSON, RequestError, busy

BACKLOG = 2048

SWITCH = 0.001
"""Seconds after which Python lets another thread go on: the event loop then waits less for threads that read JSON."""

SPARE_FILES = 64
"""Open files beside those of connections."""


def serve(
    app: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: ServerLimits | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve an application until SIGINT or SIGTERM, finish the requests in flight, and return.

    SIGHUP loads model files that changed. A second SIGINT ends at once. Call it in the main thread.

    Args:
        app: what `application` made.
        host: the address to listen on, an IPv4 or IPv6 address or a name of this machine.
        port: 0 to 65535; 0 is one that is free.
        limits: of connections and times; None: the defaults.
        ready: called with the address, such as `http://127.0.0.1:8000`, once it listens.

    Raises:
        OSError: the address cannot be listened on.
        ValueError: a port that is not one.
    """
    limits = limits or ServerLimits()
    interval = sys.getswitchinterval()
    with contextlib.closing(listening(host, port)) as listener:
        config = uvicorn.Config(
            app,
            http=_guarded(limits, _room(limits.max_connections)),
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=max(1, round(limits.read_timeout)),
            timeout_graceful_shutdown=round(limits.timeout + limits.read_timeout) + 1,
        )
        try:
            sys.setswitchinterval(SWITCH)
            _Server(config, app, listener, ready).run(sockets=[listener])
        finally:
            sys.setswitchinterval(interval)


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Raises:
        OSError: the address cannot be listened on: it is in use, or not one of this machine.
        ValueError: a port that is not one.
    """
    if not 0 <= port <= 65_535:
        raise ValueError(f"port is {port}; expected 0 to 65535")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        why = str(error) if isinstance(error, socket.gaierror) or not error.errno else os.strerror(error.errno)
        raise OSError(f"cannot listen on {host}, port {port}: {why}; give another; port=0 takes a free one") from None


def url_of(listener: socket.socket) -> str:
    """Return the address of a socket that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn's server, which ends without raising the signal that ended it again, and reloads on SIGHUP."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: Application,
        listener: socket.socket,
        ready: Callable[[str], None] | None,
    ) -> None:
        super().__init__(config)
        self._app, self._url, self._ready = app, url_of(listener), ready
        self._reloading: set[asyncio.Task[Any]] = set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
        if self._ready is not None:
            self._ready(self._url)

    def _reload(self) -> None:
        task = asyncio.create_task(self._app.reload())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)


def _room(connections: int) -> int:
    """Return for how many connections, at most, the process may open files; its soft limit is raised where it may be.

    Beyond the limit of files connections could not even be refused, and no model could be loaded.
    """
    try:
        import resource
    except ImportError:  # not Unix
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + SPARE_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return connections
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return max(1, soft - SPARE_FILES)


def _guarded(limits: ServerLimits, most: int) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with a limit of `most` connections, and of the time that the head of a request may
    take.
    """
    base: Any = AutoHTTPProtocol
    full = _raw(busy(f"{most:,} connections are open"))
    slow = _raw(RequestError(408, f"the head of the request did not come within {limits.read_timeout:g} s"))

    class Guarded(base):  # type: ignore[misc]
        """One connection."""

        _timer: asyncio.TimerHandle | None = None
        _stalled: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                self._end(full)
            else:
                self._timer = self.loop.call_later(limits.read_timeout, self._end, slow)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            waits = self.cycle is None or self.cycle.response_complete
            if not waits:
                self._stop()
            elif self._timer is None and not self.transport.is_closing():
                self._timer = self.loop.call_later(limits.read_timeout, self._end, slow)

        def pause_writing(self) -> None:
            super().pause_writing()
            if self._stalled is None:
                self._stalled = self.loop.call_later(limits.timeout, self.transport.abort)

        def resume_writing(self) -> None:
            if self._stalled is not None:
                self._stalled.cancel()
                self._stalled = None
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            if self._stalled is not None:
                self._stalled.cancel()
            super().connection_lost(exc)

        def _end(self, answer: bytes) -> None:
            self._timer = None
            if not self.transport.is_closing():
                self.transport.write(answer)
                self.transport.close()

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Guarded


def _raw(problem: RequestError) -> bytes:
    """Return a problem as it goes over the wire, for a connection without a request."""
    body = problem.body()
    phrase = {408: "Request Timeout", 503: "Service Unavailable"}[problem.status]
    headers = {**problem.headers, "content-type": PROBLEM_JSON, "content-length": str(len(body)), "connection": "close"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {problem.status} {phrase}\r\n{lines}\r\n".encode() + body
