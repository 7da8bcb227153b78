/* A network of look-up tables in C99 and C++, written by lutsmith.

   2 features (float) -> 5 comparators -> 7 LUTs (depth 2) -> 4 outputs -> 2 scores (classification)

   Define SMALL_IMPLEMENTATION in one source file before including this header there; include it anywhere else.
   SMALL_NO_BATCH leaves out the functions for many samples, SMALL_NO_NAMES the names.

   Flash: 67 bytes of constants, and a loop over them.
   RAM: 18 bytes for one sample; 128 for 64 at once, 64 for 32.
*/
#ifndef SMALL_H
#define SMALL_H

#include <stddef.h>
#include <stdint.h>

#define SMALL_FEATURES 2
#define SMALL_INPUTS 5
#define SMALL_LUTS 7
#define SMALL_SIGNALS 12
#define SMALL_OUTPUTS 4
#define SMALL_SCORES 2
#define SMALL_RESULTS 1
typedef float small_feature;
typedef int32_t small_result; /* the class with the highest score, the lowest of those that tie */

#ifdef __cplusplus
extern "C" {
#endif
/* One sample: SMALL_FEATURES numbers. Outputs: SMALL_OUTPUTS bytes 0 or 1. */
void small_outputs(const small_feature *x, uint8_t *outputs);
/* SMALL_SCORES scores, SMALL_RESULTS results. */
void small_scores(const small_feature *x, int32_t *scores);
void small_predict(const small_feature *x, small_result *result);
#ifndef SMALL_NO_BATCH
/* The same for n samples, one after the other. */
void small_outputs_batch(const small_feature *x, size_t n, uint8_t *outputs);
void small_scores_batch(const small_feature *x, size_t n, int32_t *scores);
void small_predict_batch(const small_feature *x, size_t n, small_result *results);
#endif
#ifndef SMALL_NO_NAMES
extern const char *const small_class_names[2];
#endif
#ifdef __cplusplus
}
#endif

#endif

#ifdef SMALL_IMPLEMENTATION
#undef SMALL_IMPLEMENTATION

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error "comparisons must be those of IEEE 754, NaN included: compile without -ffast-math and -ffinite-math-only"
#endif

#ifndef SMALL_WORD_BITS
#if UINTPTR_MAX > 0xffffffffu
#define SMALL_WORD_BITS 64
#else
#define SMALL_WORD_BITS 32
#endif
#endif
#if SMALL_WORD_BITS == 64
typedef uint64_t small_word;
#elif SMALL_WORD_BITS == 32
typedef uint32_t small_word;
#else
#error "SMALL_WORD_BITS must be 32 or 64"
#endif

/* Constants in the program memory of an AVR, or of anything else for which you define these macros. */
#if defined(__AVR__) && !defined(SMALL_FLASH)
#include <avr/pgmspace.h>
#include <string.h>
#define SMALL_FLASH PROGMEM
#define SMALL_READ(type, value, place) type value; memcpy_P(&value, (place), sizeof value)
#endif
#ifndef SMALL_FLASH
#define SMALL_FLASH
#endif
#ifndef SMALL_READ
#define SMALL_READ(type, value, place) const type value = *(place)
#endif

/* Where the signals lie while a function works: on the stack, or with "static" in memory that only one caller at a time
   may use. */
#ifndef SMALL_STORAGE
#define SMALL_STORAGE
#endif

#define SMALL_GET(s, i) (((s)[(i) >> 3] >> ((i) & 7u)) & 1u)
#define SMALL_SET(s, i, v) \
    ((s)[(i) >> 3] = (uint8_t)(((s)[(i) >> 3] & ~(1u << ((i) & 7u))) | ((unsigned)(v) << ((i) & 7u))))

#define SMALL_SIGNAL_BYTES 2
#define SMALL_RANK 4
#define SMALL_FIRST_OUTPUT 8
#define SMALL_GROUPS 2
#define SMALL_GROUP 2
#define SMALL_PLANES 2

