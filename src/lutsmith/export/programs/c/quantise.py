"""The function of a header from numbers to words."""

from __future__ import annotations

import numpy as np

from lutsmith.export.programs.c import runtime
from lutsmith.export.programs.c.constants import Constants
from lutsmith.export.programs.c.inputs import InputCode, format_reads, takes_floats
from lutsmith.logic.words import Words

_GRID = """\
    for (i = 0; i < LUTSMITH_FEATURES; i++) {
        LUTSMITH_READ(double, low, lutsmith_low@I);
        LUTSMITH_READ(double, per_unit, lutsmith_per_unit@I);
        words[i] = (lutsmith_feature)lutsmith_level(low, per_unit, @HIGHEST, x[i]);
    }
"""

_FLOATS = """\
    for (i = 0; i < LUTSMITH_FEATURES; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        words[i] = bits;
    }
"""

_NOTHING = """\
    for (i = 0; i < LUTSMITH_FEATURES; i++)
        words[i] = 0;
"""

_OWN = """\
    for (i = 0; i < @COUNT; i++) {
        @READ
        const uint32_t word = @WORD, mask = ((uint32_t)1 << length) - 1;
        words[feature] = (lutsmith_feature)(word & mask);
    }
"""


def has_quantise(words: Words) -> bool:
    """Whether there is such a function: numbers are floats, which words above 24 bits cannot be made of."""
    return not takes_floats(words) and (words.formats is None or not words.formats.is_long)


def quantise(words: Words, code: InputCode, *, has_doubles: bool) -> tuple[str, int]:
    """Return the function, with constants and helpers that are not there yet, and the bytes of its constants."""
    constants = Constants()
    body, helpers = [], []
    if words.grid is not None:
        low, per_unit = words.grid.low, words.grid.per_unit
        same = bool((low == low[0]).all() and (per_unit == per_unit[0]).all())
        constants.add("low", low[:1] if same else low)
        constants.add("per_unit", per_unit[:1] if same else per_unit)
        helpers.append(runtime.LEVEL)
        body.append(_GRID.replace("@I", "" if same else " + i").replace("@HIGHEST", str(words.grid.highest)))
    elif words.is_float:
        body.append(_FLOATS)
    else:
        body.append(_NOTHING)
    if words.formats is not None:
        plain = words.formats.plain
        for chosen, word, needed in (
            (np.flatnonzero(plain), "(uint32_t)lutsmith_integer(x[feature], length, is_signed)", [runtime.INTEGER]),
            (
                np.flatnonzero(~plain),
                "lutsmith_scaled(x[feature], first, per_unit, length, is_signed)",
                [runtime.LEVEL, runtime.SCALED],
            ),
        ):
            if not chosen.size:
                continue
            kind = "integers" if runtime.INTEGER in needed else "scaled"
            reads = [constants.read("feature", f"{kind}_feature", words.formats.feature[chosen], "i")]
            reads += format_reads(words.formats, chosen, constants, kind, "i")
            text = _OWN.replace("@COUNT", str(chosen.size)).replace("@READ", "\n        ".join(reads))
            body.append(text.replace("@WORD", word))
            helpers += needed
    helpers = [text for text in dict.fromkeys(helpers) if text not in code.helpers]
    needs_doubles = runtime.LEVEL in helpers and not has_doubles
    opening = "void lutsmith_quantise(const float *x, lutsmith_feature *words)\n{\n    uint32_t i;\n"
    function = f"{opening}{''.join(body)}}}\n"
    checks = [runtime.DOUBLES] if needs_doubles else []
    parts = ["#ifndef LUTSMITH_NO_QUANTISE\n", *checks, *constants.definitions, *helpers, function, "#endif\n"]
    return "\n".join(parts), constants.num_bytes
