"""The loops over kernels and pooled places: the fold of a kernel's tree of LUTs, and the largest (OR) or smallest (AND)
value of each window of places, in one pass.

Only the pooled values are written. Backward, each sample of a pooled value has its gradient at one of the window's
places: the rows of the leaves are blended by it, the tree is evaluated once more, all in scratch, and differentiated
as one instance. A tree's LUTs, its nodes, are numbered from the lowest level up, and so are its rows in scratch.
Templates, as `kernels.training.templates` says.
"""

from __future__ import annotations

from typing import Any

from lutsmith.kernels.training.fold.loops import PLACES, SCRATCH_ROWS, SLOPES
from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.training.templates import (
    AROUND,
    BATCH_PARTS,
    CHOICES,
    DEPTH,
    DT,
    DT_MORE,
    DX,
    DX_MORE,
    FEATURES,
    GRAD,
    HARD,
    INNER,
    INPUTS,
    LUT_PARTS,
    LUTS,
    NODES,
    OUT,
    PIXELS,
    SAMPLES,
    SCRATCH,
    SCRATCH_STEP,
    SHARES,
    TABLE_COUNT,
    TABLE_PTR,
    TABLES,
    WIDTH,
    WINDOWS,
    X,
    share_of,
    zero,
)
from lutsmith.kernels.vectors import i32, i64, u8

# Rows of scratch, behind those of a LUT: the gradient of the tree, and what is compared with the best so far; then two
# for each node, its value and its gradient; then one for each leaf; then lists of addresses: the leaves' rows, and for
# each leaf and place of the window, where it reads and, from the begin of DX on, where its gradient is (-1: nowhere).
TOP, SPARE, TREE = SCRATCH_ROWS, SCRATCH_ROWS + 1, SCRATCH_ROWS + 2

# Filled in for each rank and dtype.
RANK: int
SIZE: int
LANES: int
real: Any
number: Any
evaluate: Any
differentiate: Any
weigh: Any
table_of: Any
keep_larger: Any
keep_smaller: Any
tail_kept: Any
add_row: Any
pick: Any
pick_four: Any
give: Any
give_four: Any


