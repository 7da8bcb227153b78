"""The C code from signals to outputs, scores and results, in pieces that `program` and `answers` choose from.

It is written with the prefixes of `runtime`, and stands after its pieces.
"""

from __future__ import annotations

COUNT = """\
static void lutsmith_count(const uint8_t *s@FROM, int32_t *counts)
{
    uint32_t group, i@START;
    for (group = 0; group < LUTSMITH_GROUPS; group++) {
        int32_t count = 0;
        for (i = 0; i < LUTSMITH_GROUP; i++, output++) {
            @READ_OUTPUT
            count += (int32_t)LUTSMITH_GET(s, signal);
        }
        counts[group] = count;
    }
}
"""

COUNT_WORDS = """\
/* Counts as words: plane p of a group holds bit p of the count of every sample. */
static void lutsmith_count_words(const lutsmith_word *s@FROM, lutsmith_word *planes)
{
    uint32_t group, i, p@START;
    for (group = 0; group < LUTSMITH_GROUPS; group++, planes += LUTSMITH_PLANES) {
        for (p = 0; p < LUTSMITH_PLANES; p++)
            planes[p] = 0;
        for (i = 0; i < LUTSMITH_GROUP; i++, output++) {
            @READ_OUTPUT
            lutsmith_word carry = s[signal];
            for (p = 0; p < LUTSMITH_PLANES && carry; p++) {
                const lutsmith_word both = planes[p] & carry;
                planes[p] ^= carry;
                carry = both;
            }
        }
    }
}

static void lutsmith_counts_of(const lutsmith_word *planes, uint32_t lane, int32_t *counts)
{
    uint32_t group, p;
    for (group = 0; group < LUTSMITH_GROUPS; group++, planes += LUTSMITH_PLANES) {
        uint32_t count = 0;
        for (p = 0; p < LUTSMITH_PLANES; p++)
            count |= (uint32_t)((planes[p] >> lane) & 1u) << p;
        counts[group] = (int32_t)count;
    }
}
"""

PLAIN_SCORES = """\
static void lutsmith_score(const int32_t *counts, int32_t *scores)
{
    uint32_t c;
    for (c = 0; c < LUTSMITH_SCORES; c++)
        scores[c] = counts[c];
}
"""

AFFINE_SCORES = """\
static void lutsmith_score(const int32_t *counts, int32_t *scores)
{
    uint32_t c@GROUPS;
    for (c = 0; c < LUTSMITH_SCORES; c++) {
        @sum sum = 0;
@TERMS
        scores[c] = (int32_t)sum;
    }
}
"""

BIAS = """\
        {
            LUTSMITH_READ(lutsmith_bias_type, bias, lutsmith_bias + c);
            sum += bias;
        }"""

WEIGHTED = """\
        for (g = 0; g < LUTSMITH_GROUPS; g++) {
            LUTSMITH_READ(lutsmith_weight, weight, lutsmith_weights + c * (uint32_t)LUTSMITH_GROUPS + g);
            sum += (@sum)weight * (@sum)counts[g];
        }"""

UNWEIGHTED = "        sum += counts[c];"

ARGMAX = """\
static void lutsmith_decide(const int32_t *scores, int32_t *result)
{
    int32_t best = 0, c;
    for (c = 1; c < LUTSMITH_SCORES; c++)
        if (scores[c] > scores[best])
            best = c;
    *result = best;
}
"""

ABOVE_ZERO = """\
static void lutsmith_decide(const int32_t *scores, uint8_t *result)
{
    uint32_t c;
    for (c = 0; c < LUTSMITH_SCORES; c++)
        result[c] = (uint8_t)(scores[c] > 0);
}
"""

VALUES = """\
static void lutsmith_decide(const int32_t *scores, double *result)
{
    uint32_t c;
    for (c = 0; c < LUTSMITH_SCORES; c++) {
        volatile double value = (double)scores[c]; /* volatile: each step is rounded, none is fused with the next */
@STEPS
        result[c] = value;
    }
}
"""

SCALE = """\
        {
            LUTSMITH_READ(double, scale, lutsmith_scale + c);
            value = value * scale;
        }"""

OFFSET = """\
        {
            LUTSMITH_READ(double, offset, lutsmith_offset + c);
            value = value + offset;
        }"""

