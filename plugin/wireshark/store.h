/* store.h
 * All connections of the open capture file: finds the one a segment belongs to, feeds it, and tells for any frame on
 * any visit what was told of it. Learns once per frame in file order; recalls by frame number.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_STORE_H
#define TCPHS_STORE_H

#include "compat.h"

#include "lives.h"
#include "routes.h"
#include "summary.h"
#include "tuple.h"

/** One TCP header of a frame and the connection it belongs to. */
struct tcphs_hit {
    const struct tcphs_tracked *tracked;
    const struct tcphs_zeek_tracked *zeek; /**< NULL = Zeek would not look at it */
    int header;                            /**< its index among the payloads noted of the frame */
    guint8 from;
    bool copy;    /**< a capture copy of an earlier frame */
    bool icmp;    /**< quoted in an ICMP message */
    bool dropped; /**< by its receiver, for a checksum that the host verified */
    bool rewritten; /**< a copy, with other options than the SYN or SYN-ACK in other_frame */
    bool from_elsewhere; /**< a SYN-ACK that acknowledges the SYN in other_frame, which went to another address or port */
    guint32 other_frame;
};

/** What the capture is worth, counted over all frames learned. */
struct tcphs_quality {
    guint32 frames;
    guint32 segments; /**< TCP headers that were captured whole, copies included */
    guint32 copies;
    guint32 cut;    /**< frames of which less was captured than was sent */
    guint32 missed; /**< TCP headers that the host dissected without the hook, or beyond its limits: nothing is known of them */
    gint64 first_time, last_time;
};

/** Prepares an empty store for each file the host opens; once, at registration. */
void tcphs_store_register(tcphs_zeek_is_server_port is_server_port);

/**
 * Learns from a frame unless it was learned before; safe to call on every visit. True when there is nothing to tell of
 * it but where its connection stands, so that only a tree has a use for it.
 */
bool tcphs_store_learn(packet_info *pinfo);

/** More TCP headers than this in one frame are learned but not shown. */
#define TCPHS_SHOWN_HEADERS 16

/**
 * The TCP headers of a frame that belong to known connections, as learned: fills up to TCPHS_SHOWN_HEADERS hits,
 * returns how many. Needs what the hook noted in this visit, no tree; works in any order of frames.
 */
unsigned tcphs_store_recall(packet_info *pinfo, struct tcphs_hit *hits);

/** What was told of the segment in a header, as far as this sight of it shows it. */
void tcphs_store_outcome(const struct tcphs_hit *hit, guint32 frame, struct tcphs_outcome *out);

/** Addresses and ports of a connection. */
struct tcphs_tuple tcphs_store_tuple(const struct tcphs_tracked *t);

/** The connections in Zeek's sense that a connection is, index from life->zeek_from below life->zeek_to. */
const struct tcphs_zeek *tcphs_store_zeek(const struct tcphs_tracked *t, guint32 index);

/** Of the open file, as far as it was read. */
const struct tcphs_quality *tcphs_store_quality(void);

/** What can be said of the end of the capture on this visit. */
struct tcphs_horizon tcphs_store_horizon(const packet_info *pinfo);

#endif
