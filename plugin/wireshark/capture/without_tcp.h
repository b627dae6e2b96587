/* without_tcp.h
 * While the preference tcphs.dissect_tcp is off, fields of TCP and of what it carries do not exist: who asks for them
 * is told, instead of getting an empty answer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_WITHOUT_TCP_H
#define TCPHS_WITHOUT_TCP_H

/**
 * The filter name of the first protocol in a display filter that needs TCP to be dissected, or may need it; NULL =
 * none, or the filter is not valid. Macros are expanded. A protocol over TCP and UDP alike counts as one that needs
 * TCP.
 */
const char *tcphs_protocol_lost_without_tcp(const char *filter);

/**
 * The filter name of the first such protocol of which display filters, columns or taps ask for a field while a frame is
 * being dissected; NULL = none. Takes milliseconds.
 */
const char *tcphs_protocol_asked_for_without_tcp(void);

#endif
