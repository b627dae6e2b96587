/* tcp_header.h
 * What the bytes of a TCP header say (RFC 9293 section 3.1).
 * Leaves to others where the header lies, whose it is and how much it carries.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_TCP_HEADER_H
#define TCPHS_TCP_HEADER_H

#include "compat.h"

#include "segment.h"

enum { TCPHS_TCP_FIXED = 20, TCPHS_TCP_UP_TO_WINDOW = 16 };

/** Bytes of the header with its options, as it says; fewer than TCPHS_TCP_FIXED: it is none. */
static inline int tcphs_tcp_length(const guint8 *tcp)
{
    return (tcp[12] >> 4) * 4;
}

/**
 * Reads a header of which so many bytes were captured: TCPHS_TCP_UP_TO_WINDOW at least. Fills in numbers, flags,
 * window, urgent pointer and options of s, where they are zero, and nothing else. TCPHS_OPTIONS_CUT says that the
 * header was not captured whole: its options are not known then.
 */
void tcphs_tcp_read(const guint8 *tcp, int captured, struct tcphs_segment *s);

#endif