OUTPUTS = """\
void lutsmith_outputs(const lutsmith_feature *x, uint8_t *outputs)
{
    LUTSMITH_STORAGE uint8_t s[LUTSMITH_SIGNAL_BYTES] = {0};
    uint32_t output;
    lutsmith_run(x, s);
    for (output = 0; output < LUTSMITH_OUTPUTS; output++) {
        @READ_OUTPUT
        outputs[output] = (uint8_t)LUTSMITH_GET(s, signal);
    }
}
"""

SCORES = """\
void lutsmith_scores(const lutsmith_feature *x, int32_t *scores)
{
    LUTSMITH_STORAGE uint8_t s[LUTSMITH_SIGNAL_BYTES] = {0};
    LUTSMITH_STORAGE int32_t counts[LUTSMITH_GROUPS];
    lutsmith_run(x, s);
    lutsmith_count(s, counts);
    lutsmith_score(counts, scores);
}

void lutsmith_predict(const lutsmith_feature *x, lutsmith_result *result)
{
    LUTSMITH_STORAGE int32_t scores[LUTSMITH_SCORES];
    lutsmith_scores(x, scores);
    lutsmith_decide(scores, result);
}
"""

NO_OUTPUTS = """\
void lutsmith_outputs(const lutsmith_feature *x, uint8_t *outputs)
{
    uint8_t s[LUTSMITH_SIGNAL_BYTES] = {0};
    lutsmith_run(x, s);
    (void)outputs;
}
"""

OUTPUTS_BATCH = """\
void lutsmith_outputs_batch(const lutsmith_feature *x, size_t n, uint8_t *outputs)
{
    LUTSMITH_STORAGE lutsmith_word s[LUTSMITH_SIGNALS];
    while (n > 0) {
        const uint32_t samples = n < LUTSMITH_WORD_BITS ? (uint32_t)n : LUTSMITH_WORD_BITS;
        uint32_t lane, output;
        lutsmith_run_words(x, samples, s);
        for (lane = 0; lane < samples; lane++)
            for (output = 0; output < LUTSMITH_OUTPUTS; output++) {
                @READ_OUTPUT
                *outputs++ = (uint8_t)((s[signal] >> lane) & 1u);
            }
        x += (size_t)samples * LUTSMITH_FEATURES;
        n -= samples;
    }
}
"""

NO_OUTPUTS_BATCH = """\
void lutsmith_outputs_batch(const lutsmith_feature *x, size_t n, uint8_t *outputs)
{
    lutsmith_word s[LUTSMITH_SIGNALS];
    if (n > 0)
        lutsmith_run_words(x, 1, s);
    (void)outputs;
}
"""

SCORES_BATCH = """\
static void lutsmith_batch(const lutsmith_feature *x, size_t n, int32_t *scores, lutsmith_result *results)
{
    LUTSMITH_STORAGE lutsmith_word s[LUTSMITH_SIGNALS];
    LUTSMITH_STORAGE lutsmith_word planes[LUTSMITH_GROUPS * LUTSMITH_PLANES];
    LUTSMITH_STORAGE int32_t counts[LUTSMITH_GROUPS];
    LUTSMITH_STORAGE int32_t sample_scores[LUTSMITH_SCORES];
    while (n > 0) {
        const uint32_t samples = n < LUTSMITH_WORD_BITS ? (uint32_t)n : LUTSMITH_WORD_BITS;
        uint32_t lane;
        lutsmith_run_words(x, samples, s);
        lutsmith_count_words(s, planes);
        for (lane = 0; lane < samples; lane++) {
            int32_t *const to = scores ? scores : sample_scores;
            lutsmith_counts_of(planes, lane, counts);
            lutsmith_score(counts, to);
            if (scores)
                scores += LUTSMITH_SCORES;
            if (results) {
                lutsmith_decide(to, results);
                results += LUTSMITH_RESULTS;
            }
        }
        x += (size_t)samples * LUTSMITH_FEATURES;
        n -= samples;
    }
}

void lutsmith_scores_batch(const lutsmith_feature *x, size_t n, int32_t *scores)
{
    lutsmith_batch(x, n, scores, NULL);
}

void lutsmith_predict_batch(const lutsmith_feature *x, size_t n, lutsmith_result *results)
{
    lutsmith_batch(x, n, NULL, results);
}
"""
