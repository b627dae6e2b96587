/* sighting.h
 * One TCP header as it was seen in a frame: all that is known of it before its connection is looked for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SIGHTING_H
#define TCPHS_SIGHTING_H

#include "copies.h"
#include "segment.h"
#include "tuple.h"

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

/**
 * Puts in the ports of sender and receiver, whose addresses are there in this order; then turns the tuple so that its
 * lower end is the first, and says which end sent, or that there is only one.
 */
void tcphs_sighting_put_ports(struct tcphs_sighting *seen, guint16 from, guint16 to);

/** A capture time in nanoseconds; times that no clock shows are cut so that differences of them can be taken. */
gint64 tcphs_nanoseconds(const nstime_t *time);

/** The interface that captured the frame; 0 when the file names none. */
guint32 tcphs_interface_of(const packet_info *pinfo);

#endif
