"""Tests of the server: skipped as a whole where the packages of its extra are not installed."""

from ..tools import module

for name in ("starlette", "uvicorn", "httpx"):
    module(name)
