"""What a LUT votes for: a code says how many votes each score gets where the LUT is 1."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray


def draw_codes(num_scores: int, plus: int, minus: int, count: int, seed: int) -> NDArray[np.int32]:
    """Return different codes, int32 (G, K), each with `plus` scores that get a vote and `minus` that lose one.

    With one score that gets a vote and none that loses one, there are K codes, in the order of the scores. Otherwise up
    to `count` codes are drawn, such that every score is in about as many codes as any other.

    Args:
        num_scores: K.
        plus: how many scores a LUT votes for, at least 1.
        minus: how many it votes against; fewer where there are not so many.
        count: G at the most.
        seed: of what is drawn.
    """
    if (plus, minus) == (1, 0) or num_scores == 1:
        return np.eye(num_scores, dtype=np.int32)
    plus = min(plus, num_scores - 1)
    minus = min(minus, num_scores - plus)
    rng, tries = np.random.default_rng([seed, 0xC0DE]), 8 * count
    count = min(count, comb(num_scores, plus) * comb(num_scores - plus, minus))
    found: dict[bytes, NDArray[np.int32]] = {}
    waiting: list[int] = []
    for _ in range(tries):  # the same code may be drawn again where there are few
        while len(dict.fromkeys(waiting)) < plus + minus:
            waiting.extend(rng.permutation(num_scores).tolist())
        scores = list(dict.fromkeys(waiting))[: plus + minus]
        for score in scores:
            waiting.remove(score)
        code = np.zeros(num_scores, np.int32)
        chosen = rng.permutation(scores)
        code[chosen[:plus]], code[chosen[plus:]] = 1, -1
        found.setdefault(code.tobytes(), code)
        if len(found) == count:
            break
    return np.stack(list(found.values()))
