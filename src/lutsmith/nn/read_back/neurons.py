"""Numbers between modules, read back: sums and signs of neurons, found where a module reads bits or levels of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lutsmith.logic.sums import NotDecided
from lutsmith.nn.read_back.finding import LOST, ONE, ZERO, Finder, on_samples
from lutsmith.nn.read_back.heads import wrong_head
from lutsmith.nn.read_back.scores import wrong_scores
from lutsmith.nn.read_back.statements import (
    Added,
    Bits,
    Each,
    LinearSums,
    LutSums,
    NumberStatement,
    ResidualLevels,
    Scores,
)
from lutsmith.nn.sums.counting import bits_of, levels_of, residual_levels
from lutsmith.nn.sums.lut_layers import sums_of_luts
from lutsmith.nn.sums.numbers import Bound, Ids, Levels, Sums, evaluated
from lutsmith.nn.sums.scores import ScoreHead, head_of
from lutsmith.nn.sums.torch_modules import after

Made = TypeVar("Made")

_WORSE = {"proved": 0, "not established": 1, "failed": 2}

_UNREAD = "nothing has read its numbers"
_NOT_FOUND = "its neurons, or what they read, were not found"

_ATTEMPTS = tuple(itertools.product((True, False), repeat=2))


class NotEstablishedError(Exception):
    """Nothing is known about a module, for the reason given."""


class NumberWalk:
    """What the walk through a model knows about numbers.

    Attributes:
        numbers: the present ones, None where there are bits.
        waiting: the rows of modules that nothing has read yet; the last one is the module that numbers come from.
        scored: whether the last numbers are scores, if nothing follows.
    """

    def __init__(self, walk: Any) -> None:
        self.walk = walk
        self.numbers: Levels | Sums | None = None
        self.waiting: list[tuple[int, bool]] = []
        self.scored = False
        self._proved: set[Any] = set()
        self._luts: dict[int, str] = {}  # what is known of LUTs whose sums nothing has read yet

    def read(self, name: str, kind: str, stated: NumberStatement) -> None:
        """Go on through a module between numbers."""
        if self.walk.functions is None:
            self._read_features(stated)
        if self.numbers is None:
            self.numbers = Levels.of_bits(_apart(self.walk.values))
        try:
            if isinstance(stated, Added):
                self._add(name, kind, stated)
                return
            if isinstance(stated, LinearSums):
                levels = self.settled()
                self._wait(name, kind, counts=True)
                sums = Sums.of(levels, stated.maps, stated.shape, stated.step)
                self.numbers = replace(sums, forward=stated.forward)
            elif isinstance(stated, LutSums):
                self._read_luts(name, kind, stated)
            elif isinstance(stated, ResidualLevels):
                self._wait(name, kind)
                sums = self.numbers.as_sums().whole()
                self.numbers = replace(sums, last=stated.module)
                if stated.module.output != "sum":
                    self._joined(self.numbers)
            else:
                self._wait(name, kind)
                self.numbers = stated.after(self.numbers)
        except (ValueError, NotDecided) as error:
            raise NotEstablishedError(str(error)) from error
        binary = isinstance(stated, LutSums) and stated.module.binary_outputs
        self.scored = not (binary or (isinstance(stated, Each) and stated.sign))

    def _read_features(self, stated: Any) -> None:
        """Read comparators of raw features: whether they are 0 or more, as signs have it, or above 0, as LUTs do."""
        sign = isinstance(stated, Each) and stated.sign
        if not sign and not isinstance(stated, LutSums):
            raise NotEstablishedError("it reads raw features, real numbers, and not bits")
        shape = self.walk.values.shape
        bound = np.nextafter(np.float32(0), np.float32(-1)) if sign else np.float32(0)
        thresholds = np.full((int(np.prod(shape)), 1), bound, np.float32)
        everywhere = np.arange(len(thresholds)).reshape(shape)
        unbounded = np.zeros(0, np.float32), np.zeros(0, np.float32)
        encode = np.greater_equal if sign else np.greater
        bits = Bits(shape, thresholds, everywhere, lambda x: encode(x, np.float32(0)), unbounded)
        self.walk.read_encoder("input", "signs of features", bits)
        self.numbers = Levels.of_bits(_apart(self.walk.values)).affine(2, -1)

    def _read_luts(self, name: str, kind: str, stated: LutSums) -> None:
        numbers, row = self.numbers, len(self.walk.rows)
        assert numbers is not None
        self.walk.add(name, kind, "not established", _UNREAD)

        def agrees() -> bool:
            plain = numbers.as_sums()
            maker, simulated, x = on_samples(plain)
            found = sums_of_luts(stated.module, maker, simulated, stated.reads, stated.shape)
            sums = torch.from_numpy(maker.numbers(found.levels).sum(axis=-1)).float()
            return torch.equal(evaluated(found.steps[0], sums), evaluated(stated.module, x))

        sums = self._found(
            lambda maker: sums_of_luts(stated.module, maker, numbers, stated.reads, stated.shape), agrees, row
        )
        scaled = sums.steps[0]
        self.waiting = [(row, True)]
        self.numbers = replace(sums, forward=Bound(stated.module, lambda x: scaled(x.sum(dim=-1))))

    def reshape(self, module: nn.Module) -> None:
        """Apply a module of torch that only reshapes."""
        assert self.numbers is not None
        coded = isinstance(self.numbers, Sums) and self.numbers.last is not None
        self.numbers = after(module, self.settled() if coded else self.numbers)

    def settled(self) -> Levels:
        """The present numbers as levels, after finding their neurons."""
        numbers = self.numbers
        assert numbers is not None
        if isinstance(numbers, Levels):
            return numbers
        sums = numbers

        def agrees() -> bool:
            maker, simulated, wanted = on_samples(sums)
            return np.array_equal(maker.numbers(levels_of(maker, simulated)), wanted.double().cpu().numpy())

        self.numbers = self._found(lambda maker: levels_of(maker, sums), agrees)
        return self.numbers

    def _joined(self, sums: Sums) -> None:
        def agrees() -> bool:
            maker, simulated, wanted = on_samples(sums)
            return np.array_equal(maker.numbers(residual_levels(maker, simulated)), wanted.double().cpu().numpy())

        self.numbers = self._found(lambda maker: residual_levels(maker, sums), agrees)

    def to_bits(self) -> None:
        """Make the present numbers the bits of the walk, 1 where a number is above 1/2."""
        numbers = self.numbers
        if numbers is None:
            return
        sums = numbers.as_sums()

        def agrees() -> bool:
            maker, simulated, wanted = on_samples(sums)
            bits = bits_of(maker, simulated)  # before rows are looked at, which it adds to
            return np.array_equal(np.moveaxis(maker.rows[bits], -1, 0), wanted.cpu().numpy() > 0.5)

        self.walk.values = _as_before(self._found(lambda maker: bits_of(maker, numbers), agrees))
        self.numbers = None

    def end(self) -> Scores | None:
        """The head that the last numbers form if they are scores; bits otherwise."""
        sums = self.numbers
        if not isinstance(sums, Sums) or not self.scored:
            self.to_bits()
            return None

        def agrees() -> bool:
            maker, simulated, wanted = on_samples(sums)
            head = head_of(maker, simulated)
            return np.array_equal(_labels(head, maker.rows), wanted.argmax(-1).cpu().numpy())

        rows = list(self.waiting) or [(len(self.walk.rows) - 1, False)]
        head = self._found(lambda maker: head_of(maker, sums), agrees)
        outputs, groups, weights, bias = _as_before(head.outputs), *head[1:]
        known = bool((outputs >= 0).all() and (sums.levels.bits != LOST).all())
        different = wrong_scores(head, sums, self._inverses) if known else ""
        self.walk.values, self.numbers = outputs, None
        stated = Scores(np.arange(outputs.size), groups, weights, bias, note="the same order as the model's numbers")
        wrong = self.walk.wrong_outputs(outputs) or wrong_head(stated, self.walk.circuit) or different
        told = f"{outputs.size:,} outputs in {groups:,} groups, whose scores decide as all values of the sums do"
        verdict = "failed" if wrong else "proved" if known else "not established"
        for row, _ in rows:
            if self.walk.rows[row].verdict == "proved":
                self._tell(row, verdict, wrong or (told if known else _NOT_FOUND))
        return stated

    def _inverses(self, numbers: Ids) -> Ids:
        found: Ids = self.walk.functions.of_luts(numbers[:, None], np.full(len(numbers), 0b01, np.uint64))
        return found

    def _add(self, name: str, kind: str, stated: Added) -> None:
        before, found = self.numbers, []
        for part, module in stated.modules:
            self.numbers = before
            self.walk.visit(module, f"{name}.{part}")
            if self.walk.unknown is not None:
                return
            if self.numbers is None:
                self.numbers = Levels.of_bits(_apart(self.walk.values))
            found.append(self.settled())
        self._wait(name, kind)
        self.numbers = stated.join(found)
        self.scored = True

    def _wait(self, name: str, kind: str, *, counts: bool = False) -> None:
        self.waiting.append((len(self.walk.rows), counts))
        self.walk.add(name, kind, "not established", _UNREAD)

    def _tell(self, row: int, verdict: Any, reason: str) -> None:
        """Say what was found of a row: the first time anything, later only what is no better than was said before."""
        said = self.walk.rows[row]
        if said.reason == _UNREAD or _WORSE[verdict] >= _WORSE[said.verdict]:
            self.walk.rows[row] = replace(said, verdict=verdict, reason=reason)

    def _found(self, make: Callable[[Finder], Made], agrees: Callable[[], bool], own: int | None = None) -> Made:
        """Look for what numbers are made of, and say so in the rows that wait for it; LUTs are of the row `own`."""
        walk, first = self.walk, None
        for merged, folded in _ATTEMPTS:
            finder = Finder(walk.functions, self._proved, merged=merged, folded=folded)
            try:
                made = make(finder)
            except (ValueError, NotDecided) as error:
                raise NotEstablishedError(str(error)) from error
            first = first or (finder, made)
            if finder.found:
                break
        else:
            assert first is not None
            finder, made = first
        if finder.lost:
            read = np.concatenate([np.zeros(0, np.int64), *(part.reshape(-1) for part in finder.read)])
            walk.blame_encoder(_as_before(read))
        if finder.found and not agrees():
            raise NotEstablishedError(
                "on random samples its modules say something else than the neurons of the circuit"
            )
        rows, self.waiting = self.waiting, []
        if own is not None:
            self._luts[own] = f"{finder.own:,} LUTs: tables and wires; "
            if "LUTs" in finder.wrong:
                self._tell(own, "failed", finder.wrong.pop("LUTs"))
                finder.lost = True
            elif not finder.found:
                self._tell(own, "not established", _NOT_FOUND)
        elif not rows and not finder.found:  # what nothing waits for is still told
            rows = [(len(walk.rows) - 1, False)]
        for number, (row, counts) in enumerate(rows):
            if finder.found:
                before = self._luts.pop(row, "")
                what = f"{before}{finder.sums:,} sums, equal to the integers by substitution" if counts else ""
                last = f"{finder.bounds:,} thresholds, compared for every value" if number == len(rows) - 1 else ""
                told = "; ".join(part for part in (what, last) if part) or "evaluated at every integer of its sums"
                self._tell(
                    row, "proved", f"{told}; {finder.luts_made - finder.own:,} LUTs: tables and wires" if last else told
                )
            elif counts and "sums" in finder.wrong:
                self._tell(row, "failed", finder.wrong["sums"])
            elif number == len(rows) - 1 and "sums" not in finder.wrong and finder.wrong:
                self._tell(row, "failed", "; ".join(finder.wrong.values()))
            else:
                self._tell(row, "not established", _NOT_FOUND)
        return made


def _apart(values: Ids) -> Ids:
    """Numbers of bits; those that the circuit does not have, below 0, one less: they are not `MISSING` then."""
    return np.where((values < 0) & (values != LOST), values - 1, values)


def _as_before(values: Ids) -> Ids:
    """The numbers that `_apart` was given; those of constants."""
    values = np.where(values == ZERO, 0, np.where(values == ONE, 1, values))
    return np.where((values < 0) & (values != LOST), values + 1, values)


def _labels(head: ScoreHead, rows: NDArray[np.bool_]) -> Ids:
    """What a head says of the bits of samples."""
    bits = rows[head.outputs].astype(np.int64)
    counts = bits.reshape(head.num_groups, -1, bits.shape[1]).sum(axis=1)
    scores = counts if head.weights is None else head.weights @ counts
    if head.bias is not None:
        scores = scores + head.bias[:, None]
    labels: Ids = scores.argmax(axis=0)
    return labels
