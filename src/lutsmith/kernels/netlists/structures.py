"""Structures of tables: a table of up to six inputs as gates of two inputs, and a network of LUTs as one of such gates.

A table is taken apart from both ends. From below: two inputs of which the rest sees only one bit (two of the four
cofactors are all that there is) are replaced by a gate; a function that reads every input once is found whole by that
(disjoint-support decomposition: Bertacco, Damiani, ICCAD 1997). From above: f = x ? h : l is x AND h, x OR l or x XOR l
where a cofactor is constant or l = NOT h; else l OR (x AND h) where l implies h, with inputs of h left out that l makes
needless; else l XOR (x AND (l XOR h)) or the multiplexer itself. Each input is tried as the first x. Gates that are
equal as functions are one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel

COMPILING = "compiling the restructuring of LUTs, once per machine, about 10 s"

INPUTS = 6
MOST = 96
"""Gates a table, at most: 15 multiplexers of three gates, on 16 gates of two inputs, are 61."""

_FALSE, _TRUE, _NONE = -2, -1, -3
"""A literal is 2 r + c: input r, or gate r - 6, complemented where c is 1; two are constants, one says that there is
none."""


@kernel(COMPILING)
def _halves(word: Any, j: int, variables: Any) -> Any:
    """The cofactors of input j, at 0 and at 1."""
    step = np.uint64(1 << j)
    low, high = word & ~variables[j], word & variables[j]
    return low | (low << step), high | (high >> step)


@kernel(COMPILING)
def _support(word: Any, variables: Any) -> int:
    """The number of inputs that a table depends on."""
    count = 0
    for j in range(INPUTS):
        low, high = _halves(word, j, variables)
        count += low != high
    return count


@kernel(COMPILING)
def _literal_word(literal: int, values: Any) -> Any:
    if literal < 0:
        return np.uint64(0) - np.uint64(literal & 1)
    return values[literal >> 1] ^ (np.uint64(0) - np.uint64(literal & 1))


@kernel(COMPILING)
def _found(word: Any, values: Any, count: int) -> int:
    """The literal of a function that there is already, or `_NONE`."""
    if word == np.uint64(0):
        return _FALSE
    if ~word == np.uint64(0):
        return _TRUE
    for r in range(INPUTS + count):
        if values[r] == word:
            return 2 * r
        if values[r] == ~word:
            return 2 * r + 1
    return _NONE


@kernel(COMPILING)
def _gate(table: int, a: int, b: int, values: Any, gates: Any, state: Any) -> int:
    """The literal of the gate whose value at (a, b) is bit a + 2 b of the table."""
    x, y = _literal_word(a, values), _literal_word(b, values)
    word = np.uint64(0)
    for entry in range(4):
        if table >> entry & 1:
            word |= (x if entry & 1 else ~x) & (y if entry >> 1 else ~y)
    literal: int = _found(word, values, state[0])
    if literal != _NONE:
        return literal
    entries = 0  # of the gate, on what a and b refer to
    for entry in range(4):
        if table >> (entry ^ (a & 1) ^ ((b & 1) << 1)) & 1:
            entries |= 1 << entry
    flipped = entries & 1
    count: int = state[0]
    gates[count, 0], gates[count, 1] = a >> 1, b >> 1
    gates[count, 2] = entries ^ 15 if flipped else entries
    values[INPUTS + count] = ~word if flipped else word
    state[0] = count + 1
    return 2 * (INPUTS + count) + flipped


@kernel(COMPILING)
def _composed(word: Any, frame: Any, values: Any, tree: Any) -> Any:
    """The function of the six inputs that a table of the literals in `frame` is."""
    for a in range(64):
        tree[a] = np.uint64(0) - ((word >> np.uint64(a)) & np.uint64(1))
    entries = 64
    for j in range(INPUTS):
        entries >>= 1
        select = _literal_word(frame[j], values)
        for a in range(entries):
            tree[a] = (tree[2 * a] & ~select) | (tree[2 * a + 1] & select)
    return tree[0]


@kernel(COMPILING)
def _slimmer(low: Any, high: Any, variables: Any) -> Any:
    """A function between two of few inputs: `low` implies it, and it implies `high`."""
    for j in range(INPUTS):
        low_0, low_1 = _halves(low, j, variables)
        high_0, high_1 = _halves(high, j, variables)
        if low_0 == low_1 and high_0 == high_1:
            continue
        if (low_0 | low_1) & ~(high_0 & high_1) == np.uint64(0):
            low, high = low_0 | low_1, high_0 & high_1
    return low if _support(low, variables) < _support(high, variables) else high


@kernel(COMPILING)
def _best_input(word: Any, variables: Any) -> int:
    """The input to expand in: the one that leaves least."""
    best, least = 0, 1 << 30
    for j in range(INPUTS):
        low, high = _halves(word, j, variables)
        if low == high:
            continue
        cost = 4 * (_support(low, variables) + _support(high, variables))
        if low & ~high == np.uint64(0):
            cost = 4 * (_support(low, variables) + _support(_slimmer(high & ~low, high, variables), variables)) - 4
        elif high & ~low == np.uint64(0):
            cost = 4 * (_support(high, variables) + _support(_slimmer(low & ~high, low, variables), variables)) - 4
        else:
            cost = min(cost, 4 * (_support(low, variables) + _support(low ^ high, variables)))
        if cost < least:
            best, least = j, cost
    return best


@kernel(COMPILING)
def _joined(word: Any, frame: Any, values: Any, gates: Any, state: Any, variables: Any) -> Any:
    """Replace pairs of inputs that the rest sees as one by gates, in `frame`; return the table that is left."""
    i = 0
    while i < INPUTS:
        low, high = _halves(word, i, variables)
        merged = False
        for j in range(i + 1, INPUTS):
            c00, c01 = _halves(low, j, variables)
            c10, c11 = _halves(high, j, variables)
            if (c00 == c01 and c10 == c11) or (c00 == c10 and c01 == c11):
                continue
            other = c10 if c10 != c00 else (c01 if c01 != c00 else c11)
            if (c01 != c00 and c01 != other) or (c10 != c00 and c10 != other) or (c11 != c00 and c11 != other):
                continue
            table = (c10 != c00) * 2 + (c01 != c00) * 4 + (c11 != c00) * 8
            frame[i] = _gate(table, frame[i], frame[j], values, gates, state)
            word = (c00 & ~variables[i]) | (other & variables[i])
            merged = True
            break
        i = 0 if merged else i + 1
    return word


@kernel(COMPILING)
def _chosen(word: Any, start: int, variables: Any) -> int:
    """The input to expand in: one with a constant cofactor, or opposite ones; else `start`, or what leaves least."""
    best = -1
    for j in range(INPUTS):
        low, high = _halves(word, j, variables)
        if low == high:
            continue
        if low == np.uint64(0) or ~low == np.uint64(0) or high == np.uint64(0) or ~high == np.uint64(0):
            return j
        if low == ~high:
            return j
        if j == start:
            best = j
    return best if best >= 0 else _best_input(word, variables)


@kernel(COMPILING)
def _last(word: Any, variables: Any) -> int:
    """The highest input that a table depends on."""
    for j in range(INPUTS - 1, 0, -1):
        low, high = _halves(word, j, variables)
        if low != high:
            return j
    return 0


@kernel(COMPILING)
def _split(low: Any, high: Any, in_order: bool, variables: Any, out: Any) -> int:
    """Say how x ? high : low is made: write the parts to `out` and return the plan.

    A plan is t for the gate t of x and the part; 16 + t for part 0 OR (t of x and part 1); 32 + t for part 0 XOR that;
    48 for the multiplexer.
    """
    if low == np.uint64(0):
        out[0] = high
        return 8
    if ~low == np.uint64(0):
        out[0] = high
        return 13
    if high == np.uint64(0):
        out[0] = low
        return 4
    if ~high == np.uint64(0):
        out[0] = low
        return 14
    if low == ~high:
        out[0] = low
        return 6
    if in_order:
        out[0], out[1] = low, high
        return 48
    if low & ~high == np.uint64(0):
        out[0], out[1] = low, _slimmer(high & ~low, high, variables)
        return 16 + 8
    if high & ~low == np.uint64(0):
        out[0], out[1] = high, _slimmer(low & ~high, low, variables)
        return 16 + 4
    if _support(low ^ high, variables) < max(_support(low, variables), _support(high, variables)):
        out[1] = low ^ high
        if _support(low, variables) > _support(high, variables):
            out[0] = high
            return 32 + 4
        out[0] = low
        return 32 + 8
    out[0], out[1] = low, high
    return 48


@kernel(COMPILING)
def _built(table: Any, start: int, in_order: bool, values: Any, gates: Any, state: Any, variables: Any) -> int:
    """The literal of a table; `start` is the input to expand in first, or -1. A stack: Numba caches no recursion."""
    words = np.empty(INPUTS + 2, np.uint64)
    frames = np.empty((INPUTS + 2, INPUTS), np.int64)
    plans = np.empty(INPUTS + 2, np.int64)
    owns = np.empty(INPUTS + 2, np.int64)
    firsts = np.empty(INPUTS + 2, np.int64)
    seconds = np.empty(INPUTS + 2, np.uint64)
    phases = np.zeros(INPUTS + 2, np.int64)
    tree = np.empty(64, np.uint64)
    parts = np.empty(2, np.uint64)
    words[0] = table
    for j in range(INPUTS):
        frames[0, j] = 2 * j
    depth = 0
    literal = _NONE
    while depth >= 0:
        frame = frames[depth]
        if phases[depth] == 0:
            literal = _found(_composed(words[depth], frame, values, tree), values, state[0])
            word = words[depth]
            if literal == _NONE and not in_order:
                word = _joined(word, frame, values, gates, state, variables)
                literal = _found(_composed(word, frame, values, tree), values, state[0])
            if literal == _NONE:
                x = _last(word, variables) if in_order else _chosen(word, start if depth == 0 else -1, variables)
                low, high = _halves(word, x, variables)
                plans[depth], owns[depth] = _split(low, high, in_order, variables, parts), frame[x]
                seconds[depth], phases[depth] = parts[1], 1
                depth += 1
                words[depth], phases[depth] = parts[0], 0
                frames[depth] = frame
                continue
        elif phases[depth] == 1 and plans[depth] >= 16:
            firsts[depth], phases[depth] = literal, 2
            depth += 1
            words[depth], phases[depth] = seconds[depth - 1], 0
            frames[depth] = frame
            continue
        else:
            plan, own = plans[depth], owns[depth]
            if plan < 16:
                literal = _gate(plan, own, literal, values, gates, state)
            elif plan < 48:
                inner = _gate(plan & 15, own, literal, values, gates, state)
                literal = _gate(14 if plan < 32 else 6, firsts[depth], inner, values, gates, state)
            else:
                lower = _gate(4, own, firsts[depth], values, gates, state)
                literal = _gate(14, lower, _gate(8, own, literal, values, gates, state), values, gates, state)
        depth -= 1
    return literal


@kernel(COMPILING)
def gates_of(tables: Any, variables: Any, in_order: bool) -> Any:
    """Take tables apart.

    Args:
        tables: uint64 (U,), of six inputs.
        variables: uint64 (6,), the table of each input.
        in_order: expand in the inputs as they stand, the highest first, with multiplexers alone: a decision diagram. It
            mostly takes more gates, and offers others.

    Returns:
        start: int64 (U + 1,), the gates of table u are start[u]:start[u + 1].
        gates: int16 (G, 3): what each reads (an input, or 6 + g for gate g of the table), and its four entries.
        outputs: int16 (U,), the literal of each table: 2 r + c as `gates` count r; -2 and -1 are 0 and 1.
    """
    start = np.zeros(tables.size + 1, np.int64)
    found = np.empty((max(1024, 16 * tables.size), 3), np.int16)
    outputs = np.empty(tables.size, np.int16)
    values = np.empty(INPUTS + MOST, np.uint64)
    gates = np.empty((MOST, 3), np.int16)
    best = np.empty((MOST, 3), np.int16)
    state = np.zeros(1, np.int64)
    for u in range(tables.size):
        least = MOST + 1
        for first in range(-1, INPUTS):
            state[0] = 0
            values[:INPUTS] = variables
            literal = _built(tables[u], first, in_order, values, gates, state, variables)
            if state[0] < least:
                least = state[0]
                outputs[u] = literal
                best[:least] = gates[:least]
            if least <= 1 or in_order:
                break
        if start[u] + least > len(found):
            more = np.empty((2 * len(found) + least, 3), np.int16)
            more[: start[u]] = found[: start[u]]
            found = more
        found[start[u] : start[u] + least] = best[:least]
        start[u + 1] = start[u] + least
    return start, found[: start[-1]], outputs


@kernel(COMPILING)
def apart(reads: Any, first: int, which: Any, whole: Any, start: Any, gates: Any, outputs: Any, total: int) -> Any:
    """Replace nodes by the gates of their tables.

    Args:
        reads: int32 (N, 6), what the nodes read, -1 where nothing; in topological order.
        first: the signal of node 0.
        which: int64 (N,), the table of each node.
        whole: bool (N,), the nodes that stay as they are.
        start: of `gates_of`.
        gates: of `gates_of`.
        outputs: of `gates_of`.
        total: at least as many as the new nodes.

    Returns:
        made: int32 (M, 6), what the new nodes read, in topological order.
        tables: int16 (M,), of gates their table of four entries; of whole nodes -1 - n, of node n.
        levels: int32 (M,), 0 for constants.
        number: int32 (signals,), the new signal of each old one.
    """
    made = np.full((total, INPUTS), -1, np.int32)
    tables = np.empty(total, np.int32)
    levels = np.zeros(total, np.int32)
    number = np.empty(first + len(reads), np.int32)
    for signal in range(first):
        number[signal] = signal
    count = 0
    for node in range(len(reads)):
        base = count
        if whole[node]:
            tables[count] = -1 - node
            for j in range(INPUTS):
                if reads[node, j] >= 0:
                    made[count, j] = number[reads[node, j]]
            count += 1
        else:
            u = which[node]
            for g in range(start[u], start[u + 1]):
                tables[count] = gates[g, 2]
                for side in range(2):
                    r = gates[g, side]
                    made[count, side] = number[reads[node, r]] if r < INPUTS else first + base + r - INPUTS
                count += 1
            literal = outputs[u]
            r = literal >> 1
            if literal < 0:
                tables[count] = 0 if literal == _FALSE else 15
                count += 1
            elif count > base and r == INPUTS + count - base - 1:
                tables[count - 1] ^= 15 * (literal & 1)
            else:  # a wire, or a gate that is not the last one
                made[count, 0] = number[reads[node, r]] if r < INPUTS else first + base + r - INPUTS
                tables[count] = 5 if literal & 1 else 10
                count += 1
        for place in range(base, count):
            for j in range(INPUTS):
                signal = made[place, j]
                if signal >= 0:
                    levels[place] = max(levels[place], 1 if signal < first else levels[signal - first] + 1)
        number[first + node] = first + count - 1
    return made[:count], tables[:count], levels[:count], number
