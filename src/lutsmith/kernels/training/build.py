"""Compiles the training kernels: templates and the vector code of a rank, made into C callbacks and cached on disk."""

from __future__ import annotations

import functools
import hashlib
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba import types

from lutsmith.kernels import compiler, exponentials, vectors
from lutsmith.kernels.training import ahead, templates
from lutsmith.kernels.training.best import loops as choosing
from lutsmith.kernels.training.encode import loops as encoder
from lutsmith.kernels.training.fold import gathering, loops, passes, pieces, placed, row_pieces, scattering
from lutsmith.kernels.training.fold_pooled import loops as pooled
from lutsmith.kernels.training.gates import loops as gates
from lutsmith.kernels.training.group_sums import loops as of_groups
from lutsmith.kernels.training.lut_sums import loops as sums
from lutsmith.kernels.training.lut_sums import pieces as of_bytes
from lutsmith.kernels.training.mix import loops as mixer
from lutsmith.kernels.training.pool import loops as pooling
from lutsmith.kernels.training.read_best import loops as products

KERNEL = types.void(types.int64, types.int64)
FAST = {"contract", "reassoc", "nsz"}  # NaN and infinity keep their meaning

TEMPLATES: dict[str, Any] = {
    "fold": loops.forward,
    "lookup": loops.forward,
    "backward": loops.backward,
    "gather_pairs": gathering.gather_pairs,
    "gather_learned": gathering.gather_learned,
    "fold_placed": placed.forward_placed,
    "lookup_placed": placed.forward_placed,
    "backward_placed": placed.backward_placed,
    "fold_pooled": pooled.forward_pooled,
    "backward_pooled": pooled.backward_pooled,
    "fold_sums": sums.fold_sums,
    "backward_sums": sums.backward_sums,
    "count_sums": sums.count_sums,
    "slope_sums": sums.slope_sums,
    "bits_of": sums.bits_of,
    "spread": passes.spread,
    "mix": mixer.mix,
    "pack": passes.pack,
    "finish": passes.finish,
    "encode": encoder.encode,
    "group_sums": of_groups.group_sums,
    "gates": gates.gates,
    "gate_gradient": gates.gate_gradient,
    "pool": pooling.pool,
    "pool_gradient": pooling.pool_gradient,
    "best": choosing.best,
    "best_of_columns": choosing.best_of_columns,
    "products": products.products,
}
QUICK = ("fold_pooled", "backward_pooled")
"""Kinds that LLVM's level 2 makes as fast as level 3, and with the same results, in half the time: level 3 copies their
loops for every flag that does not change within."""

# Helpers in the order in which they call each other.
HELPERS = (
    templates.share_of,
    loops.table_of,
    templates.zero,
    templates.pad,
    templates.ask_for,
    scattering.less,
    loops.prefetch_rows,
    scattering.eight_dots,
    loops.block,
    scattering.keep,
    scattering.scatter,
    scattering.as_scored,
    scattering.tail_dot,
    scattering.scatter_tail,
    gathering.first_row,
    gathering.widen,
    gathering.narrow,
    placed.locate,
    placed.some_candidates,
    placed.scatter_placed,
    placed.scatter_tail_placed,
    passes.centre,
    passes.add_copies,
    gates.copy,
    choosing.place_of_highest,
    choosing.higher,
    pooling.tail_kept,
    pooling.middle,
    pooled.copy_row,
    pooled.own_table,
    pooled.climb,
    pooled.locate_leaves,
    pooled.blend,
    pooled.give_leaf,
    pooled.descend,
    sums.positive,
    sums.row_at,
    sums.copy_in,
    sums.bytes_in,
    sums.copy_out,
    sums.own_dx,
    sums.gradient_in,
    sums.multiply,
    sums.pass_through,
)
SOURCES = (
    templates,
    loops,
    scattering,
    gathering,
    placed,
    passes,
    gates,
    of_groups,
    mixer,
    encoder,
    pooling,
    pooled,
    sums,
    choosing,
    products,
)
"""Modules of the templates, whose names these see."""

