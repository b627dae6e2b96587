/* seed.c
 * Makes the first corpus: every case of the trace scripts given, one file each, as bytes that the fuzzers read back as
 * that very talk. Usage: seed FOLDER TRACE...
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <glib.h>

#include "../unit/trace.h"
#include "tcp/connection.h"
#include "script.h"

static const guint32 starts[2] = { 100000, 500000 };

static struct fuzz_script script_of(const struct trace_case *c)
{
    struct fuzz_script script = { 0 };
    gint64 now = 1000 * TCPHS_SECOND;
    for (guint i = 0; i < c->lines->len && script.count < FUZZ_STEPS; i++) {
        const struct trace_line *line = (const struct trace_line *)g_ptr_array_index(c->lines, i);
        struct tcphs_segment s = line->segment;
        if (s.frame == 0)
            continue;
        now += s.time / 1000000 * 1000000;
        s.time = now;
        s.frame = 0;
        s.seq += line->raw_seq ? 0 : starts[s.from];
        s.ack += g_hash_table_contains(line->expected, " ack") ? starts[!s.from] : 0;
        s.sack_right += s.options & TCPHS_OPT_SACK ? starts[!s.from] : 0;
        script.step[script.count++].segment = s;
    }
    return script;
}

static void write_case(const char *folder, const char *trace, guint number, const struct trace_case *c)
{
    guint8 bytes[FUZZ_LONGEST];
    const struct fuzz_script script = script_of(c);
    static struct fuzz_script again;
    const gsize size = fuzz_encode(&script, bytes);
    fuzz_decode(bytes, size, &again);
    if (again.count != script.count || memcmp(again.step, script.step, script.count * sizeof script.step[0]) != 0)
        g_error("%s: case %u is read back otherwise", trace, number);
    char *base = g_path_get_basename(trace);
    char *path = g_strdup_printf("%s/%s-%u", folder, base, number);
    GError *error = NULL;
    if (!g_file_set_contents(path, (const char *)bytes, (gssize)size, &error))
        g_error("%s", error->message);
    g_free(path);
    g_free(base);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        g_error("usage: seed FOLDER TRACE...");
    for (int i = 2; i < argc; i++) {
        const GPtrArray *cases = trace_read(argv[i]);
        for (guint k = 0; k < cases->len; k++)
            write_case(argv[1], argv[i], k, (const struct trace_case *)g_ptr_array_index(cases, k));
    }
    return 0;
}
