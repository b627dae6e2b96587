/* ip_header.h
 * What the bytes of an IP header say of the packet: whose it is, where what it carries begins, and where it ends.
 * Leaves to others where the header lies.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_IP_HEADER_H
#define TCPHS_IP_HEADER_H

#include "place.h"
#include "sighting.h"

enum { TCPHS_IPV4_FIXED = 20, TCPHS_IPV6_FIXED = 40 };

/** An IP header. */
struct tcphs_ip {
    struct tcphs_place place; /**< without a buffer: not known */
    int length;               /**< with the extension headers behind it */
    bool is_v6;
    bool is_fragment;
};

/**
 * Reads how long the header there is. Where fewer than TCPHS_IPV4_FIXED bytes were captured it counts as the shortest;
 * extension headers count as far as they were captured.
 */
struct tcphs_ip tcphs_ip_at(struct tcphs_place place, bool is_v6);

/**
 * Where its packet ends in its buffer: where the header says, but no further than end, which is where whatever carries
 * the packet ends.
 */
int tcphs_ip_end(const struct tcphs_ip *ip, int end);

/** Addresses (the sender's first), TTL and, for IPv4, id. The fixed header was captured; the tuple is all zero. */
static inline void tcphs_ip_read(const guint8 *header, bool is_v6, struct tcphs_sighting *out)
{
    enum { V4_ID = 4, V4_TTL = 8, V4_SOURCE = 12, V4_DESTINATION = 16, V6_HOPS = 7, V6_SOURCE = 8 };
    if (is_v6) {
        memcpy(out->tuple.address, header + V6_SOURCE, sizeof out->tuple.address);
        out->tuple.address_type = AT_IPv6;
        out->sight.ttl = out->segment.ttl = header[V6_HOPS];
        return;
    }
    memcpy(out->tuple.address[0], header + V4_SOURCE, 4);
    memcpy(out->tuple.address[1], header + V4_DESTINATION, 4);
    out->tuple.address_type = AT_IPv4;
    out->sight.ttl = out->segment.ttl = header[V4_TTL];
    out->sight.ip_id = out->segment.ip_id = tcphs_get16(header + V4_ID);
}

#endif
