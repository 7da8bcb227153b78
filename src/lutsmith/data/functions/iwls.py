"""The functions of the IWLS 2020 contest: 100 Boolean functions, each given by three times 6,400 examples.

The formulas of the arithmetic functions were found from all of their rows, and are exact on each row: two operands of
equal width (one, for a square root), the first operand's bits first, the lowest bit first.

Source: S. Rai et al., "Logic Synthesis Meets Machine Learning: Trading Exactness for Generalization", DATE 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.archive import read_npz
from lutsmith.data.dataset import DataError, MissingDataError
from lutsmith.data.folders import data_folder
from lutsmith.data.functions.pla import read_pla
from lutsmith.ground.arguments import one_of
from lutsmith.ground.arrays import booleans, frozen

FILE = "iwls2020.npz"
PARTS = ("train", "valid", "test")


def _signed(x: int, width: int) -> int:
    return x - (x >> (width - 1) << width)


def _divided(a: int, b: int, width: int) -> tuple[int, int]:
    return divmod(a, b) if b else ((1 << width) - 1, a)


ORACLES: Mapping[str, Callable[[int, int, int], int]] = {
    "sum": lambda a, b, width: (a + b) >> (width - 1) & 1,
    "sum sign": lambda a, b, width: int(_signed(a, width) + _signed(b, width) < 0),
    "quotient": lambda a, b, width: _divided(a, b, width)[0] & 1,
    "remainder": lambda a, b, width: _divided(a, b, width)[1] & 1,
    "product": lambda a, b, width: (a * b) >> (width - 1) & 1,
    "product sign": lambda a, b, width: int(_signed(a, width) * _signed(b, width) < 0),
    "less": lambda a, b, width: int(_signed(a, width) < _signed(b, width)),
    "root": lambda a, _b, _width: math.isqrt(a) & 1,
    "parity": lambda a, _b, _width: a.bit_count() & 1,
}
"""What is known exactly, by kind: of the operands a and b (0 where there is one) and their width, the function's bit.

sum and product: bit width - 1; sum sign, product sign and less: of two's complements; quotient, remainder and root: bit
0; a quotient by 0 is all ones, and its remainder the dividend.
"""

_ONE_OPERAND = ("root", "parity")


@dataclass(frozen=True)
class KnownFunction:
    """What is known of one function of the contest.

    Attributes:
        name: "ex00" to "ex99".
        kind: a name of `ORACLES`, or where the function is from.
        width: bits of an operand; None where no oracle is known.
    """

    name: str
    kind: str
    width: int | None = None

    @property
    def operands(self) -> int:
        """One or two; 0 where no oracle is known."""
        return 0 if self.width is None else 1 if self.kind in _ONE_OPERAND else 2

    def oracle(self, x: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the exact value of the function for inputs (N, operands * width): bool (N,).

        Raises:
            ValueError: no oracle is known; or x has another shape.
        """
        if self.width is None:
            raise ValueError(f"{self.name} ({self.kind}) has no oracle: all that is known of it are its examples")
        rows = booleans("x", x)
        if rows.ndim != 2 or rows.shape[1] != self.operands * self.width:
            raise ValueError(f"x has shape {rows.shape}, expected (rows, {self.operands * self.width})")
        octets = np.packbits(rows, axis=1, bitorder="little")
        mask, apply = (1 << self.width) - 1, ORACLES[self.kind]
        numbers = (int.from_bytes(row.tobytes(), "little") for row in octets)
        return np.array([apply(n & mask, n >> self.width, self.width) for n in numbers], np.bool_)


def _known() -> dict[str, KnownFunction]:
    kinds: list[tuple[str, int | None]] = [
        *((kind, width) for width in (16, 32, 64, 128, 256) for kind in ("sum", "sum sign")),
        *((kind, width) for kind in ("quotient", "remainder") for width in (16, 32, 64, 128, 256)),
        *((kind, width) for width in (8, 16, 32, 64, 128) for kind in ("product", "product sign")),
        *(("less", width) for width in range(10, 101, 10)),
        *(("root", width) for width in (16, 10, 32, 18, 64, 34, 128, 66, 256, 130)),
        *[("PicoJava", None)] * 10,
        *[("MCNC i10", None)] * 10,
        *[("MCNC", None)] * 4,
        ("parity", 16),
        *[("symmetric", None)] * 5,
        *[("MNIST", None)] * 10,
        *[("CIFAR-10", None)] * 10,
    ]
    return {f"ex{place:02}": KnownFunction(f"ex{place:02}", *each) for place, each in enumerate(kinds)}