SPLIT = pieces.SPLIT_RANK
SECONDS = (2, 5, 5, 5, 6, 6, 6, 7, 10)  # measured, by rank; 0: the kernels that know no rank
_announced: set[tuple[int, bool]] = set()
_lock = threading.Lock()


def address(kind: str, rank: int, dtype: str) -> int:
    """Address of a kernel, compiled at first use.

    `kind` is "fold", "lookup" or "backward", or one of these with "_placed", for kernels at places; "gather_pairs", of
    rank 2 alone; "fold_pooled", "backward_pooled", "fold_sums", "backward_sums", "count_sums", "slope_sums"; or, with
    rank 0 because they know no rank, "gather_learned", "spread", "mix", "pack", "finish", "encode", "gates",
    "gate_gradient", "pool", "pool_gradient", "best", "best_of_columns", "products", "group_sums" or "bits_of".
    """
    with _lock:
        return _address(kind, rank, dtype)


@functools.cache
def _address(kind: str, rank: int, dtype: str) -> int:
    kernel = kind, rank, dtype
    if ahead.pending(kernel):
        for other in ahead.take_back(_of_dtype(("lookup", "lookup_placed"), kernel)):
            _address(*other)  # rather than wait
        ahead.wait(kernel)
    elif not _is_made(kernel):
        expect(_of_dtype(ahead.FOLLOWING.get(kind, ()), kernel))
    function = _function(kind, rank, dtype)

    def announce() -> None:
        key = rank, kind.endswith(("_placed", "_pooled"))
        if key not in _announced:
            _announced.add(key)
            which = f"rank-{rank} kernels" if rank else "encoder, score and gate kernels"
            which += " at places" if key[1] else ""
            compiler.say(f"compiling the {which}, once per machine, about {SECONDS[rank]} s")

    level = 2 if kind in QUICK or dtype == "float64" else 3  # of doubles, which check gradients, passes are few
    return compiler.callback(function, KERNEL, announce, level, error_model="numpy", fastmath=FAST)


def _of_dtype(kinds: Iterable[str], kernel: ahead.Kernel) -> list[ahead.Kernel]:
    """Other kernels for the same tensors; bfloat16 is float32 to look-ups."""
    wide = {"bfloat16": "float32"}.get(kernel[2], kernel[2])
    others = [(kind, kernel[1], wide if kind.startswith("lookup") else kernel[2]) for kind in kinds]
    return [other for other in others if other != kernel]


def expect(kernels: Iterable[ahead.Kernel]) -> None:
    """Have those of some kernels that are in no cache compiled by another process: they will be needed soon."""
    if missing := [kernel for kernel in kernels if not _is_made(kernel)]:
        ahead.begin(missing)


def make(kernel: ahead.Kernel) -> None:
    """Compile a kernel, unless it is in the cache."""
    if not _is_made(kernel):
        address(*kernel)


def _is_made(kernel: ahead.Kernel) -> bool:
    """Whether the cache has a kernel; where there is no cache, nobody can make it for us, as if it had."""
    return compiler.is_cached(_function(*kernel)) is not False


@functools.cache
def _function(kind: str, rank: int, dtype: str) -> FunctionType:
    """A kernel before it is compiled."""
    name = f"{kind}_{rank}_{dtype}_{_digest()}"
    if kind in ("count_sums", "slope_sums"):
        name += f"_{of_bytes.shuffles()}"
    return _retarget(TEMPLATES[kind], name, _names(kind, rank, dtype, name))


@functools.cache
def _digest() -> str:
    """Of all sources that kernels are made from: Numba's cache watches the time stamp of one file only."""
    digest = hashlib.sha256()
    for file in (
        __file__,
        *(module.__file__ for module in (vectors, exponentials, pieces, row_pieces, of_bytes, *SOURCES)),
    ):
        digest.update(Path(str(file)).read_bytes())
    return digest.hexdigest()[:12]


