/* test_traces.c
 * Runs every script of tests/scripts with several pairs of initial sequence numbers, straight and mirrored, and demands
 * that every row of findings.def has a script that shows it and a near miss that does not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "trace.h"

/* Zero, ordinary, just below 2^32, across the sign change, and mixed. */
static const guint32 starts[][2] = {
    { 0, 0 }, { 1000, 900000 }, { 0xFFFFFFFF, 0xFFFFFFFE }, { 0x7FFFFFFF, 0x7FFFFFF0 }, { 0xFFFFFF00, 0x80000000 },
};

static GPtrArray *scripts, *near_misses;

static void run_case(gconstpointer data)
{
    const char *const *parts = (const char *const *)data;
    const struct trace_case *c = (const struct trace_case *)(const void *)parts[1];
    for (guint i = 0; i < G_N_ELEMENTS(starts); i++)
        for (int mirrored = 0; mirrored < 2; mirrored++) {
            const struct trace_variant variant = { { starts[i][0], starts[i][1] }, mirrored };
            if (!trace_run(parts[0], c, variant)) {
                g_test_fail();
                return; /* the other variants would say the same */
            }
        }
}

static void add_script(const char *path)
{
    GPtrArray *cases = trace_read(path);
    char *base = g_path_get_basename(path);
    for (guint i = 0; i < cases->len; i++) {
        struct trace_case *c = (struct trace_case *)g_ptr_array_index(cases, i);
        if (c->near)
            g_ptr_array_add(near_misses, c->near);
        char **parts = g_new0(char *, 2);
        parts[0] = g_strdup(path);
        parts[1] = (char *)(void *)c;
        char *plain = g_strdelimit(g_strdup(c->title), "/", '-');
        char *name = g_strdup_printf("/traces/%s/%02u %s", base, i + 1, plain);
        g_test_add_data_func(name, parts, run_case);
        g_free(plain);
        g_free(name);
    }
    g_free(base);
    g_ptr_array_free(cases, TRUE);
}

/* "# row: NAME" stands before the case that shows the row; the case must expect it. */
static void test_every_row_has_a_script(void)
{
    static const char *const rows[] = {
#define TCPHS_ANOMALY(name, ...) #name,
#define TCPHS_NOTE(name, ...) #name,
#include "findings/findings.def"
    };
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < scripts->len; i++) {
        char *text = NULL;
        g_assert_true(g_file_get_contents((const char *)g_ptr_array_index(scripts, i), &text, NULL, NULL));
        g_string_append(all, text);
        g_free(text);
    }
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *pattern = g_strdup_printf("\\|.*\\b(anomaly|note)\\s+(\\w+,)*%s\\b", rows[i]);
        if (!g_regex_match_simple(pattern, all->str, 0, 0)) {
            g_test_message("no script shows %s", rows[i]);
            g_printerr("no script shows %s\n", rows[i]);
            g_test_fail();
        }
        g_free(pattern);
    }
    g_string_free(all, TRUE);
}

/* "# near: NAME" stands before a case that comes close to the row; the runner sees to it that it does not show it. */
static void test_every_row_has_a_near_miss(void)
{
    static const char *const rows[] = {
#define TCPHS_ANOMALY(name, ...) #name,
#define TCPHS_NOTE(name, ...) #name,
#include "findings/findings.def"
    };
    for (guint row = 0; row < G_N_ELEMENTS(rows); row++) {
        char *pattern = g_strdup_printf("\\b%s\\b", rows[row]);
        gboolean found = FALSE;
        for (guint i = 0; i < near_misses->len && !found; i++)
            found = g_regex_match_simple(pattern, (const char *)g_ptr_array_index(near_misses, i), 0, 0);
        if (!found) {
            g_printerr("no near miss of %s\n", rows[row]);
            g_test_fail();
        }
        g_free(pattern);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    scripts = g_ptr_array_new();
    near_misses = g_ptr_array_new();
    for (int i = 1; i < argc; i++) {
        add_script(argv[i]);
        g_ptr_array_add(scripts, argv[i]);
    }
    g_assert_cmpuint(scripts->len, >, 0);
    g_test_add_func("/rows/every row has a script", test_every_row_has_a_script);
    g_test_add_func("/rows/every row has a near miss", test_every_row_has_a_near_miss);
    return g_test_run();
}
