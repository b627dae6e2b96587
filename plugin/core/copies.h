/* copies.h
 * Tells a segment captured twice (mirror port, router hop, second interface, tunnel) from one sent twice. Keeps a
 * fixed table of recent segments for the whole capture; which connection they belong to is the caller's business.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_COPIES_H
#define TCPHS_COPIES_H

#include <stddef.h>

#include "segment.h"

/** Where and how a segment was captured. */
struct tcphs_sight {
    uint64_t tuple;     /**< any number that tells pairs of addresses and ports apart, equal for all copies */
    uint32_t interface; /**< capture interface */
    uint32_t path;      /**< VLAN and encapsulation */
    uint16_t ip_id;     /**< 0 = none, as always in IPv6 */
    uint8_t ttl;
};

#define TCPHS_COPIES_ROOM 16384

struct tcphs_copies {
    struct {
        uint64_t print;
        int64_t time;
        uint32_t frame; /**< 0 = empty */
        uint32_t place; /**< a number for interface, path and TTL */
        uint32_t details; /**< … and for what else a packet says */
    } recent[TCPHS_COPIES_ROOM];
};

/**
 * The frame of which this one is a capture copy, or 0; remembers the segment when it is none. A copy is the same
 * segment with the same IP id within 100 ms on another interface, path or TTL, or the very same packet within 1 ms; within
 * 50 us where it has no IP id, for no TCP repeats a segment so fast.
 */
uint32_t tcphs_copies_find(struct tcphs_copies *c, const struct tcphs_segment *s, const struct tcphs_sight *sight);

#endif