#ifdef __cplusplus
extern "C" {
#endif

typedef uint8_t small_place;

static const uint8_t small_compared[5] SMALL_FLASH = {
    0, 0, 0, 1, 1
};

typedef float small_limit;

static const float small_limits[5] SMALL_FLASH = {
    171.5f, 205.5f, 5.5f, 206.5f, 131.5f
};

typedef uint8_t small_signal;

static const uint8_t small_fanin[28] SMALL_FLASH = {
    3, 1, 4, 0, 1, 2, 3, 2, 0, 0, 0, 0, 6, 6, 7, 5, 6, 5, 5, 7, 5, 5, 5, 5, 5, 7, 6, 6
};

typedef uint16_t small_table;

static const uint16_t small_tables[7] SMALL_FLASH = {
    14874, 35293, 40178, 23430, 42806, 26089, 24734
};

static void small_encode(const small_feature *x, uint8_t *s)
{
    uint32_t i;
    for (i = 0; i < SMALL_INPUTS; i++) {
        SMALL_READ(small_place, feature, small_compared + i);
        SMALL_READ(small_limit, limit, small_limits + i);
        SMALL_SET(s, i, x[feature] > limit);
    }
}

static uint32_t small_read(uint32_t place)
{
    SMALL_READ(small_signal, signal, small_fanin + place);
    return signal;
}

static void small_luts(uint8_t *s)
{
    uint32_t node, read = 0;
    for (node = 0; node < SMALL_LUTS; node++) {
        const unsigned rank = SMALL_RANK;
        SMALL_READ(small_table, table, small_tables + node);
        unsigned address = 0, j;
        for (j = 0; j < rank; j++, read++) {
            const uint32_t signal = small_read(read);
            address |= (unsigned)SMALL_GET(s, signal) << j;
        }
        SMALL_SET(s, SMALL_INPUTS + node, (table >> address) & 1u);
    }
}

static void small_run(const small_feature *x, uint8_t *s)
{
    small_encode(x, s);
    small_luts(s);
}

void small_outputs(const small_feature *x, uint8_t *outputs)
{
    SMALL_STORAGE uint8_t s[SMALL_SIGNAL_BYTES] = {0};
    uint32_t output;
    small_run(x, s);
    for (output = 0; output < SMALL_OUTPUTS; output++) {
        const uint32_t signal = SMALL_FIRST_OUTPUT + output;
        outputs[output] = (uint8_t)SMALL_GET(s, signal);
    }
}

static void small_count(const uint8_t *s, int32_t *counts)
{
    uint32_t group, i, output = 0;
    for (group = 0; group < SMALL_GROUPS; group++) {
        int32_t count = 0;
        for (i = 0; i < SMALL_GROUP; i++, output++) {
            const uint32_t signal = SMALL_FIRST_OUTPUT + output;
            count += (int32_t)SMALL_GET(s, signal);
        }
        counts[group] = count;
    }
}

static void small_score(const int32_t *counts, int32_t *scores)
{
    uint32_t c;
    for (c = 0; c < SMALL_SCORES; c++)
        scores[c] = counts[c];
}

static void small_decide(const int32_t *scores, int32_t *result)
{
    int32_t best = 0, c;
    for (c = 1; c < SMALL_SCORES; c++)
        if (scores[c] > scores[best])
            best = c;
    *result = best;
}

void small_scores(const small_feature *x, int32_t *scores)
{
    SMALL_STORAGE uint8_t s[SMALL_SIGNAL_BYTES] = {0};
    SMALL_STORAGE int32_t counts[SMALL_GROUPS];
    small_run(x, s);
    small_count(s, counts);
    small_score(counts, scores);
}

void small_predict(const small_feature *x, small_result *result)
{
    SMALL_STORAGE int32_t scores[SMALL_SCORES];
    small_scores(x, scores);
    small_decide(scores, result);
}

#ifndef SMALL_NO_BATCH

static void small_encode_words(const small_feature *x, uint32_t samples, small_word *s)
{
    uint32_t i, lane;
    for (i = 0; i < SMALL_INPUTS; i++) {
        SMALL_READ(small_place, feature, small_compared + i);
        SMALL_READ(small_limit, limit, small_limits + i);
        const small_feature *at = x + feature;
        small_word word = 0;
        for (lane = 0; lane < samples; lane++, at += SMALL_FEATURES)
            word |= (small_word)(*at > limit) << lane;
        s[i] = word;
    }
}

/* The first two inputs of a LUT have sixteen functions; four bits of the table name one of them for each value of the
   other inputs, which then choose among these. */
static void small_luts_words(small_word *s)
{
    uint32_t node, read = 0;
    for (node = 0; node < SMALL_LUTS; node++) {
        const unsigned rank = SMALL_RANK;
        SMALL_READ(small_table, table, small_tables + node);
        const small_word a = rank > 0 ? s[small_read(read)] : 0, b = rank > 1 ? s[small_read(read + 1)] : 0;
        const small_word of[16] = {0, ~(a | b), a & ~b, ~b, ~a & b, ~a, a ^ b, ~(a & b), a & b, ~(a ^ b), a, a | ~b,
                                      b, ~a | b, a | b, ~(small_word)0};
        small_word chosen[16];
        unsigned size = rank > 2 ? (1u << rank) / 4 : 1, slot, i;
        for (i = 0; i < size; i++)
            chosen[i] = of[(table >> (4 * i)) & 15u];
        for (slot = 2; slot < rank; slot++) {
            const small_word x = s[small_read(read + slot)];
            size /= 2;
            for (i = 0; i < size; i++)
                chosen[i] = (x & chosen[2 * i + 1]) | (~x & chosen[2 * i]);
        }
        s[SMALL_INPUTS + node] = chosen[0];
        read += rank;
    }
}

static void small_run_words(const small_feature *x, uint32_t samples, small_word *s)
{
    small_encode_words(x, samples, s);
    small_luts_words(s);
}

void small_outputs_batch(const small_feature *x, size_t n, uint8_t *outputs)
{
    SMALL_STORAGE small_word s[SMALL_SIGNALS];
    while (n > 0) {
        const uint32_t samples = n < SMALL_WORD_BITS ? (uint32_t)n : SMALL_WORD_BITS;
        uint32_t lane, output;
        small_run_words(x, samples, s);
        for (lane = 0; lane < samples; lane++)
            for (output = 0; output < SMALL_OUTPUTS; output++) {
                const uint32_t signal = SMALL_FIRST_OUTPUT + output;
                *outputs++ = (uint8_t)((s[signal] >> lane) & 1u);
            }
        x += (size_t)samples * SMALL_FEATURES;
        n -= samples;
    }
}

/* Counts as words: plane p of a group holds bit p of the count of every sample. */
static void small_count_words(const small_word *s, small_word *planes)
{
    uint32_t group, i, p, output = 0;
    for (group = 0; group < SMALL_GROUPS; group++, planes += SMALL_PLANES) {
        for (p = 0; p < SMALL_PLANES; p++)
            planes[p] = 0;
        for (i = 0; i < SMALL_GROUP; i++, output++) {
            const uint32_t signal = SMALL_FIRST_OUTPUT + output;
            small_word carry = s[signal];
            for (p = 0; p < SMALL_PLANES && carry; p++) {
                const small_word both = planes[p] & carry;
                planes[p] ^= carry;
                carry = both;
            }
        }
    }
}

static void small_counts_of(const small_word *planes, uint32_t lane, int32_t *counts)
{
    uint32_t group, p;
    for (group = 0; group < SMALL_GROUPS; group++, planes += SMALL_PLANES) {
        uint32_t count = 0;
        for (p = 0; p < SMALL_PLANES; p++)
            count |= (uint32_t)((planes[p] >> lane) & 1u) << p;
        counts[group] = (int32_t)count;
    }
}

static void small_batch(const small_feature *x, size_t n, int32_t *scores, small_result *results)
{
    SMALL_STORAGE small_word s[SMALL_SIGNALS];
    SMALL_STORAGE small_word planes[SMALL_GROUPS * SMALL_PLANES];
    SMALL_STORAGE int32_t counts[SMALL_GROUPS];
    SMALL_STORAGE int32_t sample_scores[SMALL_SCORES];
    while (n > 0) {
        const uint32_t samples = n < SMALL_WORD_BITS ? (uint32_t)n : SMALL_WORD_BITS;
        uint32_t lane;
        small_run_words(x, samples, s);
        small_count_words(s, planes);
        for (lane = 0; lane < samples; lane++) {
            int32_t *const to = scores ? scores : sample_scores;
            small_counts_of(planes, lane, counts);
            small_score(counts, to);
            if (scores)
                scores += SMALL_SCORES;
            if (results) {
                small_decide(to, results);
                results += SMALL_RESULTS;
            }
        }
        x += (size_t)samples * SMALL_FEATURES;
        n -= samples;
    }
}

void small_scores_batch(const small_feature *x, size_t n, int32_t *scores)
{
    small_batch(x, n, scores, NULL);
}

void small_predict_batch(const small_feature *x, size_t n, small_result *results)
{
    small_batch(x, n, NULL, results);
}

#endif

#ifndef SMALL_NO_NAMES

const char *const small_class_names[2] = {
    "class 0",
    "class 1"
};

#endif

#ifdef __cplusplus
}
#endif

#endif
