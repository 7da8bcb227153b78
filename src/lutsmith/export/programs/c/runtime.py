"""The C code that is the same for every circuit, in pieces that `program` chooses from.

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

FLOAT_OF = """\
static float lutsmith_float_of(lutsmith_feature word)
{
    const uint32_t bits = (uint32_t)word;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
"""

INTEGER = """\
/* The integer of some bits that is nearest to x, halves down; 0 for NaN. */
static int32_t lutsmith_integer(float x, unsigned length, unsigned is_signed)
{
    const int32_t high = (int32_t)(((uint32_t)1 << (length - is_signed)) - 1), low = is_signed ? -high - 1 : 0;
    int32_t word;
    if (x != x)
        return 0;
    if (x <= (float)low)
        return low;
    if (x >= (float)high)
        return high;
    word = (int32_t)x;
    if ((float)word > x)
        word--;
    return word + (x > (float)word + 0.5f);
}
"""

LEVEL = """\
static float lutsmith_value(double low, double per_unit, uint32_t word)
{
    return (float)(low + (double)word / per_unit);
}

/* How many words below the highest stand for less than x: beside the quotient, or where float is coarser than the
   grid, by halves. None for NaN. */
static uint32_t lutsmith_level(double low, double per_unit, uint32_t highest, float x)
{
    const double guess = ((double)x - low) * per_unit;
    const uint32_t near_it = guess > 0 ? (guess < highest ? (uint32_t)guess : highest) : 0;
    uint32_t least = 0, most = highest;
    if (near_it > 1) {
        if (lutsmith_value(low, per_unit, near_it - 2) < x)
            least = near_it - 1;
        else
            most = near_it - 2;
    }
    if (near_it + 1 < most) {
        if (lutsmith_value(low, per_unit, near_it + 1) < x)
            least = near_it + 2;
        else
            most = near_it + 1;
    }
    while (least < most) {
        const uint32_t middle = least + (most - least) / 2;
        if (lutsmith_value(low, per_unit, middle) < x)
            least = middle + 1;
        else
            most = middle;
    }
    return least;
}
"""

SCALED = """\
/* The word of some bits whose value is nearest to x; 0 for NaN. */
static uint32_t lutsmith_scaled(float x, double first, double per_unit, unsigned length, unsigned is_signed)
{
    const uint32_t below_zero = is_signed ? (uint32_t)1 << (length - 1) : 0;
    return x == x ? lutsmith_level(first, per_unit, ((uint32_t)1 << length) - 1, x) - below_zero : 0;
}
"""
