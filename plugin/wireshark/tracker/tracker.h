/* tracker.h
 * All connections of the open capture file: finds the one a segment belongs to, feeds it, and tells for any frame on
 * any visit what was told of it. Learns once per frame in file order; recalls by frame number.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_TRACKER_H
#define TCPHS_TRACKER_H

#include "compat.h"

#include "tracker/connection_record.h"
#include "tracker/flow_table.h"
#include "tcp/verdict.h"
#include "capture/tuple.h"

/** One TCP header of a frame and the connection it belongs to. Lifetime: one visit. */
struct tcphs_match {
    struct tcphs_tracked *tracked;
    struct tcphs_zeek_tracked *zeek; /**< NULL = Zeek would not look at it */
    int header;                      /**< its index among the payloads noted of the frame */
    guint8 from;
    bool copy;           /**< a capture copy of an earlier frame */
    bool icmp;           /**< quoted in an ICMP message */
    bool dropped;        /**< by its receiver, for a checksum that the host verified */
    bool rewritten;      /**< a copy, with other options than the SYN or SYN-ACK in foreign_frame */
    bool from_elsewhere; /**< a SYN-ACK that acknowledges the SYN in foreign_frame, which went to another address or
                            port */
    guint32 foreign_frame;
};

/** What the capture is worth, counted over all frames learned. Lifetime: file. */
struct tcphs_capture_quality {
    guint32 frames;
    guint32 segments; /**< TCP headers that were captured whole, copies included */
    guint32 copies;
    guint32 cut;    /**< frames of which less was captured than was sent */
    guint32 missed; /**< TCP headers that the host dissected without the hook, or beyond its limits: nothing is known of
                       them */
    gint64 first_time, last_time;
};

/** Prepares an empty tracker for each file the host opens; once, at registration. */
void tcphs_tracker_register(tcphs_zeek_is_server_port is_server_port);

/** Learns from a frame unless it was learned before; safe to call on every visit. */
void tcphs_tracker_learn(packet_info *pinfo);

/**
 * Whether a frame, as learned, has anything to show that needs no tree: findings, and what other segments of the
 * capture show of it. Where it has none, only a tree that shows tcphs, a column or a report has a use for it.
 */
bool tcphs_tracker_has_findings(const packet_info *pinfo);

/** More TCP headers than this in one frame are learned but not shown. */
#define TCPHS_SHOWN_HEADERS 16

/**
 * The TCP headers of a frame that belong to known connections, as learned: fills up to TCPHS_SHOWN_HEADERS hits,
 * returns how many. Needs what the hook noted in this visit, no tree; works in any order of frames.
 */
unsigned tcphs_tracker_recall(packet_info *pinfo, struct tcphs_match *matches);

/** The outcome of the segment in a header, as far as this appearance of it shows it. */
void tcphs_tracker_outcome(const struct tcphs_match *match, guint32 frame, struct tcphs_outcome *out);

/** Addresses and ports of a connection. */
struct tcphs_tuple tcphs_tracker_tuple(const struct tcphs_tracked *t);

/** The connections in Zeek's sense that a connection is, index from record->zeek_from below record->zeek_to. */
const struct tcphs_zeek *tcphs_tracker_zeek(const struct tcphs_tracked *t, guint32 index);

/** Of the open file, as far as it was read. */
const struct tcphs_capture_quality *tcphs_tracker_quality(void);

/** What can be said of the end of the capture on this visit. */
struct tcphs_horizon tcphs_tracker_horizon(const packet_info *pinfo);

#endif
