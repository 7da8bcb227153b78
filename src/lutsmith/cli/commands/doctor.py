"""`lutsmith doctor`: what this machine has that lutsmith can use."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lutsmith.cli.arguments import JsonOption
from lutsmith.cli.output import deliver, facts_page
from lutsmith.hardware.tools.tool import ToolMissing
from lutsmith.hardware.tools.toolchain import TOOLS, find
from lutsmith.version import __version__

if TYPE_CHECKING:
    from rich.console import Console

_PACKAGES = (
    "numpy", "numba", "llvmlite", "safetensors", "typer", "rich",
    "torch", "lightning-fabric", "pyarrow", "narwhals", "scikit-learn",
)  # fmt: skip
_VECTORS = ("sse4.2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512vbmi", "neon", "sve")
_PROBE_SECONDS = 10
FIRST_USE = "the first training of rank-6 LUTs compiles its kernels in up to 10 s; later runs load them from the cache"


def doctor(json_output: JsonOption = False) -> None:
    """Show versions, cores, vector instructions, threads, GPUs, external tools and the kernel cache."""
    deliver(_examine, _show, json_output)


def _examine() -> dict[str, Any]:
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features()
    return {
        "lutsmith": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "packages": {name: _package(name) for name in _PACKAGES},
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": llvmlite.binding.get_host_cpu_name(),
        "vector_instructions": [name for name in _VECTORS if features.get(name)],
        "threads": _threads(),
        "gpus": _gpus(),
        "tools": {name: _tool(name) for name in TOOLS},
        "kernel_cache": _kernel_cache(),
        "first_use": FIRST_USE,
    }


def _package(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _threads() -> dict[str, Any]:
    """Return how many threads training and prediction use, and which of Numba's threading layers load, best first."""
    import importlib

    from lutsmith.circuit.engine.workers import num_threads
    from lutsmith.kernels.threads import get_num_threads

    modules = {"omp": "omppool", "tbb": "tbbpool", "workqueue": "workqueue"}
    available = []
    for layer, module in modules.items():
        try:
            importlib.import_module(f"numba.np.ufunc.{module}")
        except ImportError:
            continue
        available.append(layer)
    return {
        "training": get_num_threads(),
        "prediction": num_threads(),
        "layers": available,
        "asked_for": os.environ.get("NUMBA_THREADING_LAYER", "default"),
    }


def _gpus() -> list[str]:
    lines = _output("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    return [line.strip() for line in (lines or "").splitlines() if line.strip()]


def _tool(name: str) -> dict[str, str]:
    """Return source and version of an external tool as all commands find it, in a wheel or on PATH; or why not."""
    try:
        tool = find(name)
    except ToolMissing as missing:
        return {"missing": str(missing)}
    return {"source": tool.source, "version": ".".join(map(str, tool.version))}


def _output(*command: str) -> str | None:
    """Return what a command prints, or None if there is no such command, it fails, or it takes too long."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PROBE_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout or done.stderr


def _kernel_cache() -> dict[str, Any]:
    """Return the folder that compiled kernels are kept in, whether it can be written, and how many it holds."""
    from lutsmith.kernels import threads

    paths = {kernel.stats.cache_path for kernel in vars(threads).values() if hasattr(kernel, "stats")}
    folder = next((path for path in paths if path), None)
    if folder is None:
        return {"folder": None, "writable": False, "kernels": 0}
    place = Path(folder)
    nearest = next(parent for parent in (place, *place.parents) if parent.exists())
    kernels = len(list(place.glob("*.nbc"))) if place.is_dir() else 0
    return {"folder": folder, "writable": os.access(nearest, os.W_OK), "kernels": kernels}


def _show(result: dict[str, Any], console: Console) -> None:
    threads, cache = result["threads"], result["kernel_cache"]
    packages = {name: version or "not installed" for name, version in result["packages"].items()}
    tools = {name: _tool_line(tool) for name, tool in result["tools"].items()}
    facts_page(
        console,
        {
            "lutsmith": result["lutsmith"],
            "python": f"{result['python']} ({result['executable']})",
            "platform": result["platform"],
            **packages,
            "cores": f"{result['cores']}, {result['usable_cores']} of them usable by this process",
            "cpu": result["cpu"],
            "vectors": ", ".join(result["vector_instructions"]) or "none known",
            "threads": f"{threads['training']} in training, {threads['prediction']} in prediction",
            "layers": f"{', '.join(threads['layers'])} (asked for: {threads['asked_for']})",
            "gpu": "; ".join(result["gpus"]) or "none found",
            **tools,
            "kernel cache": _cache_line(cache),
            "first use": result["first_use"],
        },
    )


def _tool_line(tool: dict[str, str]) -> str:
    if "missing" in tool:
        return f"not found: {tool['missing'].partition(': ')[2]}"
    return f"{tool['version'] or 'version unknown'} ({tool['source']})"


def _cache_line(cache: dict[str, Any]) -> str:
    if cache["folder"] is None:
        return "no folder can be written: kernels are compiled in each process; set NUMBA_CACHE_DIR to a folder"
    writable = "writable" if cache["writable"] else "read-only: new kernels are compiled in each process"
    return f"{cache['folder']} ({writable}; {cache['kernels']} compiled kernels)"
