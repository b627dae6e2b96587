/* segments.h
 * From a dissected frame to the TCP segments in it: which headers there are, and whose they are.
 * Knows the host's tree and taps; knows nothing of connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SEGMENTS_H
#define TCPHS_SEGMENTS_H

#include "compat.h"

#include <epan/dissectors/packet-tcp.h>

#include "ip_header.h"
#include "place.h"
#include "sighting.h"
#include "sources.h"
#include "tcp_header.h"

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
    struct tcphs_ip network;               /**< the IP header last passed */
    int end;                               /**< where its packet ends in the same buffer, when taps are read */
    guint32 path;                          /**< VLAN and the tunnels passed so far */
    int tunnel; /**< protocol of the tunnel header last passed; 0 = none since the last IP header */
    bool in_icmp;
    bool blind; /**< the host built a tree without the fields we asked for: find the header by what packet_info says */
};

/**
 * The short way for nearly every frame, where taps are read: one IP header with one whole TCP header behind it, in the
 * frame's own bytes, by whose addresses packet_info knows the frame. False for any other: walk through its headers.
 */
bool tcphs_sighting_of_plain_frame(const packet_info *pinfo, tvbuff_t *frame, struct tcphs_sighting *out);

/**
 * Begins the walk. From fields it works on the first visit of a frame only: later the tree may hold no TCP fields.
 * False when there are TCP headers but this pass does not tell of them (from taps only): come back in a later one.
 */
bool tcphs_headers_begin(struct tcphs_headers *walk, packet_info *pinfo, tvbuff_t *frame, proto_tree *tree);

/** The next header, or false. */
bool tcphs_headers_next(struct tcphs_headers *walk, struct tcphs_sighting *out);

/** Whether it is this header that TCP's tap tells of: TCPHS_TCP_UP_TO_ACK bytes of it, or NULL. */
static inline bool tcphs_is_record_of(const struct tcpheader *record, const guint8 *header)
{
    return header != NULL && record->th_sport == tcphs_get16(header) && record->th_dport == tcphs_get16(header + 2) &&
           record->th_rawseq == tcphs_get32(header + 4) && record->th_rawack == tcphs_get32(header + 8);
}

#endif
