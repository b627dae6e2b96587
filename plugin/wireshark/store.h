/* store.h
 * All connections of the open capture file: finds the one a segment belongs to, feeds it, and tells for any frame on
 * any visit what was told of it. Learns once per frame in file order; recalls by frame number.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_STORE_H
#define TCPHS_STORE_H

#include "compat.h"

#include "connection.h"
#include "history.h"
#include "segments.h"
#include "summary.h"

struct tcphs_tracked {
    struct tcphs_connection connection;
    struct tcphs_history history;
    guint32 id;
    guint32 first_frame;
};

/** One TCP header of a frame and the connection it belongs to. */
struct tcphs_hit {
    const struct tcphs_tracked *tracked;
    guint8 from;
    bool copy; /**< a capture copy of an earlier frame */
    bool icmp; /**< quoted in an ICMP message */
};

/** Prepares an empty store for each file the host opens; once, at registration. */
void tcphs_store_register(void);

/** Learns from a frame unless it was learned before; safe to call on every visit. */
void tcphs_store_learn(packet_info *pinfo, tvbuff_t *frame, proto_tree *tree);

/**
 * The TCP headers of a frame that belong to known connections, as learned. Fills at most room hits, returns how many
 * there are. Needs packet_info only, so it works with no tree and in any order.
 */
unsigned tcphs_store_recall(const packet_info *pinfo, struct tcphs_hit *hits, unsigned room);

/** What can be said of the end of the capture on this visit. */
struct tcphs_horizon tcphs_store_horizon(const packet_info *pinfo);

#endif
