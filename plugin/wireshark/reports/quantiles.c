/* quantiles.c
 * Sorted samples up to a limit, then a histogram with 64 steps to each power of two; spans as two sorted sequences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/quantiles.h"

#include <string.h>

/* Samples ------------------------------------------------------------------------------------------------------- */

enum { STEP_BITS = 6, STEPS = 1 << STEP_BITS, BUCKETS = (64 - STEP_BITS) * STEPS };

static guint bucket_of(gint64 value)
{
    if (value < STEPS)
        return (guint)value;
    const guint power = (guint)g_bit_storage((gulong)value) - 1 - STEP_BITS; /* 0 for values just above STEPS */
    return (power + 1) * STEPS + (guint)((value >> power) - STEPS);
}

/* The middle of what a bucket holds. */
static gint64 value_of(guint bucket)
{
    if (bucket < STEPS)
        return bucket;
    const guint power = bucket / STEPS - 1;
    const gint64 least = (gint64)(bucket % STEPS + STEPS) << power;
    return least + ((gint64)1 << power) / 2;
}

static void put_sorted(GArray *sorted, gint64 value)
{
    guint low = 0, high = sorted->len;
    while (low < high) {
        const guint middle = low + (high - low) / 2;
        if (g_array_index(sorted, gint64, middle) <= value)
            low = middle + 1;
        else
            high = middle;
    }
    g_array_insert_val(sorted, low, value);
}

static void count_in_buckets(struct tcphs_samples *s)
{
    s->buckets = g_new0(guint32, BUCKETS);
    for (guint i = 0; i < s->sorted->len; i++)
        s->buckets[bucket_of(g_array_index(s->sorted, gint64, i))]++;
    g_array_free(s->sorted, TRUE);
    s->sorted = NULL;
}

void tcphs_samples_add(struct tcphs_samples *s, gint64 value)
{
    if (s->count == TCPHS_EXACT_SAMPLES)
        count_in_buckets(s);
    if (s->buckets != NULL) {
        s->buckets[bucket_of(value)]++;
    } else {
        if (s->sorted == NULL)
            s->sorted = g_array_new(FALSE, FALSE, sizeof(gint64));
        put_sorted(s->sorted, value);
    }
    s->least = s->count == 0 ? value : MIN(s->least, value);
    s->most = MAX(s->most, value);
    s->sum += value;
    s->count++;
}

gint64 tcphs_samples_quantile(const struct tcphs_samples *s, double share)
{
    if (s->count == 0)
        return -1;
    guint64 rank = (guint64)((double)s->count * share);
    rank += (double)rank < (double)s->count * share; /* rounded up */
    rank = CLAMP(rank, 1, s->count);
    if (s->buckets == NULL)
        return g_array_index(s->sorted, gint64, rank - 1);
    guint bucket = 0;
    for (guint64 below = s->buckets[0]; below < rank; below += s->buckets[bucket])
        bucket++;
    return CLAMP(value_of(bucket), s->least, s->most);
}

void tcphs_samples_clear(struct tcphs_samples *s)
{
    if (s->sorted != NULL)
        g_array_free(s->sorted, TRUE);
    g_free(s->buckets);
    memset(s, 0, sizeof *s);
}

/* Overlap ------------------------------------------------------------------------------------------------------- */

static gint compare_times(gconstpointer a, gconstpointer b, gpointer unused)
{
    (void)unused;
    const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return x < y ? -1 : x > y;
}

static GSequenceIter *put(GSequence *times, gint64 time)
{
    return g_sequence_insert_sorted(times, g_memdup2(&time, sizeof time), compare_times, NULL);
}

/* How many of the times are not later than that one. */
static guint up_to(GSequence *times, gint64 time)
{
    return (guint)g_sequence_iter_get_position(g_sequence_search(times, &time, compare_times, NULL));
}

static void keep_peak(struct tcphs_overlap *o, gint64 moment)
{
    const guint open = up_to(o->starts, moment) - up_to(o->ends, moment);
    o->peak = MAX(o->peak, open);
}

void tcphs_overlap_add(struct tcphs_overlap *o, gint64 from, gint64 to)
{
    if (to <= from)
        to = from + 1;
    if (o->peak == 0) {
        o->from = from;
        o->to = to;
        o->peak = 1;
        return;
    }
    if (o->starts == NULL) {
        o->starts = g_sequence_new(g_free);
        o->ends = g_sequence_new(g_free);
        put(o->starts, o->from);
        put(o->ends, o->to);
    }
    put(o->ends, to);
    /* The most is reached where some span begins: at this one, or at a later one that it holds. */
    GSequenceIter *start = put(o->starts, from);
    for (; !g_sequence_iter_is_end(start) && *(gint64 *)g_sequence_get(start) < to; start = g_sequence_iter_next(start))
        keep_peak(o, *(gint64 *)g_sequence_get(start));
}

void tcphs_overlap_clear(struct tcphs_overlap *o)
{
    if (o->starts != NULL) {
        g_sequence_free(o->starts);
        g_sequence_free(o->ends);
    }
    memset(o, 0, sizeof *o);
}
