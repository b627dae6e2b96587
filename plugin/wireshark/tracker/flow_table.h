/* flow_table.h
 * Flows (pairs of addresses and ports), their paths (VLAN, tunnels), and the connections on each in order: finds the
 * one that a frame belongs to. What is known of a connection is in connection_record.h; which segment begins one is
 * decided in tracker.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_FLOW_TABLE_H
#define TCPHS_FLOW_TABLE_H

#include "tracker/connection_record.h"
#include "capture/observed.h"

/** Connections of one tuple in order of their first frame: those on one path (VLAN, tunnels), or all, as Zeek does.
 * Lifetime: file. */
struct tcphs_flow_path {
    union {
        struct tcphs_record_handle *one;   /**< while there is no more than one … */
        struct tcphs_record_handle **many; /**< … and then, room for a power of two */
    } of;
    guint32 count : 30;
    guint32 seen_from : 2; /**< bit per end: which directions were captured here */
    guint32 path;
};

struct tcphs_other_flow_path;

/** All that goes on between two addresses and ports; Zeek does not ask on which path. Lifetime: file. */
struct tcphs_flow {
    struct tcphs_flow_path first_path; /**< most have no other; none before its first connection */
    struct tcphs_flow_path zeek;
    struct tcphs_other_flow_path *others; /**< the newest first */
    guint32 number;                       /**< in order of their first segment */
    guint16 port[2];
    guint16 address_type;
    guint8 address[]; /**< both, each with as many bytes as its kind has */
};

/** An empty table, for a file that is opened. */
void tcphs_flow_table_begin(void);

/** The flow of a tuple; NULL when there is none. */
struct tcphs_flow *tcphs_flow_find(const struct tcphs_tuple *tuple);

/** The same, made when there is none. */
struct tcphs_flow *tcphs_flow_for(const struct tcphs_observed *seen);

/** See tcphs_flow_path_for. */
struct tcphs_flow_path *tcphs_flow_path_beyond_first(struct tcphs_flow *flow, const struct tcphs_observed *seen);

/** The flow path that a segment of the newest frame takes, made when there is none. */
static inline struct tcphs_flow_path *tcphs_flow_path_for(struct tcphs_flow *flow, const struct tcphs_observed *seen)
{
    if (flow->first_path.count > 0 && flow->first_path.path == seen->point.path)
        return &flow->first_path;
    return tcphs_flow_path_beyond_first(flow, seen);
}

/** The connection that a frame on a path belongs to, by its position among those of the flow; NULL = none. */
struct tcphs_tracked *tcphs_flow_connection(struct tcphs_flow *flow, guint32 path, guint32 frame);

/** The same in Zeek's sense. */
struct tcphs_zeek_tracked *tcphs_flow_zeek(const struct tcphs_flow *flow, guint32 frame);

/** Addresses and ports of a flow. */
struct tcphs_tuple tcphs_flow_tuple(const struct tcphs_flow *flow);

/** One of a flow path by its index, which must be below count. */
static inline struct tcphs_record_handle *tcphs_flow_path_at(const struct tcphs_flow_path *flow_path, guint32 index)
{
    return flow_path->count == 1 ? flow_path->of.one : flow_path->of.many[index];
}

/** The last of a flow path, or NULL. */
static inline struct tcphs_record_handle *tcphs_flow_path_last(const struct tcphs_flow_path *flow_path)
{
    return flow_path->count > 0 ? tcphs_flow_path_at(flow_path, flow_path->count - 1) : NULL;
}

/** One more, later than all others. */
void tcphs_flow_path_append(struct tcphs_flow_path *flow_path, struct tcphs_record_handle *handle);

#endif
