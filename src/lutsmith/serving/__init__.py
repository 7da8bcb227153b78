"""Models that answer over HTTP: JSON and Arrow in and out, requests predicted together, files reloaded.

`application` makes an ASGI application of model files, `serve` runs one. Both need the extra `serve` (starlette and
uvicorn), and neither imports torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lutsmith.serving.limits import ServerLimits

if TYPE_CHECKING:
    from lutsmith.serving.asgi import Application, application
    from lutsmith.serving.problems import RequestError
    from lutsmith.serving.server import serve

__all__ = ["Application", "RequestError", "ServerLimits", "application", "serve"]

_PLACES = {"Application": "asgi", "application": "asgi", "RequestError": "problems", "serve": "server"}


def __getattr__(name: str) -> Any:
    """Load a name when it is first used: the packages of the extra are optional."""
    if name not in _PLACES:
        raise AttributeError(f"module 'lutsmith.serving' has no attribute {name!r}")
    import importlib

    try:
        return getattr(importlib.import_module(f"lutsmith.serving.{_PLACES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise ModuleNotFoundError(
            f"lutsmith.serving.{name} needs {error.name}, which is not installed: pip install 'lutsmith[serve]'",
            name=error.name,
        ) from error
