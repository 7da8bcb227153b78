"""The body of a request: read in time, up to its limit, and so that all bodies together have one too."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.types import Receive

from lutsmith.serving.limits import ServerLimits
from lutsmith.serving.problems import RequestError, busy

LEAST_RATE = 16_384
"""Bytes of a body that buy another second: a slow line, or a server that has much to do, is not a client that sends
nothing."""

FREE = 16_384
"""Bytes of a body that are read however much is held: long bodies do not lock out short ones."""

_LINGER = 1.0
"""Seconds that the rest of a body that is too long is read and thrown away: a client that is cut off while it sends
would not see the answer."""


class Bodies:
    """Reads bodies, and knows how many bytes of them are held.

    Attributes:
        held: bytes of all bodies that are read or used at this time.
    """

    def __init__(self) -> None:
        self.held = 0

    @contextlib.asynccontextmanager
    async def read(
        self, headers: dict[bytes, bytes], receive: Receive, limits: ServerLimits
    ) -> AsyncIterator[bytes | bytearray]:
        """Give the body of a request, which counts as held in the `async with` block.

        Raises:
            RequestError: 400 for a length that is not a number, 408 where it does not arrive in time, 413 where it is
                too long, 503 where too many are held.
        """
        own = 0
        try:
            await _check_length(headers, receive, limits)
            body: bytes | bytearray = b""
            loop = asyncio.get_running_loop()
            end = loop.time() + limits.read_timeout
            async with asyncio.timeout_at(end) as timer:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RequestError(400, "the client went away", close=True)
                    part = message.get("body", b"")
                    own, self.held = own + len(part), self.held + len(part)
                    if own > limits.max_bytes:
                        timer.reschedule(None)
                        await _discard(receive)
                        raise _too_long(limits)
                    if own > FREE and self.held > max(own, limits.max_body_bytes):
                        raise busy("too many bodies are being read", close=True)
                    more = message.get("more_body", False)
                    if body or more:
                        body = bytearray(body) if isinstance(body, bytes) else body
                        body += part
                    else:
                        body = part
                    if not more:
                        break
                    end = min(end + len(part) / LEAST_RATE, loop.time() + limits.read_timeout)
                    timer.reschedule(end)
            yield body
        except TimeoutError:
            raise RequestError(408, f"the body did not come within {limits.read_timeout:g} s", close=True) from None
        finally:
            self.held -= own


async def _check_length(headers: dict[bytes, bytes], receive: Receive, limits: ServerLimits) -> None:
    declared = headers.get(b"content-length")
    if declared is None:
        return
    if not declared.isdigit():
        raise RequestError(400, "content-length is not a number", close=True)
    if len(declared) > 18 or int(declared) > limits.max_bytes:
        if b"expect" not in headers:
            await _discard(receive)
        raise _too_long(limits)


async def _discard(receive: Receive) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return


def _too_long(limits: ServerLimits) -> RequestError:
    return RequestError(413, f"the body is longer than {limits.max_bytes:,} bytes: send several requests", close=True)
