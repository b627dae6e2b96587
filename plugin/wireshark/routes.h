/* routes.h
 * Who talks to whom, by which path, and which connections that has been, in order: finds the one that a frame belongs
 * to. What is known of a connection is in lives.h; which segment begins one is decided in store.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ROUTES_H
#define TCPHS_ROUTES_H

#include "lives.h"
#include "segments.h"

/** Connections of either kind in order of their first frame. */
struct tcphs_series {
    union {
        struct tcphs_item *one;   /**< while there is no more than one … */
        struct tcphs_item **many; /**< … and then */
    } of;
    guint32 count, room; /**< room 0: one */
};

/** The connections of one tuple on one path (VLAN, tunnels). */
struct tcphs_lane {
    struct tcphs_lane *next;
    struct tcphs_lane *same_as; /**< this path carries the other direction of that lane; NULL = a lane of its own */
    struct tcphs_series connections;
    guint32 path;
    guint32 first_frame;
    guint8 seen_from; /**< bit per end: which directions were captured here */
};

/** All that goes on between two addresses and ports; Zeek does not ask on which path. */
struct tcphs_route {
    struct tcphs_tuple tuple;
    guint64 number;               /**< tcphs_tuple_number of the tuple */
    struct tcphs_lane first_lane; /**< most have no other; none before its first connection */
    struct tcphs_series zeek;
};

/** No routes, for a file that is opened. */
void tcphs_routes_begin(void);

/** The route of a tuple; NULL when there is none. */
struct tcphs_route *tcphs_route_find(const struct tcphs_tuple *tuple);

/** The same, made when there is none; seen->stream leads to it without a search, where it is known. */
struct tcphs_route *tcphs_route_for(const struct tcphs_sighting *seen);

/** The lane of a path as it was known at a frame; NULL when there was none. */
struct tcphs_lane *tcphs_lane_on(struct tcphs_route *route, guint32 path, guint32 frame);

/** The lane that a segment takes, made when there is none. */
struct tcphs_lane *tcphs_lane_for(struct tcphs_route *route, const struct tcphs_sighting *seen);

/** The connection that a frame on a path belongs to, by where it stands among those of the route; NULL = none. */
struct tcphs_tracked *tcphs_route_connection(struct tcphs_route *route, guint32 path, guint32 frame);

/** The same in Zeek's sense. */
struct tcphs_zeek_tracked *tcphs_route_zeek(const struct tcphs_route *route, guint32 frame);

/** The last of a series, or NULL. */
struct tcphs_item *tcphs_series_last(const struct tcphs_series *series);

/** One of a series by its index, which must be below count. */
struct tcphs_item *tcphs_series_at(const struct tcphs_series *series, guint32 index);

/** One more, later than all others. */
void tcphs_series_append(struct tcphs_series *series, struct tcphs_item *item);

#endif
