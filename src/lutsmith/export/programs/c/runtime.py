"""The C code that is the same for every circuit, from macros to LUTs, in pieces that `program` chooses from.

It is written with the prefixes `lutsmith_` and `LUTSMITH_`, which the name of the export replaces. `s` is the signals
of the netlist: bits of one sample, or words whose bit i belongs to sample i. Macros and constant arrays that pieces
use are defined before them.
"""

from __future__ import annotations

WORDS = """\
#ifndef LUTSMITH_WORD_BITS
#if UINTPTR_MAX > 0xffffffffu
#define LUTSMITH_WORD_BITS 64
#else
#define LUTSMITH_WORD_BITS 32
#endif
#endif
#if LUTSMITH_WORD_BITS == 64
typedef uint64_t lutsmith_word;
#elif LUTSMITH_WORD_BITS == 32
typedef uint32_t lutsmith_word;
#else
#error "LUTSMITH_WORD_BITS must be 32 or 64"
#endif
"""

STORAGE = """\
/* Where the signals lie while a function works: on the stack, or with "static" in memory that only one caller at a time
   may use. */
#ifndef LUTSMITH_STORAGE
#define LUTSMITH_STORAGE
#endif
"""

FLASH = """\
/* Constants in the program memory of an AVR, or of anything else for which you define these macros. */
#if defined(__AVR__) && !defined(LUTSMITH_FLASH)
#include <avr/pgmspace.h>
#include <string.h>
#define LUTSMITH_FLASH PROGMEM
#define LUTSMITH_READ(type, value, place) type value; memcpy_P(&value, (place), sizeof value)
#endif
#ifndef LUTSMITH_FLASH
#define LUTSMITH_FLASH
#endif
#ifndef LUTSMITH_READ
#define LUTSMITH_READ(type, value, place) const type value = *(place)
#endif
"""

FLOATS = """\
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error "comparisons must be those of IEEE 754, NaN included: compile without -ffast-math and -ffinite-math-only"
#endif
"""

DOUBLES = """\
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1
#error "arithmetic must round to double: on x86 compile with -msse2 -mfpmath=sse"
#endif
typedef char lutsmith_double_has_64_bits[sizeof(double) == 8 ? 1 : -1];
"""

BYTE_SIGNALS = """\
#define LUTSMITH_GET(s, i) ((s)[i])
#define LUTSMITH_SET(s, i, v) ((s)[i] = (uint8_t)(v))
"""

BIT_SIGNALS = """\
#define LUTSMITH_GET(s, i) (((s)[(i) >> 3] >> ((i) & 7u)) & 1u)
#define LUTSMITH_SET(s, i, v) \\
    ((s)[(i) >> 3] = (uint8_t)(((s)[(i) >> 3] & ~(1u << ((i) & 7u))) | ((unsigned)(v) << ((i) & 7u))))
"""

ENCODE = """\
static void lutsmith_encode(const lutsmith_feature *x, uint8_t *s)
{
    uint32_t i;
    for (i = 0; i < LUTSMITH_INPUTS; i++) {
        LUTSMITH_READ(lutsmith_place, feature, lutsmith_compared + i);
        LUTSMITH_READ(lutsmith_limit, limit, lutsmith_limits + i);
        LUTSMITH_SET(s, i, x[feature] @> limit);
    }
}
"""

ENCODE_WORDS = """\
static void lutsmith_encode_words(const lutsmith_feature *x, uint32_t samples, lutsmith_word *s)
{
    uint32_t i, lane;
    for (i = 0; i < LUTSMITH_INPUTS; i++) {
        LUTSMITH_READ(lutsmith_place, feature, lutsmith_compared + i);
        LUTSMITH_READ(lutsmith_limit, limit, lutsmith_limits + i);
        const lutsmith_feature *at = x + feature;
        lutsmith_word word = 0;
        for (lane = 0; lane < samples; lane++, at += LUTSMITH_FEATURES)
            word |= (lutsmith_word)(*at @> limit) << lane;
        s[i] = word;
    }
}
"""

READ_FANIN = """\
static uint32_t lutsmith_read(uint32_t place)
{
    LUTSMITH_READ(lutsmith_signal, signal, lutsmith_fanin + place);
    return signal;
}
"""

LUTS = """\
static void lutsmith_luts(uint8_t *s)
{
    uint32_t node, read = 0;
    for (node = 0; node < LUTSMITH_LUTS; node++) {
        @READ_NODE
        unsigned address = 0, j;
        for (j = 0; j < rank; j++, read++) {
            const uint32_t signal = lutsmith_read(read);
            address |= (unsigned)LUTSMITH_GET(s, signal) << j;
        }
        LUTSMITH_SET(s, LUTSMITH_INPUTS + node, (table >> address) & 1u);
    }
}
"""

LUTS_WORDS = """\
/* The first two inputs of a LUT have sixteen functions; four bits of the table name one of them for each value of the
   other inputs, which then choose among these. */
static void lutsmith_luts_words(lutsmith_word *s)
{
    uint32_t node, read = 0;
    for (node = 0; node < LUTSMITH_LUTS; node++) {
        @READ_NODE
        const lutsmith_word a = rank > 0 ? s[lutsmith_read(read)] : 0, b = rank > 1 ? s[lutsmith_read(read + 1)] : 0;
        const lutsmith_word of[16] = {0, ~(a | b), a & ~b, ~b, ~a & b, ~a, a ^ b, ~(a & b), a & b, ~(a ^ b), a, a | ~b,
                                      b, ~a | b, a | b, ~(lutsmith_word)0};
        lutsmith_word chosen[16];
        unsigned size = rank > 2 ? 1u << (rank - 2) : 1, slot, i;
        for (i = 0; i < size; i++)
            chosen[i] = of[(table >> (4 * i)) & 15u];
        for (slot = 2; slot < rank; slot++) {
            const lutsmith_word x = s[lutsmith_read(read + slot)];
            size /= 2;
            for (i = 0; i < size; i++)
                chosen[i] = (x & chosen[2 * i + 1]) | (~x & chosen[2 * i]);
        }
        s[LUTSMITH_INPUTS + node] = chosen[0];
        read += rank;
    }
}
"""

QUANTISE = """\
static float lutsmith_value(double low, double per_unit, uint32_t word)
{
    return (float)(low + (double)word / per_unit);
}

void lutsmith_quantise(const float *x, lutsmith_feature *words)
{
    uint32_t f;
    for (f = 0; f < LUTSMITH_FEATURES; f++) {
        LUTSMITH_READ(double, low, lutsmith_low + @f);
        LUTSMITH_READ(double, per_unit, lutsmith_per_unit + @f);
        const float at = x[f];
        const double guess = ((double)at - low) * per_unit;
        uint32_t word = 0;
        if (guess >= LUTSMITH_HIGHEST_WORD) {
            word = LUTSMITH_HIGHEST_WORD;
        } else if (guess > 0) { /* false for NaN, which is word 0 */
            word = (uint32_t)guess;
            if ((double)word < guess)
                word++;
        }
        /* float rounds the grid's values: the word that is meant may be a neighbour */
        if (word > 0 && lutsmith_value(low, per_unit, word - 1) >= at)
            word--;
        if (word < LUTSMITH_HIGHEST_WORD && lutsmith_value(low, per_unit, word) < at)
            word++;
        words[f] = (lutsmith_feature)word;
    }
}
"""
