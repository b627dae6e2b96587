/* observed.h
 * One TCP header as it was captured in a frame: all that is known of it before its connection is looked for.
 * Leaves to others which connection that is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_OBSERVED_H
#define TCPHS_OBSERVED_H

#include "capture_duplicates.h"
#include "capture/ip_payload.h"
#include "segment.h"
#include "capture/tuple.h"

/** One TCP header in a frame. Lifetime: one visit. */
struct tcphs_observed {
    struct tcphs_segment segment; /**< meaningful only when whole */
    struct tcphs_tuple tuple;
    struct tcphs_capture_point point; /**< where it was captured; its number of the tuple is left to the caller */
    guint8 from;                      /**< which end of the tuple sent it */
    bool whole;                       /**< a complete, real segment; else a fragment, a quote or a header cut short */
    bool icmp;                        /**< quoted by an ICMP or ICMPv6 message */
    bool icmp_error;                  /**< … that says the segment cannot arrive */
    bool payload_captured;            /**< to its last byte */
    bool bad_checksum;                /**< verified as the host's preference of TCP asks for, and wrong */
    bool bad_network_checksum;        /**< likewise of the IPv4 header */
    bool is_dropped;                  /**< by its receiver, for one of the two */
};

/** Reads the TCP header of a payload whose protocol is TCP. False when not even its ports were captured. */
bool tcphs_observe(const packet_info *pinfo, const struct tcphs_ip_payloads *noted, const struct tcphs_ip_payload *p,
                   struct tcphs_observed *out);

/**
 * Reads the next TCP header of a frame, from index *next (0 = the first) on, and sets *next behind it. False when there
 * is none.
 */
static inline bool tcphs_observe_next(const packet_info *pinfo, const struct tcphs_ip_payloads *noted, int *next,
                                      struct tcphs_observed *out)
{
    while (*next < noted->count) {
        const struct tcphs_ip_payload *p = &noted->list[(*next)++];
        if (p->protocol == TCPHS_IP_PROTO_TCP && tcphs_observe(pinfo, noted, p, out))
            return true;
    }
    return false;
}

/** Which checksums the host verifies; asked once for a file, before it is read. */
void tcphs_observe_checksums_as_the_host(void);

/** A capture time in nanoseconds; times that no clock shows are cut so that differences of them can be taken. */
gint64 tcphs_nanoseconds(const nstime_t *time);

#endif
