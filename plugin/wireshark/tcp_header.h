/* tcp_header.h
 * What the bytes of a TCP header say (RFC 9293 section 3.1).
 * Leaves to others where the header lies, whose it is and how much it carries.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_TCP_HEADER_H
#define TCPHS_TCP_HEADER_H

#include "place.h"

#include "segment.h"

enum { TCPHS_TCP_FIXED = 20, TCPHS_TCP_UP_TO_ACK = 12, TCPHS_TCP_UP_TO_WINDOW = 16 };

/** Bytes of the header with its options, as it says; fewer than TCPHS_TCP_FIXED: it is none. */
static inline int tcphs_tcp_length(const guint8 *tcp)
{
    return (tcp[12] >> 4) * 4;
}

/**
 * Reads a header that was captured whole, of this length (tcphs_tcp_length): at least TCPHS_TCP_FIXED. s is all zero;
 * numbers, flags, window, urgent pointer and options are filled in, and the frame's number and time.
 */
void tcphs_tcp_read_whole(const packet_info *pinfo, const guint8 *tcp, int length, struct tcphs_segment *s);

/** The same of a header that was captured up to its window at least; says so where options are missing. */
void tcphs_tcp_read(const packet_info *pinfo, struct tcphs_place tcp, struct tcphs_segment *s);

#endif