def scratch_rows(nodes: int, leaves: int, members: int, itemsize: int) -> int:
    """Rows of scratch that a tree takes beside those of a LUT."""
    lists = leaves * (1 + 2 * members)
    return TREE - SCRATCH_ROWS + 2 * nodes + leaves + -(-8 * lists // (ROW * itemsize))


def copy_row(source: int, target: int, count: int, whole: int) -> None:
    """Copy numbers, and fill up with zeros."""
    x, y = real(source), real(target)
    for q in range(count):
        y[q] = x[q]
    for q in range(count, whole):
        y[q] = number(0)


def own_table(a: Any, shared: int, first: int, number_of: int) -> int:
    """The table of a node: those of a level begin at the first; LUTs may share one."""
    return shared if a[TABLE_PTR] != 0 else first + number_of


def climb(a: Any, kernel: int, shared: int, levels: int, scratch: int, out: int, groups: int) -> None:
    """Values of the lowest levels of a tree, whose leaves' rows are known, into their rows; the tree's own to out."""
    values = scratch + TREE * ROW * SIZE
    rows, leaves = i64(scratch), i64(values + (2 * a[NODES] + a[WIDTH] * RANK) * ROW * SIZE)
    width, first, level_begins, below = a[WIDTH], 0, 0, 0
    kernels = a[LUTS] // a[INNER]
    for level in range(levels):
        for node in range(width):
            for l in range(RANK):
                child = node * RANK + l
                rows[l] = leaves[child] if level == 0 else values + (below + child) * ROW * SIZE
            entries = a[TABLES] + (own_table(a, shared, first, kernel * width + node) * SIZE << RANK)
            target = out if level + 1 == a[DEPTH] else values + (level_begins + node) * ROW * SIZE
            evaluate(entries, scratch, target, groups, scratch + PLACES * ROW * SIZE)
        below = level_begins
        level_begins += width
        first += kernels * width
        width //= RANK


def forward_pooled(address: int, part: int) -> None:
    """OUT[j] = the pooled trees of instance j, SHARES[j] the number of the place in its window, a byte a sample.

    INNER is the number of windows, CHOICES that of places in one, WINDOWS their places, HARD whether the smallest. A
    kernel is a tree of DEPTH levels and NODES LUTs, WIDTH of them in the lowest. Windows of one place have no SHARES.
    """
    a = i64(address)
    samples, count, windows = a[SAMPLES], a[INNER], i32(a[WINDOWS])
    step, total = samples * SIZE, a[WIDTH] * RANK
    first, last = share_of(a[LUTS], part, a[LUT_PARTS], 1)
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    copies = scratch + (TREE + 2 * a[NODES]) * ROW * SIZE
    leaves = i64(copies + total * ROW * SIZE)
    pairs, pixels = i32(a[INPUTS]), i32(a[PIXELS])
    t = 0
    for j in range(first, last):
        kernel = j // count
        window = j - kernel * count
        if a[TABLE_PTR] != 0:
            t = table_of(t, kernel, a[TABLE_PTR])
        for start in range(0, samples, ROW):
            m = min(ROW, samples - start)
            groups, full = m // LANES, m // LANES * LANES
            out, chosen, offset = a[OUT] + j * step + start * SIZE, a[SHARES] + j * samples + start, start * SIZE
            padded = groups + (full < m)
            inside = 0
            for member in range(a[CHOICES]):
                place = windows[member * count + window]
                if place < 0:
                    continue
                for leaf in range(total):
                    pair = 2 * (kernel * total + leaf)
                    pixel = pixels[pairs[pair + 1] + place]
                    row = a[X] + (pairs[pair] + pixel) * step if pixel >= 0 else a[AROUND] + (-1 - pixel) * step
                    leaves[leaf] = row + offset
                    if full < m:
                        leaves[leaf] = copies + leaf * ROW * SIZE
                        copy_row(row + offset, leaves[leaf], m, padded * LANES)
                target = out if inside == 0 and full == m else scratch + SPARE * ROW * SIZE
                climb(a, kernel, t, a[DEPTH], scratch, target, padded)
                if inside == 0:
                    if full < m:
                        copy_row(target, out, m, m)
                    if a[CHOICES] > 1:
                        numbers = u8(chosen)
                        for q in range(m):
                            numbers[q] = member
                elif a[HARD]:
                    keep_smaller(target, out, chosen, member, groups)
                    tail_kept(target, out, chosen, member, full, m, True)
                else:
                    keep_larger(target, out, chosen, member, groups)
                    tail_kept(target, out, chosen, member, full, m, False)
                inside += 1


def locate_leaves(a: Any, kernel: int, window: int, listed: int) -> int:
    """List where the leaves of a kernel read at the places of a window, 0 where it has none, and where their gradients
    are; how many places the window has.
    """
    step, total, members, inside = a[SAMPLES] * SIZE, a[WIDTH] * RANK, a[CHOICES], 0
    pairs, pixels, windows = i32(a[INPUTS]), i32(a[PIXELS]), i32(a[WINDOWS])
    sources, targets = i64(listed), i64(listed + 8 * total * members)
    for member in range(members):
        place = windows[member * a[INNER] + window]
        inside += place >= 0
        for leaf in range(total):
            at = leaf * members + member
            sources[at], targets[at] = 0, -1
            if place < 0:
                continue
            pair = 2 * (kernel * total + leaf)
            pixel = pixels[pairs[pair + 1] + place]
            if pixel >= 0:
                targets[at] = (pairs[pair] + pixel) * step
                sources[at] = a[X] + targets[at]
            else:
                sources[at] = a[AROUND] + (-1 - pixel) * step
    return inside


def blend(listed: int, members: int, chosen: int, start: int, m: int, blended: int) -> None:
    """The rows of a leaf at a window's places, at each sample that of the place chosen, filled up with zeros."""
    sources, numbers, y = i64(listed), u8(chosen), real(blended)
    groups, full = m // LANES, m // LANES * LANES
    begun = False
    for member in range(members):
        if sources[member] == 0:
            continue
        row = sources[member] + start * SIZE
        if begun:
            pick(row, chosen, member, blended, groups)
            x = real(row)
            for q in range(full, m):
                if numbers[q] == member:
                    y[q] = x[q]
        else:
            copy_row(row, blended, m, (m + LANES - 1) // LANES * LANES)
            begun = True


def backward_pooled(address: int, part: int) -> None:
    """Gradients of the part's instances: its copies of DX and DT are set to zero and added to."""
    a = i64(address)
    samples, count = a[SAMPLES], a[INNER]
    step, total = samples * SIZE, a[WIDTH] * RANK
    lut_part, batch_part = part // a[BATCH_PARTS], part % a[BATCH_PARTS]
    first, last = share_of(a[LUTS], lut_part, a[LUT_PARTS], 1)
    begin, end = share_of(samples, batch_part, a[BATCH_PARTS], 16)
    scratch = a[SCRATCH] + part * a[SCRATCH_STEP]
    copies = scratch + (TREE + 2 * a[NODES]) * ROW * SIZE
    leaves, listed = i64(copies + total * ROW * SIZE), copies + total * (ROW * SIZE + 8)
    sources = i64(listed)
    dx, dt = a[DX], a[DT]
    if dx != 0:
        if lut_part:
            dx = a[DX_MORE] + (lut_part - 1) * a[FEATURES] * step
        for k in range(a[FEATURES]):
            zero(dx + k * step + begin * SIZE, end - begin)
    if dt != 0:
        if part:
            dt = a[DT_MORE] + (part - 1) * (a[TABLE_COUNT] * SIZE << RANK)
        zero(dt, a[TABLE_COUNT] << RANK)
    t = 0
    for j in range(first, last):
        kernel = j // count
        window = j - kernel * count
        if a[TABLE_PTR] != 0:
            t = table_of(t, kernel, a[TABLE_PTR])
        members_inside = locate_leaves(a, kernel, window, listed)
        for start in range(begin, end, ROW):
            m = min(ROW, end - start)
            groups, full = m // LANES, m // LANES * LANES
            padded, chosen = groups + (full < m), a[SHARES] + j * samples + start
            for leaf in range(total):
                blended = copies + leaf * ROW * SIZE
                leaves[leaf] = blended
                if a[CHOICES] == 1 and full == m:
                    leaves[leaf] = sources[leaf] + start * SIZE
                elif members_inside == 4 and a[CHOICES] == 4 and full == m:
                    pick_four(listed + 8 * leaf * 4, start * SIZE, chosen, blended, groups)
                else:
                    blend(listed + 8 * leaf * a[CHOICES], a[CHOICES], chosen, start, m, blended)
            climb(a, kernel, t, a[DEPTH] - 1, scratch, 0, padded)
            g = a[GRAD] + j * step + start * SIZE
            if full < m:
                copy_row(g, scratch + TOP * ROW * SIZE, m, padded * LANES)
                g = scratch + TOP * ROW * SIZE
            descend(a, kernel, window, t, start, m, scratch, g, dx, dt)


def descend(
    a: Any, kernel: int, window: int, shared: int, start: int, m: int, scratch: int, g: int, dx: int, dt: int
) -> None:
    """Gradients of a tree's tables and leaves, given that of its value and the values of its nodes."""
    values = scratch + TREE * ROW * SIZE
    slopes_of = values + a[NODES] * ROW * SIZE
    rows, leaves = i64(scratch), i64(values + (2 * a[NODES] + a[WIDTH] * RANK) * ROW * SIZE)
    kernels, padded = a[LUTS] // a[INNER], (m + LANES - 1) // LANES
    width, level_begins = 1, a[NODES] - 1
    first = kernels * level_begins
    for step_down in range(a[DEPTH]):
        lowest = step_down + 1 == a[DEPTH]
        below = level_begins - width * RANK
        for node in range(width):
            for l in range(RANK):
                child = node * RANK + l
                rows[l] = leaves[child] if lowest else values + (below + child) * ROW * SIZE
            table = own_table(a, shared, first, kernel * width + node)
            entries = a[TABLES] + (table * SIZE << RANK)
            e = 0 if dt == 0 else dt + (table * SIZE << RANK)
            own = g if step_down == 0 else slopes_of + (level_begins + node) * ROW * SIZE
            if lowest and dx == 0:
                weigh(scratch, own, e, padded)
                continue
            d = scratch + SLOPES * ROW * SIZE if lowest else slopes_of + (below + node * RANK) * ROW * SIZE
            differentiate(entries, scratch, own, d, e, padded)
            if lowest:
                for l in range(RANK):
                    give_leaf(a, kernel, window, node * RANK + l, start, m, scratch, d + l * ROW * SIZE, dx)
        width *= RANK
        level_begins = below
        first -= kernels * width


def give_leaf(a: Any, kernel: int, window: int, leaf: int, start: int, m: int, scratch: int, d: int, dx: int) -> None:
    """Add the gradient of a leaf to the pixel that was read, at each sample's place."""
    total = a[WIDTH] * RANK
    groups, full, members = m // LANES, m // LANES * LANES, a[CHOICES]
    chosen = a[SHARES] + (kernel * a[INNER] + window) * a[SAMPLES] + start
    listed = scratch + (TREE + 2 * a[NODES] + total) * ROW * SIZE + 8 * total * (1 + members) + 8 * leaf * members
    targets, numbers, z = i64(listed), u8(chosen), real(d)
    if members == 4 and full == m and min(targets[0], targets[1], targets[2], targets[3]) >= 0:
        give_four(d, chosen, listed, dx + start * SIZE, groups)
        return
    for member in range(members):
        if targets[member] < 0:
            continue
        target = dx + targets[member] + start * SIZE
        y = real(target)
        if members == 1:
            add_row(target, d, groups)
            for q in range(full, m):
                y[q] += z[q]
        else:
            give(d, chosen, member, target, groups)
            for q in range(full, m):
                if numbers[q] == member:
                    y[q] += z[q]
