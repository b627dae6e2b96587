/* both_ways.h
 * Feeds a segment the long way and holds the short ways to it: what goes through plain.c leaves the same connection and
 * has nothing to tell; the rows of checks.c that are asked find what all of them would.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_BOTH_WAYS_H
#define TCPHS_BOTH_WAYS_H

#include <string.h>

#include <glib.h>

#include "checks.h"
#include "connection.h"
#include "view.h"

/** The rows that are asked find what all rows would. */
static inline void check_occasions(const struct tcphs_connection *c, const struct tcphs_segment *s)
{
    struct tcphs_view v;
    struct tcphs_found found, every;
    tcphs_view_init(&v, c, s);
    g_assert_cmphex(tcphs_check_all(&v, &found), ==, tcphs_check_every_row(&v, &every));
    g_assert_cmpuint(found.back, ==, every.back);
    g_assert_cmphex(found.backward, ==, every.backward);
}

static inline void check_tells_nothing(const struct tcphs_outcome *o, const struct tcphs_connection *before,
                                       unsigned from)
{
    struct tcphs_outcome standing;
    tcphs_connection_look(before, &standing);
    g_assert_cmphex(o->findings, ==, 0);
    g_assert_cmpuint(o->accepted, ==, standing.usual[from]);
    g_assert_cmpuint(o->accepted, ==, o->usual[from]);
    g_assert_cmpint(memcmp(o->usual, standing.usual, sizeof o->usual), ==, 0);
    g_assert_cmpint(memcmp(o->state, standing.state, sizeof o->state), ==, 0);
    g_assert_cmpint(memcmp(o->links, standing.links, sizeof o->links), ==, 0);
    g_assert_cmpuint(o->stage, ==, standing.stage);
    g_assert_cmpuint(o->client, ==, standing.client);
    g_assert_cmpint(o->assumed, ==, standing.assumed);
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

/** True when the segment could go the short way. */
static inline bool feed_both_ways(struct tcphs_connection *c, const struct tcphs_segment *s, struct tcphs_outcome *o)
{
    const struct tcphs_connection before = *c;
    struct tcphs_connection shorter = *c;
    const bool plain = tcphs_connection_plain(&shorter, s);
    if (plain)
        g_assert_false(tcphs_connection_is_next(c, s));
    else
        g_assert_true(same_bytes(&shorter, &before, sizeof before));
    check_occasions(c, s);
    tcphs_connection_segment(c, s, o);
    if (plain) {
        g_assert_true(same_bytes(&shorter, c, sizeof shorter));
        check_tells_nothing(o, &before, s->from);
    }
    return plain;
}

#endif
