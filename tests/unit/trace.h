/* trace.h
 * Reads the trace notation of tests/scripts/NOTATION.md into cases and runs them against the core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_TEST_TRACE_H
#define TCPHS_TEST_TRACE_H

#include <glib.h>

#include "segment.h"

/** A line of a case: a segment with what is expected of it, or a summary expectation (segment.frame == 0). */
struct trace_line {
    struct tcphs_segment segment; /* numbers relative; from = 0 left, 1 right; time = since the line before */
    gboolean raw_seq;
    unsigned number;      /* line number in the file */
    char *states[2];      /* left, right; NULL = not compared */
    GHashTable *expected; /* word -> value (strings) */
};

struct trace_case {
    char *title;
    char *near;       /* comma separated: the rows that no segment of the case may show; NULL = none */
    GPtrArray *lines; /* struct trace_line * */
};

/** All cases of a file; aborts the test with file and line on any mistake in the notation. */
GPtrArray *trace_read(const char *path);

/** Where the sequence spaces of the two ends begin, and whether left and right swap places. */
struct trace_variant {
    guint32 iss[2];
    gboolean mirrored;
};

/** Runs one case; every disagreement is printed with file and line and makes the result FALSE. */
gboolean trace_run(const char *path, const struct trace_case *c, struct trace_variant variant);

#endif
