/* both_ways.h
 * Processes a segment on the slow path and holds the fast path to it: what goes through fast_path.c leaves the same
 * connection and has nothing to tell; the rows of predicates.c that are asked find what all of them would.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_BOTH_WAYS_H
#define TCPHS_BOTH_WAYS_H

#include <string.h>

#include <glib.h>

#include "findings/check.h"
#include "tcp/acceptability.h"
#include "tcp/connection.h"
#include "tcp/fast_path.h"
#include "tcp/port_reuse.h"

/** The rows that are asked find what all rows would. */
static inline void check_occasions(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    struct tcphs_arrival a;
    struct tcphs_outcome found = { .frame = 0 }, every = { .frame = 0 };
    tcphs_arrival_init(&a, c, s);
    tcphs_check_all(&a, &found);
    tcphs_check_every_row(&a, &every);
    g_assert_true(tcphs_findings_equal(&found.findings, &every.findings));
    g_assert_true(tcphs_findings_equal(&found.backward, &every.backward));
    g_assert_cmpuint(found.back, ==, every.back);
    g_assert_cmpuint(found.explained_count, ==, every.explained_count);
    g_assert_cmpuint(found.explained_count, <, TCPHS_MOST_EXPLAINED); /* there was room for all */
}

static inline void check_tells_nothing(const struct tcphs_outcome *o, const struct tcphs_connection *before,
                                       unsigned from)
{
    struct tcphs_outcome current;
    tcphs_connection_snapshot(before, &current);
    g_assert_false(tcphs_findings_any(&o->findings));
    g_assert_cmpuint(o->accepted, ==, current.usual[from]);
    g_assert_cmpuint(o->accepted, ==, o->usual[from]);
    g_assert_cmpint(memcmp(o->usual, current.usual, sizeof o->usual), ==, 0);
    g_assert_cmpint(memcmp(o->state, current.state, sizeof o->state), ==, 0);
    g_assert_cmpint(memcmp(o->links, current.links, sizeof o->links), ==, 0);
    g_assert_cmpuint(o->stage, ==, current.stage);
    g_assert_cmpuint(o->client, ==, current.client);
    g_assert_cmpint(o->assumed, ==, current.assumed);
    g_assert_cmpuint((guint)o->step + o->close_steps + o->rst_kind + o->event + o->back, ==, 0);
    g_assert_cmpuint((guint)o->syn_count + o->synack_count, ==, 0);
    g_assert_false(o->has_due);
    g_assert_cmpint(o->time_synack & o->time_ack & o->time_setup, ==, -1);
}

/* Both were zeroed as a whole and are only ever assigned to: what lies between their members is the same. */
static inline bool same_bytes(const void *a, const void *b, gsize size)
{
    return memcmp(a, b, size) == 0;
}

/** True when the segment could take the fast path. */
static inline bool feed_both_ways(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *o)
{
    const struct tcphs_connection before = *c;
    struct tcphs_connection fast = *c;
    const bool is_fast_path = tcphs_connection_fast_path(&fast, s);
    if (is_fast_path)
        g_assert_false(tcphs_connection_is_port_reuse(c, s));
    else
        g_assert_true(same_bytes(&fast, &before, sizeof before));
    check_occasions(c, s);
    tcphs_connection_segment(c, s, o);
    if (is_fast_path) {
        g_assert_true(same_bytes(&fast, c, sizeof fast));
        check_tells_nothing(o, &before, s->from);
    }
    return is_fast_path;
}

#endif