def _names(kind: str, rank: int, dtype: str, kernel: str) -> dict[str, Any]:
    """The globals of a rank's kernels.

    Helpers bear the kernel's name: objects in the cache come from many processes, and where two have a symbol of one
    name the first one loaded serves both. For the same reason they are always inlined: a process that compiles would
    call the helper's own object, one that loads the copy in the kernel's, optimised with it, whose last bits differ.
    """
    narrow = dtype == "bfloat16"
    kind_of = np.dtype("float32" if narrow else dtype)
    wide = vectors.f32 if kind_of.itemsize == 4 else vectors.f64
    names: dict[str, Any] = {
        **_names_of_sources(),
        "RANK": rank,
        "SMALL_RANK": SPLIT - 1,
        "SIZE": kind_of.itemsize,
        "BYTES": 2 if narrow else kind_of.itemsize,
        "NARROW": narrow,
        "LANES": vectors.VECTOR_BYTES // kind_of.itemsize,
        "real": wide,
        "activations": vectors.u16 if narrow else wide,
        "number": kind_of.type,
        **_joined(
            pieces.pieces(rank, kind_of, narrow=narrow),
            row_pieces.row_pieces(kind_of, narrow=narrow),
            gates.pieces(kind_of),
            of_groups.pieces(kind_of, narrow=narrow),
            pooling.pieces(kind_of),
            choosing.pieces(kind_of),
            products.pieces(kind_of),
            of_bytes.pieces(rank, kind_of),
        ),
        "exponentials": vectors.piece(kind_of, 4, exponentials.exponentials),
        "logistic_row": vectors.piece(kind_of, 3, exponentials.logistic),
        "logistic_slopes": vectors.piece(kind_of, 5, exponentials.logistic_slopes, narrow=narrow),
    }
    roles = {
        "evaluate": (loops.evaluate_split if rank >= SPLIT and vectors.REGISTERS < 32 else loops.evaluate_fold)
        if kind.startswith("fold") or kind == "backward_pooled"
        else (loops.evaluate_lookup if rank >= SPLIT else loops.evaluate_choice),
        "differentiate": loops.differentiate_split if rank >= SPLIT else loops.differentiate_small,
        "through": loops.through_split if rank >= SPLIT else loops.through_small,
        "weigh": loops.weigh_split if rank >= SPLIT else loops.weigh_small,
        "add_where_read": sums.gather_where_read if rank <= of_bytes.FEW else sums.scatter_where_read,
    }
    if kind_of.itemsize == 8:
        roles["exponentials"] = passes.exponentials_of_doubles
    for name, helper in [*roles.items(), *((helper.__name__, helper) for helper in HELPERS)]:
        compiled: Any = numba.njit(
            error_model="numpy", fastmath=FAST, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True
        )
        names[name] = compiled(_retarget(helper, f"{name}_{kernel}", names))
    return names


def _joined(*rooms: dict[str, Any]) -> dict[str, Any]:
    """The pieces of all rooms, which are one name space; RuntimeError where two rooms have one name."""
    names: dict[str, Any] = {}
    for room in rooms:
        if both := names.keys() & room.keys():
            raise RuntimeError(f"two rooms have a piece with the name {min(both)}")
        names |= room
    return names


def _names_of_sources() -> dict[str, Any]:
    """The names of all templates, which are one name space; RuntimeError where one name means two things."""
    names: dict[str, Any] = {}
    for module in SOURCES:
        for name, value in vars(module).items():
            if name.startswith("__") or name == "pieces":  # makes vector code; no template calls it
                continue
            if names.setdefault(name, value) != value:
                raise RuntimeError(f"{module.__name__} means another thing by {name} than a module before it")
    return names


def _retarget(template: Any, name: str, names: dict[str, Any]) -> FunctionType:
    """A copy of a function with another name and other globals."""
    copy = FunctionType(template.__code__, names, name)
    copy.__qualname__ = name
    copy.__module__ = template.__module__
    return copy


if __name__ == "__main__":  # the process that `ahead` starts
    for text in sys.argv[1:]:
        wanted = text.split()
        make((wanted[0], int(wanted[1]), wanted[2]))
        print(text, flush=True)  # noqa: T201
