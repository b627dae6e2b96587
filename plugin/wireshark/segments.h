/* segments.h
 * From a dissected frame to the TCP segments in it: which headers there are, whose they are, and what they say.
 * Knows the host's tree; knows nothing of connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SEGMENTS_H
#define TCPHS_SEGMENTS_H

#include "compat.h"

#include "copies.h"
#include "segment.h"

/** Addresses and ports of both ends, the lower one first, so that both directions give the same key. */
struct tcphs_tuple {
    guint8 address[2][16];
    guint16 port[2];
    guint16 address_type;
    guint16 zero; /**< no padding: the key is hashed and compared as bytes */
};

#define TCPHS_NO_STREAM G_MAXUINT32

/** One TCP header in a frame. */
struct tcphs_sighting {
    struct tcphs_segment segment; /**< meaningful only when whole */
    struct tcphs_tuple tuple;
    struct tcphs_sight sight;
    guint32 stream;                          /**< the host's number of the stream, or TCPHS_NO_STREAM: not known */
    guint8 from;                             /**< which end of the tuple sent it */
    bool whole;                              /**< a complete, real segment; else a fragment or a cut header */
    bool icmp;                               /**< quoted by an ICMP or ICMPv6 message */
    bool icmp_error;                         /**< … that says the segment cannot arrive */
    bool payload_captured;                   /**< to its last byte */
    bool bad_checksum, bad_network_checksum; /**< the host verified it (a preference of tcp, of ip), and it is wrong */
};

/** Where a header lies. */
struct tcphs_place {
    tvbuff_t *tvb; /**< NULL = not known */
    int start;
    const guint8 *bytes; /**< from start on … */
    int captured;        /**< … so many were captured */
};

/** Where headers are read from (preference tcphs.source); what they say is the same. */
enum tcphs_source {
    TCPHS_FROM_FIELDS, /**< the tree's items: in every pass of every program */
    TCPHS_FROM_TAPS,   /**< the taps of tcp, ip and ipv6: much cheaper, but not every pass has them */
};

/** A walk over the TCP headers of one frame, outermost first. */
struct tcphs_headers {
    enum tcphs_source source;
    packet_info *pinfo;
    tvbuff_t *frame;
    struct tcphs_place all;         /**< of the frame, when taps are read */
    const struct tcpheader *record; /**< the next one of TCP's tap */
    wmem_list_frame_t *layer;
    GPtrArray *tcp, *ip, *ipv6, *length, *checksum, *network_checksum;
    unsigned tcp_seen, ip_seen, ipv6_seen; /**< how many of them the walk has passed */
    unsigned records_seen;                 /**< of TCP's tap */
    struct tcphs_place network;            /**< the IP header last passed */
    int end;                               /**< where its packet ends in the same buffer, when taps are read */
    guint32 path;                          /**< VLAN and the tunnels passed so far */
    int tunnel; /**< protocol of the tunnel header last passed; 0 = none since the last IP header */
    bool network_is_v6, in_icmp;
    bool blind; /**< the host built a tree without the fields we asked for: find the header by what packet_info says */
};

/** Looks up the fields the walk reads; once, at handoff. */
void tcphs_segments_look_up(dissector_handle_t handle);

/** Whether the host is set to verify checksums, which only the fields tell. */
bool tcphs_segments_verify_checksums(void);

/**
 * The short way for nearly every frame, where taps are read: one IP header with one whole TCP header behind it, in the
 * frame's own bytes, by whose addresses packet_info knows the frame. False for any other: walk through its headers.
 */
bool tcphs_sighting_of_plain_frame(const packet_info *pinfo, tvbuff_t *frame, struct tcphs_sighting *out);

/** A capture time in nanoseconds; times that no clock shows are cut so that differences of them can be taken. */
gint64 tcphs_nanoseconds(const nstime_t *time);

/** Asks the host to provide what a source needs, and no more; before a file is read. */
void tcphs_segments_want(enum tcphs_source source, bool in_window);

/**
 * Begins the walk. From fields it works on the first visit of a frame only: later the tree may hold no TCP fields.
 * False when there are TCP headers but this pass does not tell of them (from taps only): come back in a later one.
 */
bool tcphs_headers_begin(struct tcphs_headers *walk, packet_info *pinfo, tvbuff_t *frame, proto_tree *tree);

/** The next header, or false. */
bool tcphs_headers_next(struct tcphs_headers *walk, struct tcphs_sighting *out);

/** The tuple of a frame as every visit knows it, from packet_info alone; false when the frame is no TCP. */
bool tcphs_tuple_of_frame(const packet_info *pinfo, struct tcphs_tuple *tuple, guint8 *from);

/** Whether that is the tuple and the direction of a header, at less cost. */
bool tcphs_is_tuple_of_frame(const packet_info *pinfo, const struct tcphs_sighting *seen);

#endif
