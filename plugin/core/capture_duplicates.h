/* capture_duplicates.h
 * Tells a segment captured twice (mirror port, router hop, second interface, tunnel) from one sent twice. Keeps a
 * fixed table of recent segments for the whole capture; which connection they belong to is the caller's business.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_CAPTURE_DUPLICATES_H
#define TCPHS_CAPTURE_DUPLICATES_H

#include <stddef.h>

#include "segment.h"

/** Where and how a segment was captured. Lifetime: one visit. */
struct tcphs_capture_point {
    uint64_t tuple;     /**< any number that tells pairs of addresses and ports apart, equal for all copies */
    uint32_t interface; /**< capture interface */
    uint32_t path;      /**< VLAN and encapsulation */
    uint16_t ip_id;     /**< 0 = none, as always in IPv6 */
    uint8_t ttl;
};

#define TCPHS_DUPLICATES_ROOM 16384
#define TCPHS_DUPLICATES_TUPLES 4096

/** What was captured lately, by which copies are known. Lifetime: file. */
struct tcphs_duplicates {
    uint32_t order; /**< segments so far */
    bool rewritten; /**< the copy found last is a SYN or SYN-ACK whose options differ from those of the first */
    struct {
        uint64_t tuple;
        uint32_t order[2]; /**< of the last segment each end has sent, copies too; 0 = none */
    } last[TCPHS_DUPLICATES_TUPLES];
    struct {
        uint64_t print;
        int64_t time;
        uint32_t frame;        /**< 0 = empty */
        uint32_t order;        /**< frame numbers tell no order: a read filter has some given out twice */
        uint16_t point_number; /**< a number for interface, path and TTL */
        uint16_t details;      /**< … and one for what else a packet says */
    } recent[TCPHS_DUPLICATES_ROOM];
};

/**
 * The frame of which this one is a capture copy, or 0; remembers the segment when it is none. A copy is the same
 * segment with the same IP id within 100 ms on another interface, path or TTL; or the very same packet in the same
 * place, within 50 us, or within 1 ms where the two have nothing of their connection between them. Without an IP id
 * nothing of the other end may be between them in any case: a stack answers two segments alike, as fast as they come.
 */
uint32_t tcphs_duplicates_find(struct tcphs_duplicates *c, const struct tcphs_segment *s,
                               const struct tcphs_capture_point *point);

#endif
