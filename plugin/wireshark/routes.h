/* routes.h
 * Who talks to whom, by which path, and which connections that has been, in order: finds the one that a frame belongs
 * to. What is known of a connection is in lives.h; which segment begins one is decided in store.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ROUTES_H
#define TCPHS_ROUTES_H

#include "lives.h"
#include "observed.h"

/** Connections of one tuple in order of their first frame: those on one path (VLAN, tunnels), or all, as Zeek does. */
struct tcphs_lane {
    union {
        struct tcphs_item *one;   /**< while there is no more than one … */
        struct tcphs_item **many; /**< … and then, room for a power of two */
    } of;
    guint32 count : 30;
    guint32 seen_from : 2; /**< bit per end: which directions were captured here */
    guint32 path;
};

struct tcphs_other_lane;

/** All that goes on between two addresses and ports; Zeek does not ask on which path. */
struct tcphs_route {
    struct tcphs_lane first_lane; /**< most have no other; none before its first connection */
    struct tcphs_lane zeek;
    struct tcphs_other_lane *others; /**< the newest first */
    guint32 number;                  /**< in order of their first segment */
    guint16 port[2];
    guint16 address_type;
    guint8 address[]; /**< both, each with as many bytes as its kind has */
};

/** No routes, for a file that is opened. */
void tcphs_routes_begin(void);

/** The route of a tuple; NULL when there is none. */
struct tcphs_route *tcphs_route_find(const struct tcphs_tuple *tuple);

/** The same, made when there is none. */
struct tcphs_route *tcphs_route_for(const struct tcphs_observed *seen);

/** See tcphs_lane_for. */
struct tcphs_lane *tcphs_lane_beyond_first(struct tcphs_route *route, const struct tcphs_observed *seen);

/** The lane that a segment of the newest frame takes, made when there is none. */
static inline struct tcphs_lane *tcphs_lane_for(struct tcphs_route *route, const struct tcphs_observed *seen)
{
    if (route->first_lane.count > 0 && route->first_lane.path == seen->point.path)
        return &route->first_lane;
    return tcphs_lane_beyond_first(route, seen);
}

/** The connection that a frame on a path belongs to, by where it stands among those of the route; NULL = none. */
struct tcphs_tracked *tcphs_route_connection(struct tcphs_route *route, guint32 path, guint32 frame);

/** The same in Zeek's sense. */
struct tcphs_zeek_tracked *tcphs_route_zeek(const struct tcphs_route *route, guint32 frame);

/** Addresses and ports of a route. */
struct tcphs_tuple tcphs_route_tuple(const struct tcphs_route *route);

/** One of a lane by its index, which must be below count. */
static inline struct tcphs_item *tcphs_lane_at(const struct tcphs_lane *lane, guint32 index)
{
    return lane->count == 1 ? lane->of.one : lane->of.many[index];
}

/** The last of a lane, or NULL. */
static inline struct tcphs_item *tcphs_lane_last(const struct tcphs_lane *lane)
{
    return lane->count > 0 ? tcphs_lane_at(lane, lane->count - 1) : NULL;
}

/** One more, later than all others. */
void tcphs_lane_append(struct tcphs_lane *lane, struct tcphs_item *item);

#endif
