/* test_quantiles.c
 * Quantiles and overlaps held against the plain way of finding them, in any order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <glib.h>

#include "reports/quantiles.h"

static gint compare(gconstpointer a, gconstpointer b)
{
    const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return x < y ? -1 : x > y;
}

/* Nearest rank, by its definition. */
static gint64 plain_quantile(GArray *values, guint percent)
{
    g_array_sort(values, compare);
    const guint rank = (values->len * percent + 99) / 100;
    return g_array_index(values, gint64, MAX(rank, 1) - 1);
}

static void check_quantiles(guint count, gint64 scale, double tolerance)
{
    GRand *rand = g_rand_new_with_seed(count);
    GArray *values = g_array_new(FALSE, FALSE, sizeof(gint64));
    struct tcphs_samples samples = { 0 };
    gint64 sum = 0;
    for (guint i = 0; i < count; i++) {
        const gint64 value = (gint64)((double)scale * g_rand_double(rand) * g_rand_double(rand));
        g_array_append_val(values, value);
        tcphs_samples_add(&samples, value);
        sum += value;
    }
    for (guint percent = 5; percent <= 100; percent += 5) {
        const double plain = (double)plain_quantile(values, percent);
        const double got = (double)tcphs_samples_quantile(&samples, percent / 100.0);
        g_assert_cmpfloat(ABS(got - plain), <=, tolerance * plain);
    }
    g_assert_cmpint(samples.sum, ==, sum);
    g_assert_cmpint(samples.least, ==, g_array_index(values, gint64, 0));
    g_assert_cmpint(samples.most, ==, g_array_index(values, gint64, count - 1));
    tcphs_samples_clear(&samples);
    g_array_free(values, TRUE);
    g_rand_free(rand);
}

static void test_quantiles(void)
{
    static const gint64 scales[] = { 10, 1000000, G_GINT64_CONSTANT(4000000000000) };
    struct tcphs_samples none = { 0 };
    g_assert_cmpint(tcphs_samples_quantile(&none, 0.95), ==, -1);
    for (guint i = 0; i < G_N_ELEMENTS(scales); i++) {
        for (guint count = 1; count < 60; count++)
            check_quantiles(count, scales[i], 0);
        check_quantiles(TCPHS_EXACT_SAMPLES, scales[i], 0);
        check_quantiles(TCPHS_EXACT_SAMPLES + 1, scales[i], 0.01);
        check_quantiles(TCPHS_EXACT_SAMPLES * 5, scales[i], 0.01);
    }
}

static guint plain_peak(const gint64 (*spans)[2], guint count)
{
    guint peak = 0;
    for (guint i = 0; i < count; i++) {
        guint open = 0;
        for (guint k = 0; k < count; k++)
            open += spans[k][0] <= spans[i][0] && spans[i][0] < spans[k][1];
        peak = MAX(peak, open);
    }
    return peak;
}

static void test_overlap(void)
{
    GRand *rand = g_rand_new_with_seed(3);
    gint64 spans[200][2];
    for (int round = 0; round < 300; round++) {
        const guint count = (guint)g_rand_int_range(rand, 1, 200);
        struct tcphs_overlap overlap = { 0 };
        for (guint i = 0; i < count; i++) {
            spans[i][0] = g_rand_int_range(rand, 0, 500);
            spans[i][1] = spans[i][0] + g_rand_int_range(rand, 1, 100);
            tcphs_overlap_add(&overlap, spans[i][0], spans[i][1]);
            g_assert_cmpuint(overlap.peak, ==, plain_peak(spans, i + 1));
        }
        tcphs_overlap_clear(&overlap);
    }
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/figures/quantiles", test_quantiles);
    g_test_add_func("/figures/overlap", test_overlap);
    return g_test_run();
}