KNOWN: Mapping[str, KnownFunction] = _known()
"""All 100 functions of the contest by name."""


@dataclass(frozen=True, eq=False)
class Minterms:
    """Rows of inputs, and the function's bit of each.

    Attributes:
        x: bool (N, n).
        y: bool (N,).
    """

    x: NDArray[np.bool_]
    y: NDArray[np.bool_]

    def __post_init__(self) -> None:
        x, y = booleans("x", self.x), booleans("y", self.y)
        if x.ndim != 2 or y.shape != (len(x),):
            raise ValueError(f"x and y have shapes {x.shape} and {y.shape}, expected (N, n) and (N,)")
        object.__setattr__(self, "x", frozen(x, np.bool_))
        object.__setattr__(self, "y", frozen(y, np.bool_))

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class BooleanFunction:
    """A function of n bits to one, by examples in the contest's three parts.

    Attributes:
        name: such as "ex20".
        train: what may be learned from.
        valid: what a choice may be confirmed on.
        test: what only the final score is measured on.
    """

    name: str
    train: Minterms
    valid: Minterms
    test: Minterms

    @property
    def num_inputs(self) -> int:
        """n."""
        return int(self.train.x.shape[1])

    @property
    def known(self) -> KnownFunction:
        """What is known of it."""
        return KNOWN[self.name]


def load_function(name: str, data: str | Path | None = None) -> BooleanFunction:
    """Return a function of the contest.

    Args:
        name: "ex00" to "ex99".
        data: the folder that has `iwls2020.npz`, or the PLA files `NAME.train.pla` (`valid`, `test`; plain or .gz), or
            has a folder `iwls2020` of them; None: the folder that LUTSMITH_DATA names.

    Raises:
        ValueError: there is no such function.
        MissingDataError: the folder has no rows of it.
        DataError: a file is damaged, or is not what it should be.
    """
    one_of("name", name, KNOWN)
    task = "iwls2020"
    root = data_folder(task, None if data is None else Path(data), FILE)
    for folder in (root / task, root):
        if (archive := folder / FILE).is_file() and (found := _of_archive(archive, name)) is not None:
            return found
        files = [
            next((path for end in (".pla", ".pla.gz") if (path := folder / f"{name}.{part}{end}").is_file()), None)
            for part in PARTS
        ]
        paths = [path for path in files if path is not None]
        if len(paths) == len(PARTS):
            return BooleanFunction(name, *(_of_pla(path) for path in paths))
    raise MissingDataError(
        f"{task}: no rows of {name} in {root / task} or {root}; expected them in {FILE}, or as {name}.train.pla, "
        f"{name}.valid.pla and {name}.test.pla (or with .gz)"
    )


def _of_archive(path: Path, name: str) -> BooleanFunction | None:
    wanted = [f"{name}_n", *(f"{name}_{part}_{side}" for part in PARTS for side in "xy")]
    arrays = read_npz(path, wanted)
    if f"{name}_n" not in arrays:
        return None
    try:
        inputs = int(arrays[f"{name}_n"])
        parts = []
        for part in PARTS:
            x, y = (arrays[f"{name}_{part}_{side}"] for side in "xy")
            bits = np.unpackbits(x, axis=1, count=inputs)
            parts.append(Minterms(bits.view(np.bool_), np.unpackbits(y, count=len(x)).view(np.bool_)))
        return BooleanFunction(name, *parts)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"{path}: the arrays of {name} are not as expected ({error})") from error


def _of_pla(path: Path) -> Minterms:
    try:
        x, y = read_pla(path).examples()
        return Minterms(x, y.reshape(-1))
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
